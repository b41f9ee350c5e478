//! `collective_states`: where the data live in the plane of the latents, and when.
//!
//! The posterior of the latents, averaged over the test data, is a density on a lattice;
//! minus its logarithm is an effective energy, whose basins are the collective states. Of
//! a recording the collective variables of the effective model, the basins and the number
//! of active cells are followed along the movie, and split into what the stimulus explains
//! and what it does not.

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet};
use super::effective_model::{self, half_logits, product};
use super::report;
use super::{model_file, train, write_fragment};
use crate::engine::{Stage, StageError, TaskContext};
use crate::fields::{SiteMixture, Words};
use crate::inference::Estimate;
use crate::inference::collective::{
    self, BasinPattern, Landscape, LandscapeSettings, Repeats, basin_patterns, time_course,
    variance_components,
};
use crate::manifest::{Point, System};
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::tables::{Cell, Table, schema};
use crate::vae::Vae;

/// The stage.
pub(super) struct CollectiveStates;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    barrier_nats: f64,
    nodes: usize,
    /// Width of a time bin of a recording, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bin_ms: Option<f64>,
}

/// Role of the stage `effective_model`.
const EFFECTIVE: &str = "effective_model";
/// Most latents for which there is a plane.
const PLANE: usize = 2;
/// Standard deviations of the posteriors beyond the outermost codes that the lattice takes in.
const REACH: f32 = 2.0;
/// Standard deviation of the smoothing of the density, in lattice steps. Posteriors are a
/// few steps wide; what is finer is the lattice.
const SMOOTHING: f64 = 1.0;
/// Smallest probability of a basin up to its saddle: some ten independent stretches of a
/// recording of a few thousand of them.
const SMALLEST: f64 = 0.005;
/// A node at which fewer configurations than this are expected has no energy.
const FEWEST: f64 = 0.1;

impl StageDefinition for CollectiveStates {
    fn name(&self) -> &'static str {
        "collective_states"
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let section = point.analysis.collective_states.as_ref()?;
        let bin_ms = match &point.system {
            System::Recording(recording) => recording.bin_ms,
            System::Model { .. } => None,
        };
        let request = Request::new(super::json(&Parameters {
            barrier_nats: section.barrier_nats,
            nodes: section.nodes,
            bin_ms,
        }));
        let request = data::needing_data(request, point).needing(train::ROLE, train::NAME);
        Some(request.needing(EFFECTIVE, effective_model::NAME))
    }

    fn tables(&self) -> &'static [&'static str] {
        &["landscape", "basins", "basin_sites", "movie", "stimulus"]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const {
            &[
                ManifestKey::new("", "analysis.collective_states"),
                ManifestKey::new("bin_ms", "recording.bin_ms"),
            ]
        }
    }
}

impl Stage for CollectiveStates {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let vae = train::read_best(task)?;
        let test = DataSet::read(task, data::TEST)?;
        let words = Words::new(test.spins()?, &test.block_labels())?;
        report(task, 0.0, "landscape of the latents");
        let plane = match vae.architecture().latent {
            latent if latent <= PLANE => Some(Plane::of(&vae, &test, &words, &parameters)?),
            latent => {
                task.warn(format!(
                    "{latent} latents have no plane: no landscape and no basins, which are \
                     there for one or two latents"
                ));
                None
            }
        };
        task.check_cancelled()?;
        report(task, 0.5, "collective variables along the movie");
        write_landscape(task, plane.as_ref())?;
        write_basins(task, plane.as_ref(), &test)?;
        let variables = Variables::of(task, &words, &test, plane.as_ref())?;
        variables.write(task, &test, parameters.bin_ms)
    }
}

/// The plane of the latents: a lattice, the density of the data on it, and its basins.
struct Plane {
    latent: usize,
    /// `nodes x latent`.
    nodes: Vec<f32>,
    /// Area of a cell of the lattice.
    cell: f64,
    /// Number of test configurations.
    rows: f64,
    density: Vec<f64>,
    landscape: Landscape,
    /// Probability of each test configuration to be in each basin.
    membership: Vec<f64>,
    patterns: Vec<BasinPattern>,
}

