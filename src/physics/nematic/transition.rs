//! The infinite system: its order, and where it changes.
//!
//! With the order `S`, the field `h = βS` and the normaliser `c` of a molecule, the
//! free energy of a molecule is `f = S²/2 - T ln c(h)` and `S` is the mean feature
//! `m(h)` in its own field. So every `h` belongs to one temperature `T = m(h)/h`, and
//! what follows is found on that curve.

use super::{Nematic, OrientationSpace};

/// Steps of bisection and of the search for a maximum, to the last digits.
const STEPS: usize = 100;
/// The ordered branch ends at a field below this.
const LARGEST_FIELD: f64 = 5.0;
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Where an infinite system changes between disorder and order.
///
/// Temperatures are in units of `J / k_B`. In the plane the transition is continuous:
/// its three temperatures are equal, and order, entropy jump and latent heat vanish.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NematicTransition {
    /// Where both phases have the same free energy.
    pub temperature: f64,
    /// Order of the ordered phase there.
    pub order: f64,
    /// Up to here the ordered phase is metastable.
    pub superheating_temperature: f64,
    /// Order of the ordered phase there.
    pub superheating_order: f64,
    /// Down to here the disordered phase is metastable: its spinodal.
    pub supercooling_temperature: f64,
    /// Entropy gained by a molecule that disorders, in units of `k_B`.
    pub entropy_jump: f64,
    /// Energy that it takes, in units of `J`.
    pub latent_heat: f64,
}

impl<S: OrientationSpace> Nematic<S> {
    /// The transition of the infinite system.
    #[must_use]
    pub fn transition() -> NematicTransition {
        let superheating_field = strongest_field::<S>();
        let superheating_temperature = temperature::<S>(superheating_field);
        let supercooling_temperature = S::DISORDERED_ABOVE;
        // Order that ends at no field ends where disorder becomes unstable.
        if superheating_temperature <= supercooling_temperature * (1.0 + 1e-9) {
            return NematicTransition {
                temperature: supercooling_temperature,
                order: 0.0,
                superheating_temperature: supercooling_temperature,
                superheating_order: 0.0,
                supercooling_temperature,
                entropy_jump: 0.0,
                latent_heat: 0.0,
            };
        }
        // f = T (h m/2 - ln c), which is 0 without order.
        let gain = |h: f64| S::log_normaliser(h, 0.0) - 0.5 * h * S::mean_feature(h);
        let field = bisect(superheating_field, LARGEST_FIELD, |h| gain(h) < 0.0);
        let order = S::mean_feature(field);
        let latent_heat = 0.5 * order * order;
        NematicTransition {
            temperature: temperature::<S>(field),
            order,
            superheating_temperature,
            superheating_order: S::mean_feature(superheating_field),
            supercooling_temperature,
            entropy_jump: latent_heat / temperature::<S>(field),
            latent_heat,
        }
    }

    /// The order `S` of the stable phase of the infinite system, `<|Y|>/N` as `N`
    /// grows; 0 from the transition on.
    ///
    /// `temperature` is positive, in units of `J / k_B`; a temperature that is not gives
    /// NaN.
    #[must_use]
    pub fn infinite_order(temperature: f64) -> f64 {
        if temperature.is_nan() || temperature <= 0.0 {
            return f64::NAN;
        }
        if temperature >= Self::transition().temperature {
            return 0.0;
        }
        let hotter = |h: f64| S::mean_feature(h) > h * temperature;
        let field = bisect(strongest_field::<S>(), temperature.recip(), hotter);
        S::mean_feature(field)
    }
}

/// The temperature at which the infinite system has the field `h > 0`.
fn temperature<S: OrientationSpace>(field: f64) -> f64 {
    S::mean_feature(field) / field
}

/// The field of the highest temperature with order, by golden sections; it tends to
/// 0 where the curve falls from the start.
fn strongest_field<S: OrientationSpace>() -> f64 {
    let (mut low, mut high) = (0.0, LARGEST_FIELD);
    for _ in 0..STEPS {
        let (left, right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if temperature::<S>(left) > temperature::<S>(right) {
            high = right;
        } else {
            low = left;
        }
    }
    f64::midpoint(low, high)
}

/// The place between `low` and `high` at which `below` ceases to hold.
fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}
