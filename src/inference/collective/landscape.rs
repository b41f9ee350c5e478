//! Basins of the effective energy of a collective variable.

use super::lattice::{Kernel, Lattice};
use crate::inference::InferenceError;

mod flooding;
#[cfg(test)]
mod tests;

use flooding::Flooding;

/// Standard errors by which a basin's saddle must lie below its minimum in counts.
pub const SIGNIFICANT: f64 = 3.0;

/// What counts as a basin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LandscapeSettings {
    /// Standard deviation of the Gaussian that smooths the density, in lattice steps; 0 for
    /// none. Weights that were fitted freely, node by node, gather in spikes: it should span
    /// the distance between them.
    pub smoothing: f64,
    /// Smallest barrier of a basin, nats (units of `k_B T`).
    pub barrier: f64,
    /// Smallest probability of a basin up to its saddle.
    pub probability: f64,
    /// Number of independent rows behind the density, if their noise is to decide too: the
    /// numbers of rows at the minimum and at the saddle must then differ by [`SIGNIFICANT`]
    /// standard errors. Rows of a recording are correlated, so that it is less than the
    /// number of rows; and a density that was taken out of noisy rows errs by more than
    /// these counts tell.
    pub independent_rows: Option<f64>,
}

impl Default for LandscapeSettings {
    fn default() -> Self {
        Self {
            smoothing: 1.0,
            barrier: 0.5,
            probability: 1e-3,
            independent_rows: None,
        }
    }
}

/// One basin of a landscape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Basin {
    /// The node with the lowest energy.
    pub minimum: usize,
    /// Its energy above the deepest of all, nats.
    pub energy: f64,
    /// Height of the lowest saddle towards another basin above the minimum, nats; none if
    /// there is no other basin, infinite if nodes without density lie between.
    pub barrier: Option<f64>,
    /// Sum of the given density, before smoothing, over the nodes of the basin.
    pub probability: f64,
}

/// The effective energy on a lattice and its basins.
#[derive(Debug, Clone, PartialEq)]
pub struct Landscape {
    energies: Vec<f64>,
    labels: Vec<usize>,
    basins: Vec<Basin>,
}

impl Landscape {
    /// Energy of each node above the deepest, nats; infinite where there is no density.
    #[must_use]
    pub fn energies(&self) -> &[f64] {
        &self.energies
    }

    /// The basin of each node, an index into [`Landscape::basins`].
    #[must_use]
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// The basins, the most probable first.
    #[must_use]
    pub fn basins(&self) -> &[Basin] {
        &self.basins
    }

    /// Probability of each row to be in each basin (`rows x B`), from the posterior of each
    /// row over the nodes (`rows x nodes`).
    ///
    /// # Errors
    ///
    /// [`InferenceError::Shape`] if the posterior does not fill rows of all nodes.
    pub fn membership(&self, posterior: &[f64]) -> Result<Vec<f64>, InferenceError> {
        let nodes = self.labels.len();
        if !posterior.len().is_multiple_of(nodes) {
            return Err(InferenceError::Shape {
                found: posterior.len(),
                columns: nodes,
            });
        }
        let basins = self.basins.len();
        let mut membership = vec![0.0; posterior.len() / nodes * basins];
        let rows = posterior.chunks_exact(nodes);
        for (sums, row) in membership.chunks_exact_mut(basins).zip(rows) {
            for (&label, probability) in self.labels.iter().zip(row) {
                sums[label] += probability;
            }
        }
        Ok(membership)
    }
}

