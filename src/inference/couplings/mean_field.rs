//! The coupling of exchangeable models from a network's posterior.

use crate::inference::block_sums::{BlockSums, Bootstrap, check_count, check_values};
use crate::inference::{Estimate, InferenceError};

/// Part of the predictors' squares that must be variation.
const VARIATION: f64 = 1e-12;

/// Natural parameters and features, averaged over the sites of each configuration.
#[derive(Debug, Clone, Copy)]
pub struct MeanFieldData<'a> {
    /// Components, w: 1 for spins, 2 or 5 for directors.
    pub width: usize,
    /// Posterior means of the natural parameter, rows by width.
    pub parameters: &'a [f64],
    /// The mean features `Y/N`, rows by width.
    pub features: &'a [f64],
    /// The block of each row; blocks are independent.
    pub blocks: &'a [u32],
}

/// The straight line through mean natural parameters over mean features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanFieldRegression {
    /// The slope, `βJ`.
    pub coupling: Estimate,
    /// The intercept, `βh`; for one component only.
    pub field: Option<Estimate>,
    /// Part of the parameters' variance that the line explains, from 0 to 1. What
    /// is missing is not noise: it is the network's departure from mean field.
    pub explained: f64,
}

/// Regresses the posterior means of `η` on `Y/N`.
///
/// In mean-field models `E[η|x] = βJ Y/N + βh` exactly, in every component with the
/// same slope, whatever coordinates the latent variables have. Components have
/// intercepts of their own:
///
/// ```text
/// βJ = Σ_a Cov(Y_a/N, η_a) / Σ_a Var(Y_a/N),   βh = mean η - βJ mean Y/N   (w = 1)
/// ```
///
/// Errors are by drawing blocks of rows anew.
///
/// # Errors
///
/// - [`InferenceError::Count`] if parameters, features and labels do not fit.
/// - [`InferenceError::NotFinite`] if a value is NaN, infinite or above `1e70`.
/// - [`InferenceError::Constant`] if the features do not vary.
/// - [`InferenceError::Blocks`] and [`InferenceError::TooFewRows`] if there are fewer
///   than two blocks or resamples.
pub fn mean_field_regression(
    data: &MeanFieldData<'_>,
    bootstrap: &mut Bootstrap<'_>,
) -> Result<MeanFieldRegression, InferenceError> {
    let width = data.width;
    let expected = data.blocks.len() * width;
    check_count("natural parameters", data.parameters.len(), expected)?;
    check_count("features", data.features.len(), expected)?;
    check_values("natural parameter", data.parameters)?;
    check_values("feature", data.features)?;
    let sums = BlockSums::new(data.blocks, 2 * width + 3, |row, out| {
        let range = row * width..(row + 1) * width;
        let (x, y) = (&data.features[range.clone()], &data.parameters[range]);
        out[..width].copy_from_slice(x);
        out[width..2 * width].copy_from_slice(y);
        out[2 * width..].copy_from_slice(&[product(x, x), product(x, y), product(y, y)]);
    })?;
    let line = |means: &[f64]| line(means, width).map(|line| [line.slope, line.intercept]);
    let [coupling, intercept] = sums.bootstrap(bootstrap, line)?;
    let explained = self::line(&sums.means(), width)?.explained;
    Ok(MeanFieldRegression {
        coupling,
        field: (width == 1).then_some(intercept),
        explained,
    })
}

struct Line {
    slope: f64,
    /// Of the first component.
    intercept: f64,
    explained: f64,
}

/// The line from the means of `x`, `y`, `x·x`, `x·y` and `y·y`.
fn line(means: &[f64], width: usize) -> Result<Line, InferenceError> {
    let (x, y) = (&means[..width], &means[width..2 * width]);
    let spread = means[2 * width] - product(x, x);
    let joint = means[2 * width + 1] - product(x, y);
    let total = means[2 * width + 2] - product(y, y);
    if spread <= VARIATION * means[2 * width] {
        return Err(InferenceError::Constant { what: "features" });
    }
    let slope = joint / spread;
    let explained = if total > 0.0 {
        (slope * joint / total).clamp(0.0, 1.0)
    } else {
        0.0
    };
    Ok(Line {
        slope,
        intercept: y[0] - slope * x[0],
        explained,
    })
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Site-averaged natural parameters for several draws of the latent variables.
#[derive(Debug, Clone, Copy)]
pub struct FieldDraws<'a> {
    /// The number of sites, N.
    pub sites: usize,
    /// Components, w.
    pub width: usize,
    /// Draws a row, at least 2.
    pub draws: usize,
    /// Site-averaged natural parameters, rows by draws by width.
    pub values: &'a [f64],
    /// The block of each row; blocks are independent.
    pub blocks: &'a [u32],
}

/// `βJ` from how much the natural parameter varies once the units are known.
///
/// In mean-field models `Var(η|x) = βJ/N` exactly, in every component, so that
/// `βJ = N Var(η|x)`, averaged over rows and components. The variance over the draws
/// of a row is divided by the number of draws less one, hence unbiased. Errors are
/// by drawing blocks of rows anew.
///
/// # Errors
///
/// - [`InferenceError::TooFewRows`] if there are fewer than two draws or resamples.
/// - [`InferenceError::Empty`] if there is no component.
/// - [`InferenceError::Count`] if values and labels do not fit.
/// - [`InferenceError::NotFinite`] if a value is NaN, infinite or above `1e70`.
/// - [`InferenceError::Blocks`] if there are fewer than two blocks.
pub fn conditional_variance(
    data: &FieldDraws<'_>,
    bootstrap: &mut Bootstrap<'_>,
) -> Result<Estimate, InferenceError> {
    if data.draws < 2 {
        return Err(InferenceError::TooFewRows {
            what: "draws of the field a configuration",
            found: data.draws,
            needed: 2,
        });
    }
    if data.width == 0 {
        return Err(InferenceError::Empty { what: "component" });
    }
    let row_length = data.draws * data.width;
    let expected = data.blocks.len() * row_length;
    check_count("draws of the field", data.values.len(), expected)?;
    check_values("natural parameter", data.values)?;
    let sums = BlockSums::new(data.blocks, 1, |row, out| {
        let draws = &data.values[row * row_length..(row + 1) * row_length];
        let variances = (0..data.width).map(|component| variance(draws, data.width, component));
        out[0] = data.sites as f64 * variances.sum::<f64>() / data.width as f64;
    })?;
    let [coupling] = sums.bootstrap(bootstrap, |means| Ok([means[0]]))?;
    Ok(coupling)
}

/// Variance of one component over draws, divided by their number less one.
fn variance(draws: &[f64], width: usize, component: usize) -> f64 {
    let values = || draws.iter().skip(component).step_by(width);
    let count = (draws.len() / width) as f64;
    let mean = values().sum::<f64>() / count;
    values().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0)
}