impl Plane {
    fn of(
        vae: &Vae,
        test: &DataSet,
        words: &Words,
        parameters: &Parameters,
    ) -> Result<Self, StageError> {
        let latent = vae.architecture().latent;
        let reaches = reaches(vae, test);
        let along = parameters.nodes;
        let nodes = product(&reaches, along);
        let logs = vae.prior_log_density(&nodes);
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logs.iter().map(|log| (log - largest).exp()).collect();
        let sites = vae.architecture().sites;
        let mixture = SiteMixture::new(sites, &half_logits(vae, &nodes), &weights)?;
        let totals = mixture.expectations(words, words.counts()).node_counts;
        let rows = words.rows() as f64;
        let density: Vec<f64> = totals.iter().map(|total| total / rows).collect();
        let settings = LandscapeSettings {
            smoothing: SMOOTHING,
            barrier: parameters.barrier_nats,
            probability: SMALLEST,
            independent_rows: None,
        };
        let landscape = collective::landscape(&vec![along; latent], &density, &settings)?;
        let basins = landscape.basins().len();
        let mut indicators = vec![0.0; density.len() * basins];
        for (node, &label) in landscape.labels().iter().enumerate() {
            indicators[node * basins + label] = 1.0;
        }
        let per_word = mixture.posterior_means(words, &indicators, basins);
        let membership = spread(words, &per_word, basins);
        let patterns = basin_patterns(test.spins()?, &membership, &test.block_labels())?;
        let steps = reaches
            .iter()
            .map(|(low, high)| f64::from(high - low) / (along - 1) as f64);
        Ok(Self {
            latent,
            nodes,
            cell: steps.product(),
            rows,
            density,
            landscape,
            membership,
            patterns,
        })
    }

    /// Place of a node; 0 for the second latent where there is only one.
    fn place(&self, node: usize) -> [f64; 2] {
        let z = &self.nodes[node * self.latent..(node + 1) * self.latent];
        [f64::from(z[0]), z.get(1).copied().map_or(0.0, f64::from)]
    }
}

/// The interval of each latent in which the posteriors of the test data lie.
fn reaches(vae: &Vae, test: &DataSet) -> Vec<(f32, f32)> {
    let codes = vae.encode(&test.configurations);
    let latent = codes.latent;
    let reach = |j: usize| {
        let means = codes.means.iter().skip(j).step_by(latent);
        let scales = codes.log_scales.iter().skip(j).step_by(latent);
        let ends = means.zip(scales).map(|(mean, log_scale)| {
            let width = REACH * log_scale.exp();
            (mean - width, mean + width)
        });
        ends.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), (a, b)| {
            (low.min(a), high.max(b))
        })
    };
    (0..latent).map(reach).collect()
}

/// Values of each distinct configuration (`distinct x dimension`), for each row.
fn spread(words: &Words, values: &[f64], dimension: usize) -> Vec<f64> {
    let rows = words.word_of_row().iter();
    rows.flat_map(|&word| &values[word * dimension..(word + 1) * dimension])
        .copied()
        .collect()
}

fn write_landscape(task: &TaskContext<'_>, plane: Option<&Plane>) -> Result<(), StageError> {
    let mut table = Table::new(&schema::LANDSCAPE);
    if let Some(plane) = plane {
        let energies = plane.landscape.energies();
        for (node, &label) in plane.landscape.labels().iter().enumerate() {
            let [x, y] = plane.place(node);
            let there = plane.density[node] * plane.rows >= FEWEST && energies[node].is_finite();
            table.push([
                x.into(),
                y.into(),
                (plane.density[node] / plane.cell).into(),
                there.then_some(energies[node]).into(),
                if there { label + 1 } else { 0 }.into(),
            ])?;
        }
    }
    write_fragment(task, &table)
}

