//! Exact thermodynamics at any number of molecules, by quadrature over the field.

use super::OrientationSpace;
use crate::directional::GaussLegendre;

/// Fields are left out where the density is below `exp(-60)` of its peak.
const NEGLECTED: f64 = 60.0;
/// Width of a panel, in units of the spread that the field has at given molecules.
const PANEL: f64 = 4.0;
/// Points at which a panel is searched for density.
const PROBES: usize = 8;
/// Bisections for the range of shapes.
const BISECTIONS: usize = 24;
const RULE: GaussLegendre<24> = GaussLegendre::computed();
const SHAPES: GaussLegendre<32> = GaussLegendre::computed();

/// The distribution of the field `h = √(β/N) z` of a nematic, and what follows.
///
/// With `z` of K numbers, `ρ = |z|`, `a = √(β/N)` and the normaliser `c` of a
/// molecule,
///
/// ```text
/// Z = E_{z ~ N(0, I)} c(a z)^N,   p(z) = (2π)^(-K/2) exp(-ρ²/2) c(a z)^N / Z
/// ```
///
/// and `z` is normal with mean `aY` at given molecules. So `E ρ² = K + a² <|Y|²>` and
/// `Var ρ² = 2K + 4a² <|Y|²> + a⁴ Var |Y|²`. Integrals are by Gauss and Legendre over
/// `ρ` and the shape of the field; what is left out is below `exp(-40)`. Finer rules
/// change `ln Z` by less than `1e-11 + 1e-15 (N + ln Z)` nats, `<|Y|²>` and the rate in
/// their tenth digit at most, and the variance of `|Y|²` in its sixth: that of small
/// `βN` and of large `βN` at large `β` is a difference of larger numbers.
#[derive(Debug, Clone)]
pub struct FieldQuadrature {
    system: Radial,
    panels: Vec<Panel>,
    /// `ln Z`, in nats, for directors of uniform measure 1.
    pub log_partition: f64,
    /// `<|Y|²> / N²`.
    pub squared_order: f64,
    /// `Var(|Y|²) / N⁴`.
    pub squared_order_variance: f64,
    /// Mutual information of molecules and field, in nats: the rate of the
    /// Hubbard-Stratonovich latent, `I = h(z) - (K/2) ln(2πe)` with the differential
    /// entropy `h(z)`.
    pub rate: f64,
}

/// A stretch of `ρ`, with the probability that it holds.
#[derive(Debug, Clone, Copy)]
struct Panel {
    from: f64,
    to: f64,
    probability: f64,
}

impl FieldQuadrature {
    /// Integrates over the field of `sites` molecules at `beta`, in units of `1/J`.
    pub(super) fn new<S: OrientationSpace>(sites: usize, beta: f64) -> Self {
        let system = Radial::new::<S>(sites, beta);
        let ranges = system.support();
        let peaks = ranges
            .iter()
            .map(|&(from, to)| system.bound(from).max(system.bound(to)));
        let reference = peaks.fold(f64::NEG_INFINITY, f64::max);
        let mut moments = Moments::default();
        let mut panels = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            let before = moments.total;
            for (rho, weight) in RULE.on(from, to) {
                let shell = system.shell(rho);
                let density = weight * (shell.log_density - reference).exp();
                moments.add(density, rho * rho, shell.mean_exponent - reference);
            }
            let probability = moments.total - before;
            panels.push(Panel {
                from,
                to,
                probability,
            });
        }
        let total = moments.total;
        for panel in &mut panels {
            panel.probability /= total;
        }
        Self::from_moments(system, panels, &moments, reference)
    }

    fn from_moments(system: Radial, panels: Vec<Panel>, moments: &Moments, reference: f64) -> Self {
        let dimension = system.dimension;
        let coupling = system.spread.powi(2) * system.sites.powi(2);
        let (square, variance) = moments.square();
        let signal = square - dimension;
        // h(z) - (K/2) ln(2πe), with -ln p(z) = (K/2) ln 2π + ln Z + ρ²/2 - N ln c.
        let log_total = moments.total.ln() - system.log_measure();
        let rate = log_total - moments.exponent / moments.total - 0.5 * dimension;
        Self {
            system,
            panels,
            log_partition: reference + log_total,
            squared_order: signal / coupling,
            squared_order_variance: (variance - 4.0 * signal - 2.0 * dimension) / coupling.powi(2),
            rate,
        }
    }

    /// `<|Y|⁴> / N⁴`.
    #[must_use]
    pub fn fourth_order(&self) -> f64 {
        self.squared_order_variance + self.squared_order.powi(2)
    }

    /// The density of the length `|h|` of the field `h = √(β/N) z`.
    #[must_use]
    pub fn magnitude_density(&self, length: f64) -> f64 {
        let rho = length / self.system.spread;
        if rho <= 0.0 || !rho.is_finite() {
            return 0.0;
        }
        let log_density =
            self.system.shell(rho).log_density - self.system.log_measure() - self.log_partition;
        log_density.exp() / self.system.spread
    }

    /// `ln` of the mean over all directions of `c(h)^N`, for fields of this length, in
    /// nats.
    #[must_use]
    pub fn log_weight(&self, length: f64) -> f64 {
        // The shell of a length 0 has no volume; the weight is 0 there.
        let rho = (length / self.system.spread).max(f64::MIN_POSITIVE);
        let shell = self.system.shell(rho).log_density;
        shell + 0.5 * rho * rho - (self.system.dimension - 1.0) * rho.ln()
    }

    /// The probability that the length of the field is at most `length`.
    #[must_use]
    pub fn magnitude_cumulative(&self, length: f64) -> f64 {
        let rho = length / self.system.spread;
        let mut sum = 0.0;
        for panel in &self.panels {
            if panel.to <= rho {
                sum += panel.probability;
            } else if panel.from < rho {
                let part = RULE.on(panel.from, rho);
                let spread = self.system.spread;
                let density = |rho: f64| spread * self.magnitude_density(spread * rho);
                sum += part.map(|(rho, weight)| weight * density(rho)).sum::<f64>();
            }
        }
        sum.min(1.0)
    }
}

