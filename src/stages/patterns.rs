//! `patterns`: stored patterns, read off the decoder.
//!
//! Half-logits over prior draws and over encoded data span a space whose
//! dimension is the number of collective variables; the binary vectors in it are
//! the patterns. Beside them stands the baseline that needs no network: leading
//! eigenvectors of the correlation matrix, factorised in the same way.

use serde::{Deserialize, Serialize};

use super::data::{self, DataSet};
use super::train;
use crate::bits::BitMatrix;
use crate::engine::{Stage, StageError, TaskContext};
use crate::inference::{
    self, BinaryFactors, Centring, InferenceError, MAX_PATTERNS, Match, Spectrum,
};
use crate::manifest::Point;
use crate::plan::{Code, ManifestKey, Request, StageDefinition};
use crate::tables::{Cell, Table, schema};
use crate::vae::Vae;

/// The stage.
pub(super) struct Patterns;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameters {
    prior_draws: usize,
    encoded: usize,
}

/// A pattern whose space is farther than this from binary vectors deserves a
/// word: the residual is 1 less the share of the vector that lies in the space.
const LARGE_RESIDUAL: f64 = 0.1;

impl StageDefinition for Patterns {
    fn name(&self) -> &'static str {
        "patterns"
    }

    fn version(&self) -> u32 {
        1
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, point: &Point) -> Option<Request> {
        let section = point.analysis.patterns.as_ref()?;
        let request = Request::new(super::json(&Parameters {
            prior_draws: section.prior_draws,
            encoded: section.encoded,
        }));
        Some(data::needing_data(request, point).needing(train::ROLE, train::NAME))
    }

    fn tables(&self) -> &'static [&'static str] {
        &["patterns", "pattern_sites", "spectrum"]
    }

    fn manifest_keys(&self) -> &'static [ManifestKey] {
        const { &[ManifestKey::new("", "analysis.patterns")] }
    }
}

impl Stage for Patterns {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let parameters: Parameters = task.parameters()?;
        let vae = train::read_best(task)?;
        let truth = data::read_bits(task, data::PATTERNS)?;
        let train = DataSet::read(task, data::TRAIN)?;

        let prior = vae.draw_prior(parameters.prior_draws, &mut task.stream("prior"));
        let prior = half_logit_spectrum(&vae, &prior)?;
        task.check_cancelled()?;
        let test = DataSet::read(task, data::TEST)?;
        let codes = vae.encode(&test.configurations.first_rows(parameters.encoded));
        let encoded = half_logit_spectrum(&vae, &codes.means)?;
        task.check_cancelled()?;

        let read_off = from_network(&prior)?;
        let baseline = inference::correlation_patterns(
            train.spins()?,
            truth.rows().min(MAX_PATTERNS),
            Centring::Symmetric,
        )?;
        let methods = [
            Method::new("vae", read_off, warning(&prior), &truth)?,
            Method::new(
                "correlations",
                Some(baseline.factors),
                String::new(),
                &truth,
            )?,
        ];
        for method in &methods {
            if !method.warning.is_empty() {
                task.warn(format!("{}: {}", method.name, method.warning));
            }
        }
        write_spectra(task, &[("prior", &prior), ("encoded", &encoded)])?;
        write_patterns(task, &methods)?;
        write_sites(task, &methods, &truth)
    }
}

/// Spectrum of the half-logits at the given latents.
fn half_logit_spectrum(vae: &Vae, z: &[f32]) -> Result<Spectrum, InferenceError> {
    let natural = vae.natural_parameters(z);
    let half: Vec<f64> = natural.iter().map(|&field| f64::from(field)).collect();
    inference::spectrum(&half, vae.architecture().sites)
}

/// The binary vectors in the space of the effective components, as many as the
/// spectrum says, without a look at the truth.
fn from_network(spectrum: &Spectrum) -> Result<Option<BinaryFactors>, InferenceError> {
    let rank = spectrum.effective.min(MAX_PATTERNS);
    if rank == 0 {
        return Ok(None);
    }
    inference::binary_factorisation(&spectrum.basis(rank)?).map(Some)
}