/// Finds the basins of the effective energy `-ln density`.
///
/// `shape` is that of the lattice, one to three dimensions with open ends, the last running
/// fastest; `density` is the probability of each node. Neighbours are all nodes that touch,
/// diagonally too (2, 8 or 26).
///
/// The density is smoothed, every node descends along the steepest slope to a minimum, and
/// the lattice is flooded from below. Where two basins meet, at their lowest saddle, the
/// one with the higher minimum joins the other unless it is a basin by all of `settings`: its
/// barrier is not 0 and not below the smallest, its probability up to the saddle is not below the
/// smallest, and the counts differ if rows are given. So a basin is what persists in the sense
/// of persistent homology (H. Edelsbrunner, D. Letscher and A. Zomorodian, Discrete Comput.
/// Geom. 28, 511 (2002)). Equal energies are taken in the order of the nodes. The deepest
/// basin is always there.
///
/// # Errors
///
/// - [`InferenceError::OutOfRange`] if there are not one to three dimensions, if a node's
///   density is negative or not a number or they do not sum to 1, or if a setting is negative,
///   not finite or, for the smoothing, above 1000.
/// - [`InferenceError::Empty`] if the lattice has no node.
/// - [`InferenceError::Count`] if there is not one density a node.
pub fn landscape(
    shape: &[usize],
    density: &[f64],
    settings: &LandscapeSettings,
) -> Result<Landscape, InferenceError> {
    let lattice = Lattice::new(shape, density.len())?;
    check_density(density)?;
    check_settings(settings)?;
    let kernel = Kernel::new(settings.smoothing)?;
    let smoothed = lattice.smoothed(density, &kernel);
    let highest = smoothed.iter().copied().fold(0.0, f64::max);
    let energies: Vec<f64> = smoothed.iter().map(|p| (highest / p).ln()).collect();
    let criterion = Criterion {
        settings,
        averaged_nodes: lattice.averaged_nodes(&kernel),
    };
    let flooding = Flooding::new(&lattice, &smoothed, &energies, &criterion);
    Ok(gathered(density, energies, &flooding))
}

/// Whether what was flooded up to a saddle is a basin of its own.
struct Criterion<'a> {
    settings: &'a LandscapeSettings,
    averaged_nodes: f64,
}

impl Criterion<'_> {
    /// `minimum` and `saddle` are densities, `barrier` is an energy, `probability` is what
    /// lies below the saddle.
    fn is_basin(&self, minimum: f64, saddle: f64, barrier: f64, probability: f64) -> bool {
        let significant = self.settings.independent_rows.is_none_or(|rows| {
            let count = |density: f64| rows * self.averaged_nodes * density;
            let (top, pass) = (count(minimum), count(saddle));
            top - pass >= SIGNIFICANT * (top + pass).sqrt()
        });
        barrier > 0.0
            && barrier >= self.settings.barrier
            && probability >= self.settings.probability
            && significant
    }
}

/// Basins in their order, and the labels of the nodes in that order.
fn gathered(density: &[f64], energies: Vec<f64>, flooding: &Flooding) -> Landscape {
    let minima: Vec<usize> = (0..density.len())
        .map(|node| flooding.basin(node))
        .collect();
    let mut probabilities = vec![0.0; density.len()];
    for (&minimum, probability) in minima.iter().zip(density) {
        probabilities[minimum] += probability;
    }
    let mut order: Vec<usize> = (0..minima.len())
        .filter(|&node| minima[node] == node)
        .collect();
    // A stable sort: of equal probabilities, the first node comes first.
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let mut places = vec![0; density.len()];
    for (place, &minimum) in order.iter().enumerate() {
        places[minimum] = place;
    }
    let basin = |&minimum: &usize| Basin {
        minimum,
        energy: energies[minimum],
        barrier: flooding
            .saddle(minimum)
            .map(|saddle| energies[saddle] - energies[minimum]),
        probability: probabilities[minimum],
    };
    Landscape {
        labels: minima.iter().map(|&minimum| places[minimum]).collect(),
        basins: order.iter().map(basin).collect(),
        energies,
    }
}

fn check_density(density: &[f64]) -> Result<(), InferenceError> {
    let refused = |what, value, expected| InferenceError::OutOfRange {
        what,
        value,
        expected,
    };
    if let Some(&value) = density.iter().find(|p| !(0.0..).contains(*p)) {
        return Err(refused("the density of a node", value, "at least 0"));
    }
    let sum: f64 = density.iter().sum();
    if (sum - 1.0).abs() <= 1e-6 {
        return Ok(());
    }
    Err(refused("the sum of the density", sum, "1"))
}

fn check_settings(settings: &LandscapeSettings) -> Result<(), InferenceError> {
    let numbers = [
        ("the smallest barrier", settings.barrier),
        ("the smallest probability of a basin", settings.probability),
        (
            "the number of independent rows",
            settings.independent_rows.unwrap_or(0.0),
        ),
    ];
    match numbers
        .into_iter()
        .find(|(_, value)| !(0.0..f64::INFINITY).contains(value))
    {
        None => Ok(()),
        Some((what, value)) => Err(InferenceError::OutOfRange {
            what,
            value,
            expected: "a finite number of at least 0",
        }),
    }
}
