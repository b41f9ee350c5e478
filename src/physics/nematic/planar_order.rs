//! The mean length of the total feature in the plane, `<|Y|>`.
//!
//! Odd moments of `|Y|` are no moments of the field. In the plane they follow from the
//! component `X` of `Y` along an axis, whose density without couplings is `G(x)`, as all
//! directions are alike. Abel's inversion gives the density of `Y`,
//! `f(r) = -(1/π) ∫_r^∞ G'(x) / √(x² - r²) dx`; in each mean over `f` the order of the
//! integrals is changed, and `G'` is integrated by parts:
//!
//! ```text
//! <|Y|^n exp(β|Y|²/2N)>_0 = 2 ∫_0^N G(x) B_n'(x) dx
//! B_n(x) = x^(n+1) ∫_0^{π/2} sin^(n+1)φ exp(κ sin²φ) dφ,   κ = βx²/2N
//! ```
//!
//! For `n = 0`, which is `Z`, and `n = 1` these are, with `s = √(2N/β)` and `v = κ/2`,
//!
//! ```text
//! B_0' = 1 + √π (x/s) exp(κ) erf(x/s)
//! B_1' = (π/2) x exp(v) [I0(v) + 2v (I0(v) + I1(v))]
//! ```
//!
//! All of it is positive, so that no digits are lost. `G` is that of a sum of `N`
//! independent cosines. At `x` it is found in the field `h` in which `x` is the mean,
//! `x = N A(h)`, by Fourier inversion of a density that is centred there (the exact
//! form of a saddle point):
//!
//! ```text
//! G(x) = exp(N ln I0(h) - hx) (1/π) ∫_0^∞ Re[exp(-iqx) (I0(h + iq)/I0(h))^N] dq
//! ```

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use crate::directional::{GaussLegendre, von_mises};

/// With fewer molecules `G` is not smooth enough for its Fourier inversion.
const FEWEST_SITES: usize = 16;
/// What is below `exp(-40)` of the largest integrand is left out.
const NEGLECTED: f64 = 40.0;
/// Magnitude, in logarithms, at which a Fourier integral ends.
const FOURIER_END: f64 = -32.0;
/// Standard deviations at which the Fourier integral of a normal density has ended.
const NORMAL_END: f64 = 12.0;
/// The second largest magnitude of `J0` is 0.403: from so many molecules on, nothing
/// follows once the first peak has died away.
const ONE_PEAK_SITES: f64 = 44.0;
/// Period of the Fourier inversion, in standard deviations.
const PERIOD: f64 = 20.0;
const PANELS: usize = 12;
const BISECTIONS: usize = 60;
const RULE: GaussLegendre<24> = GaussLegendre::computed();

/// Means over the planar nematic.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlanarOrder {
    /// `<|Y|> / N`.
    pub(super) mean: f64,
    /// `ln Z`, in nats, found on the way.
    #[cfg_attr(not(test), expect(dead_code, reason = "an independent check"))]
    pub(super) log_partition: f64,
}