fn warning(spectrum: &Spectrum) -> String {
    if spectrum.effective == 0 {
        return "the half-logits do not vary: no collective variable".to_owned();
    }
    if spectrum.gap_is_clear() {
        return String::new();
    }
    format!(
        "the rank {} is not clear: the next singular value is smaller by {:.2} only",
        spectrum.effective, spectrum.margin
    )
}

/// Patterns of one method, matched to the truth.
struct Method {
    name: &'static str,
    factors: Option<BinaryFactors>,
    matches: Vec<Match>,
    warning: String,
}

impl Method {
    fn new(
        name: &'static str,
        factors: Option<BinaryFactors>,
        mut warning: String,
        truth: &BitMatrix,
    ) -> Result<Self, InferenceError> {
        let found = factors.as_ref().map_or(&[][..], |f| &f.patterns);
        let matches = inference::match_patterns(found, truth)?;
        let mut add = |text: String| {
            let separator = if warning.is_empty() { "" } else { "; " };
            warning = format!("{warning}{separator}{text}");
        };
        if found.len() != truth.rows() {
            add(format!(
                "{} patterns found, {} stored",
                found.len(),
                truth.rows()
            ));
        }
        let residuals = factors.iter().flat_map(|f| &f.residuals);
        let worst = residuals.copied().fold(0.0, f64::max);
        if worst > LARGE_RESIDUAL {
            add(format!("a pattern is not binary: residual {worst:.3}"));
        }
        Ok(Self {
            name,
            factors,
            matches,
            warning,
        })
    }

    fn residual(&self, matched: &Match) -> Option<f64> {
        let factors = self.factors.as_ref()?;
        matched.found.map(|found| factors.residuals[found])
    }

    /// Value of a site of the pattern matched to `truth`, with its sign.
    fn value(&self, truth: usize, site: usize) -> Option<f64> {
        let factors = self.factors.as_ref()?;
        let matched = self.matches.iter().find(|m| m.truth == truth)?;
        let value = factors.patterns[matched.found?][site] * matched.sign;
        Some(f64::from(value))
    }
}

fn write_spectra(task: &TaskContext<'_>, spectra: &[(&str, &Spectrum)]) -> Result<(), StageError> {
    let mut table = Table::new(&schema::SPECTRUM);
    for (source, spectrum) in spectra {
        for (component, &value) in spectrum.singular_values.iter().enumerate() {
            table.push([
                component.into(),
                (*source).into(),
                value.into(),
                (component < spectrum.effective).into(),
                spectrum.margin.into(),
            ])?;
        }
    }
    super::write_fragment(task, &table)
}

fn write_patterns(task: &TaskContext<'_>, methods: &[Method]) -> Result<(), StageError> {
    let mut table = Table::new(&schema::PATTERNS);
    for method in methods {
        for matched in &method.matches {
            table.push([
                matched.truth.into(),
                method.name.into(),
                matched.overlap.into(),
                matched.wrong_fraction.into(),
                method.residual(matched).into(),
                method.warning.as_str().into(),
            ])?;
        }
    }
    super::write_fragment(task, &table)
}

fn write_sites(
    task: &TaskContext<'_>,
    methods: &[Method; 2],
    truth: &BitMatrix,
) -> Result<(), StageError> {
    let mut table = Table::new(&schema::PATTERN_SITES);
    for pattern in 0..truth.rows() {
        for site in 0..truth.columns() {
            let exact = if truth.get(pattern, site) { 1.0 } else { -1.0 };
            let mut row: Vec<Cell> = vec![pattern.into(), site.into(), exact.into()];
            row.extend(methods.iter().map(|m| Cell::from(m.value(pattern, site))));
            table.push(row)?;
        }
    }
    super::write_fragment(task, &table)
}