/// Sums over the density, about a moving centre.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    total: f64,
    /// Mean of `ρ²` so far, and the sum of squared deviations from it.
    mean: f64,
    deviations: f64,
    exponent: f64,
}

impl Moments {
    /// Adds a point; the update of mean and deviations is that of D. H. D. West (1979).
    fn add(&mut self, density: f64, square: f64, exponent: f64) {
        if density == 0.0 {
            return;
        }
        self.total += density;
        let deviation = square - self.mean;
        self.mean += deviation * density / self.total;
        self.deviations += density * deviation * (square - self.mean);
        self.exponent += density * exponent;
    }

    /// Mean and variance of `ρ²`.
    fn square(&self) -> (f64, f64) {
        (self.mean, self.deviations / self.total)
    }
}

/// The unnormalised density of `ρ`, and how it is integrated over shapes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Radial {
    log_normaliser: fn(f64, f64) -> f64,
    pub(super) sites: f64,
    /// K.
    pub(super) dimension: f64,
    /// `a = √(β/N)`.
    pub(super) spread: f64,
}

/// The density of one `ρ`, all shapes together.
struct Shell {
    /// Log of `ρ^(K-1)` times the mean of `exp(N ln c - ρ²/2)` over shapes.
    log_density: f64,
    /// Mean of `N ln c - ρ²/2` under that density.
    mean_exponent: f64,
}

impl Radial {
    pub(super) fn new<S: OrientationSpace>(sites: usize, beta: f64) -> Self {
        Self {
            log_normaliser: S::log_normaliser,
            sites: sites as f64,
            dimension: S::UNIT.width() as f64,
            spread: (beta / sites as f64).sqrt(),
        }
    }

    /// `ln ∫ ρ^(K-1) exp(-ρ²/2) dρ = ln(2^(K/2 - 1) Γ(K/2))` for K of 2 and 5.
    fn log_measure(&self) -> f64 {
        let half = 0.5 * self.dimension;
        (half - 1.0) * std::f64::consts::LN_2 + statrs::function::gamma::ln_gamma(half)
    }

    /// `N ln c - ρ²/2`.
    pub(super) fn exponent(&self, rho: f64, shape: f64) -> f64 {
        self.log_power(rho, shape) - 0.5 * rho * rho
    }

    /// `N ln c`.
    pub(super) fn log_power(&self, rho: f64, shape: f64) -> f64 {
        self.sites * (self.log_normaliser)(self.spread * rho, shape)
    }

    /// An upper bound of the log density, from the shape of largest `c`.
    fn bound(&self, rho: f64) -> f64 {
        (self.dimension - 1.0) * rho.ln() + self.exponent(rho, 0.0)
    }

    /// Disjoint rising stretches of `ρ` that hold all density that counts.
    ///
    /// `ρ` is at most `aN`, the largest mean, plus a normal deviation.
    pub(super) fn support(&self) -> Vec<(f64, f64)> {
        let end = self.spread * self.sites + (2.0 * NEGLECTED).sqrt() + PANEL;
        let panels = (end / PANEL).ceil() as usize;
        let edge = |panel: usize| end * panel as f64 / panels as f64;
        let probe = |panel: usize| {
            let place = |k: usize| panel as f64 + (k as f64 + 0.5) / PROBES as f64;
            let bounds = (0..PROBES).map(|k| self.bound(end * place(k) / panels as f64));
            bounds.fold(f64::NEG_INFINITY, f64::max)
        };
        let bounds: Vec<f64> = (0..panels).map(probe).collect();
        let peak = bounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (0..panels)
            .filter(|&panel| bounds[panel] > peak - NEGLECTED)
            .map(|panel| (edge(panel), edge(panel + 1)))
            .collect()
    }

    /// The smallest shape from which on `N ln c` lies `drop` below its value at 0,
    /// or 1.
    pub(super) fn shape_range(&self, rho: f64, drop: f64) -> f64 {
        let floor = self.log_power(rho, 0.0) - drop;
        if self.log_power(rho, 1.0) >= floor {
            return 1.0;
        }
        let (mut low, mut high) = (f64::MIN_POSITIVE.ln(), 0.0_f64);
        for _ in 0..BISECTIONS {
            let middle = f64::midpoint(low, high);
            if self.log_power(rho, middle.exp()) >= floor {
                low = middle;
            } else {
                high = middle;
            }
        }
        high.exp()
    }

    /// Integrates over shapes; one point is enough where they do not matter.
    fn shell(&self, rho: f64) -> Shell {
        let measure = (self.dimension - 1.0) * rho.ln();
        let top = self.exponent(rho, 0.0);
        if self.exponent(rho, 1.0) >= top {
            return Shell {
                log_density: measure + top,
                mean_exponent: top,
            };
        }
        let range = self.shape_range(rho, NEGLECTED);
        let (mut total, mut fall) = (0.0, 0.0);
        for (shape, weight) in SHAPES.on(0.0, range) {
            let below = self.exponent(rho, shape) - top;
            total += weight * below.exp();
            fall += weight * below.exp() * below;
        }
        Shell {
            log_density: measure + top + total.ln(),
            mean_exponent: top + fall / total,
        }
    }
}