impl PlanarOrder {
    /// Integrates for `sites` molecules at `beta`, in units of `1/J`; nothing for fewer
    /// than 16 molecules.
    pub(super) fn new(sites: usize, beta: f64) -> Option<Self> {
        if sites < FEWEST_SITES {
            return None;
        }
        let system = System {
            sites: sites as f64,
            beta,
        };
        let peak = system.peak();
        let (from, to) = system.range(peak);
        let reference = system.log_weight(peak.sinh());
        let (mut total, mut lengths) = (0.0, 0.0);
        let edge = |panel: usize| from + (to - from) * panel as f64 / PANELS as f64;
        for panel in 0..PANELS {
            // Fields are h = sinh t, so that strong ones are spaced by factors.
            for (t, weight) in RULE.on(edge(panel), edge(panel + 1)) {
                let field = t.sinh();
                let part = system.part(field);
                let scale = (system.log_weight(field) - reference).exp();
                let measure = weight * t.cosh() * scale * part.density;
                total += measure * part.slopes[0];
                lengths += measure * part.slopes[1];
            }
        }
        Some(Self {
            mean: lengths / total / system.sites,
            log_partition: reference + (2.0 * total).ln(),
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct System {
    sites: f64,
    beta: f64,
}

/// The integrand at one field.
struct Part {
    /// `G(x) dx/dh` without `exp(N ln I0(h) - hx)`.
    density: f64,
    /// `B_0'` and `B_1'` without `exp(κ)`.
    slopes: [f64; 2],
}

impl System {
    /// `N ln I0(h) - hx + κ` at `x = N A(h)`.
    fn log_weight(&self, field: f64) -> f64 {
        let order = von_mises::mean_at(field);
        let entropy = von_mises::log_normaliser_at(field) - field * order;
        self.sites * (entropy + 0.5 * self.beta * order * order)
    }

    /// The `t` with the largest weight: its derivative is `N A' (βA - h)`.
    fn peak(&self) -> f64 {
        let rises = |t: f64| self.beta * von_mises::mean_at(t.sinh()) > t.sinh();
        bisect(0.0, self.beta.asinh(), rises)
    }

    /// The values of `t` around the peak whose weight counts.
    fn range(&self, peak: f64) -> (f64, f64) {
        let floor = self.log_weight(peak.sinh()) - NEGLECTED;
        let counts = |t: f64| self.log_weight(t.sinh()) >= floor;
        let from = if counts(0.0) {
            0.0
        } else {
            bisect(0.0, peak, |t| !counts(t))
        };
        let mut end = peak + 1.0;
        while counts(end) {
            end += 1.0;
        }
        (from, bisect(peak, end, counts))
    }

    fn part(&self, field: f64) -> Part {
        let cosines = Cosines::new(field, self.fourier_end(field));
        let x = self.sites * (1.0 - cosines.deficit);
        let relative = x * (0.5 * self.beta / self.sites).sqrt();
        let exponent = relative * relative;
        let half = 0.5 * exponent;
        let erf = statrs::function::erf::erf(relative);
        let both = 1.0 + von_mises::mean_at(half);
        let normaliser = von_mises::scaled_normaliser_at(half);
        Part {
            density: cosines.density(self) * self.sites * cosines.variance,
            slopes: [
                (-exponent).exp() + PI.sqrt() * relative * erf,
                FRAC_PI_2 * x * normaliser * (1.0 + 2.0 * half * both),
            ],
        }
    }

    /// From this `q` on `|I0(h + iq) / I0(h)|^N` is negligible: where few molecules make
    /// it large, `|I0(p)|` is about `(e^h + e^-h) / √(2π|p|)` at most; of many it is normal
    /// with the variance `1 / NA'`, and `A'` is above `1 / (2 + 2h²)`.
    fn fourier_end(&self, field: f64) -> f64 {
        let bound = (1.0 + (-2.0 * field).exp()) / von_mises::scaled_normaliser_at(field);
        let magnitude = bound * bound / TAU * (-2.0 * FOURIER_END / self.sites).exp();
        let few = ((magnitude - field) * (magnitude + field)).max(0.0).sqrt();
        let deviation = (2.0 * (1.0 + field * field) / self.sites).sqrt();
        few.max(NORMAL_END * deviation)
    }
}

/// The end of the stretch from `low` in which `holds` is true.
fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The cosine of an angle in a field, on equally spaced angles: these integrate
/// periodic functions to all digits.
struct Cosines {
    /// `1 - cos θ` less its mean, and the probability of each.
    points: Vec<(f64, f64)>,
    /// Mean of `1 - cos θ`, and variance.
    deficit: f64,
    variance: f64,
    end: f64,
}

impl Cosines {
    /// Enough angles for a field of length `h`, and for waves `exp(iq cos θ)` up to `end`.
    fn new(field: f64, end: f64) -> Self {
        // What n angles on half of the circle miss is I_2n(h + iq) / I0(h + iq), about
        // exp(-2n² h / (h² + q²)), and nothing once 2n is larger than the field.
        let magnitude = field.hypot(end);
        let shortest = (5.0 * field.sqrt() + 0.75 * end).min(magnitude * (20.0 / field).sqrt());
        let count = (24.0 + shortest) as usize;
        let deficit = |k: usize| {
            let half = 0.5 * PI * (k as f64 + 0.5) / count as f64;
            2.0 * half.sin().powi(2)
        };
        let deficits: Vec<f64> = (0..count)
            .map(deficit)
            .take_while(|deficit| field * deficit < NEGLECTED)
            .collect();
        let weights: Vec<f64> = deficits.iter().map(|d| (-field * d).exp()).collect();
        let total: f64 = weights.iter().sum();
        let pairs = || deficits.iter().zip(&weights);
        let mean = pairs().map(|(d, w)| d * w).sum::<f64>() / total;
        let points: Vec<(f64, f64)> = pairs().map(|(d, w)| (d - mean, w / total)).collect();
        Self {
            variance: points.iter().map(|(d, p)| p * d * d).sum(),
            points,
            deficit: mean,
            end,
        }
    }

    /// The density of the sum of all cosines at its mean.
    ///
    /// The trapezoid rule adds the densities one period and more away, which are
    /// negligible: a period is 20 standard deviations, or twice the largest sum.
    fn density(&self, system: &System) -> f64 {
        let deviation = (system.sites * self.variance).sqrt();
        let step = TAU / (PERIOD * deviation).min(2.0 * system.sites);
        let turn = |&(d, _): &(f64, f64)| (step * d).sin_cos();
        let turns: Vec<(f64, f64)> = self.points.iter().map(turn).collect();
        let mut waves: Vec<(f64, f64)> = self.points.iter().map(|&(_, p)| (0.0, p)).collect();
        let mut sum = 0.5;
        for k in 1..=(self.end / step).ceil() as usize {
            let (mut real, mut imaginary) = (0.0, 0.0);
            for ((sine, cosine), (s, c)) in waves.iter_mut().zip(&turns) {
                (*sine, *cosine) = (*sine * c + *cosine * s, *cosine * c - *sine * s);
                real += *cosine;
                imaginary += *sine;
            }
            let log_magnitude = system.sites * real.hypot(imaginary).ln();
            let past = k as f64 * step * deviation > 1.0;
            if past && log_magnitude < FOURIER_END && system.sites >= ONE_PEAK_SITES {
                break;
            }
            let phase = system.sites * imaginary.atan2(real);
            sum += log_magnitude.exp() * phase.cos();
        }
        sum * step / PI
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::{PlanarNematic, System as _};
    use crate::random::stream;

    #[test]
    fn the_partition_sum_is_that_of_the_quadrature_over_the_field() {
        for sites in [16, 17, 30, 43, 44, 100, 1000, 20_000] {
            for temperature in [0.02, 0.1, 0.3, 0.45, 0.5, 0.55, 0.7, 3.0, 100.0] {
                let found = PlanarOrder::new(sites, f64::recip(temperature)).unwrap();
                let model = PlanarNematic::new(sites, temperature).unwrap();
                let exact = model.quadrature();
                let difference = found.log_partition - exact.log_partition;
                // Both hold N ln c with a relative error of 1e-13.
                let tolerance = 1e-10 + 1e-12 * sites as f64 * (1.0 + 1.0 / temperature);
                assert!(
                    difference.abs() < tolerance,
                    "{sites} at {temperature}: {difference:e}"
                );
                // Cauchy and Schwarz; the mean square is known to ten digits.
                let ratio = found.mean.powi(2) / exact.squared_order;
                assert!(ratio < 1.0 + 1e-9, "{sites} at {temperature}: {ratio}");
            }
        }
    }

    #[test]
    fn without_couplings_the_length_is_that_of_a_walk_in_the_plane() {
        // By the characteristic function: <|Y|> = ∫_0^∞ (1 - J0(t)^N) / t² dt.
        let length = |sites: usize| sites as f64 * PlanarOrder::new(sites, 1e-9).unwrap().mean;
        let kluyver = |sites: i32| {
            // Up to 60 by Simpson with J0 from its integral; beyond, J0^N is below 1e-15.
            let (end, steps) = (60.0, 24_000);
            let bessel = |t: f64| {
                let angles = 256;
                let cosine = |k: i32| (t * (PI * (f64::from(k) + 0.5) / 256.0).cos()).cos();
                (0..angles).map(cosine).sum::<f64>() / f64::from(angles)
            };
            let value = |k: i32| {
                let t = end * f64::from(k) / f64::from(steps);
                if k == 0 {
                    0.25 * f64::from(sites)
                } else {
                    (1.0 - bessel(t).powi(sites)) / (t * t)
                }
            };
            let weight = |k: i32| match k {
                0 => 1.0,
                k if k == steps => 1.0,
                k if k % 2 == 1 => 4.0,
                _ => 2.0,
            };
            let sum: f64 = (0..=steps).map(|k| weight(k) * value(k)).sum();
            sum * end / f64::from(3 * steps) + 1.0 / end
        };
        for sites in [16, 25, 60] {
            let expected = kluyver(sites);
            let found = length(sites as usize);
            // Simpson's step of 0.0025 and the tail leave 1e-9.
            assert!((found / expected - 1.0).abs() < 1e-8, "{found} {expected}");
        }
        // The Rayleigh distribution of many steps.
        let rayleigh = (PI * 20_000.0).sqrt() / 2.0;
        assert!((length(20_000) / rayleigh - 1.0).abs() < 1e-5);
    }

    #[test]
    fn independent_samples_have_the_exact_length_and_susceptibility() {
        for (seed, temperature) in [("1", 0.3), ("2", 0.5), ("3", 0.7), ("4", 0.45)] {
            let model = PlanarNematic::new(100, temperature).unwrap();
            let exact = model.exact().unwrap();
            let drawn = model.independent().unwrap().unwrap();
            let count = 20_000;
            let drawn = drawn.draw(count, &mut stream(seed, &["lengths"]));
            let lengths: Vec<f64> = (0..count)
                .map(|row| model.order_values(&drawn, row)[0])
                .collect();
            let n = count as f64;
            let mean = lengths.iter().sum::<f64>() / n;
            let moment =
                |power: i32| lengths.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n;
            let pull = (mean - exact["abs_order_norm"]) / (moment(2) / n).sqrt();
            assert!(pull.abs() < 4.0, "{temperature}: length {pull}");
            let scale = 100.0 / temperature;
            let error = scale * ((moment(4) - moment(2).powi(2)) / n).sqrt();
            let pull = (scale * moment(2) - exact["susceptibility"]) / error;
            assert!(pull.abs() < 4.0, "{temperature}: susceptibility {pull}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let keys = |sites, temperature| PlanarNematic::new(sites, temperature).unwrap().exact();
        let few = keys(15, 0.3).unwrap();
        assert!(!few.contains_key("abs_order_norm") && !few.contains_key("susceptibility"));
        // Of 65,536 molecules near zero temperature the variance is the difference of
        // numbers that agree in all known digits.
        let stiff = keys(65_536, 0.001).unwrap();
        assert!(!stiff.contains_key("susceptibility"));
        // |m| = 1 - T/2 near zero temperature, as A(h) = 1 - 1/2h.
        assert!((stiff["abs_order_norm"] - (1.0 - 0.0005)).abs() < 1e-6);
    }
}