fn write_basins(
    task: &TaskContext<'_>,
    plane: Option<&Plane>,
    test: &DataSet,
) -> Result<(), StageError> {
    let mut basins = Table::new(&schema::BASINS);
    let mut sites = Table::new(&schema::BASIN_SITES);
    if let Some(plane) = plane {
        let bits = test.spins()?;
        let overall = crate::inference::PopulationStatistics::of(bits, &[])?.rates;
        let found = plane.landscape.basins().iter().zip(&plane.patterns);
        for (index, (basin, pattern)) in found.enumerate() {
            let [x, y] = plane.place(basin.minimum);
            let activity = pattern.activity.as_ref();
            basins.push([
                (index + 1).into(),
                x.into(),
                y.into(),
                basin.energy.into(),
                basin.barrier.filter(|barrier| barrier.is_finite()).into(),
                pattern.probability.value.into(),
                pattern.probability.standard_error.into(),
                activity.map(|it| it.active_count.value).into(),
            ])?;
            let rates = activity.iter().flat_map(|it| &it.rates);
            for (site, rate) in rates.enumerate() {
                sites.push([
                    (index + 1).into(),
                    site.into(),
                    rate.value.into(),
                    rate.standard_error.into(),
                    overall[site].into(),
                ])?;
            }
        }
    }
    write_fragment(task, &basins)?;
    write_fragment(task, &sites)
}

/// What is followed along the movie: one value a test configuration each.
struct Variables {
    names: Vec<String>,
    /// `rows x names`.
    values: Vec<f64>,
}

impl Variables {
    fn of(
        task: &TaskContext<'_>,
        words: &Words,
        test: &DataSet,
        plane: Option<&Plane>,
    ) -> Result<Self, StageError> {
        let bytes = task.read(EFFECTIVE, effective_model::MODEL)?;
        let model = model_file::from_bytes(&bytes, effective_model::MODEL)?;
        let fields = model.fields();
        let means = SiteMixture::from(&model).posterior_means(words, model.nodes(), fields);
        let means = spread(words, &means, fields);
        let basins = plane.map_or(0, |plane| plane.landscape.basins().len());
        let numbered = |name: &'static str, count| (1..=count).map(move |n| format!("{name}_{n}"));
        let mut names: Vec<String> = numbered("collective", fields).collect();
        names.extend(numbered("basin", basins));
        names.push("active_count".to_owned());
        let bits = test.spins()?;
        let mut values = Vec::with_capacity(bits.rows() * names.len());
        for row in 0..bits.rows() {
            values.extend(&means[row * fields..(row + 1) * fields]);
            if let Some(plane) = plane {
                values.extend(&plane.membership[row * basins..(row + 1) * basins]);
            }
            values.push(bits.count_ones(row) as f64);
        }
        Ok(Self { names, values })
    }

    /// The tables `movie` and `stimulus`; without repeats of a stimulus they stay empty.
    fn write(
        &self,
        task: &TaskContext<'_>,
        test: &DataSet,
        bin_ms: Option<f64>,
    ) -> Result<(), StageError> {
        let mut movie = Table::new(&schema::MOVIE);
        let mut stimulus = Table::new(&schema::STIMULUS);
        if let Some(blocks) = &test.blocks {
            let repeats = Repeats::new(blocks, &data::bins_of_repeats(blocks))?;
            self.push_movie(&mut movie, &repeats, bin_ms)?;
            self.push_stimulus(&mut stimulus, &repeats)?;
        }
        write_fragment(task, &movie)?;
        write_fragment(task, &stimulus)
    }

    fn push_movie(
        &self,
        table: &mut Table,
        repeats: &Repeats,
        bin_ms: Option<f64>,
    ) -> Result<(), StageError> {
        let courses = time_course(&self.values, repeats)?;
        for (name, course) in self.names.iter().zip(courses) {
            for (bin, estimate) in course.into_iter().enumerate() {
                table.push([
                    name.as_str().into(),
                    bin.into(),
                    bin_ms.map(|width| bin as f64 * width).into(),
                    estimate.value.into(),
                    estimate.standard_error.into(),
                ])?;
            }
        }
        Ok(())
    }

    fn push_stimulus(&self, table: &mut Table, repeats: &Repeats) -> Result<(), StageError> {
        let value = |estimate: Estimate| Cell::from(estimate.value);
        let components = variance_components(&self.values, repeats)?;
        for (name, found) in self.names.iter().zip(components) {
            table.push([
                name.as_str().into(),
                value(found.total),
                value(found.signal),
                value(found.noise),
                value(found.explained),
                found.explained.standard_error.into(),
                value(found.drift),
            ])?;
        }
        Ok(())
    }
}
