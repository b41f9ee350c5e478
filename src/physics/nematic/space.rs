//! Where molecules point: in the plane or in space.

use super::planar_order::PlanarOrder;
use crate::configurations::Unit;
use crate::directional::{bingham, von_mises};
use crate::random::{Generator, uniform};

/// What a nematic needs of the space its molecules point in.
///
/// A field `h` counts by its length and its shape `s`, from 0 to 1: rotations change
/// neither. In the plane all fields have the same shape. The measure of a field with
/// independent normal components is uniform in `s`.
pub trait OrientationSpace: Copy + Send + Sync + 'static {
    /// What sits on a site.
    const UNIT: Unit;
    /// Kind of the model in manifests.
    const MODEL: &'static str;
    /// Highest temperature at which an ordered phase is at least metastable in the
    /// infinite system, in units of `J / k_B`.
    const ORDERED_BELOW: f64;
    /// Temperature at which the disordered phase becomes unstable: `1/K`, as the
    /// covariance of the features is `1/K` without a field.
    const DISORDERED_ABOVE: f64;
    /// Names of the order parameters, per molecule.
    const ORDER_PARAMETERS: &'static [&'static str];

    /// `ln c`, in nats: the log mean of `exp(h·y)` over all directors.
    ///
    /// Convex in `length`, and never rises with `shape`.
    fn log_normaliser(length: f64, shape: f64) -> f64;

    /// The mean of `y` along a field of shape 0, the derivative of `ln c` by its length.
    fn mean_feature(length: f64) -> f64;

    /// A field of this length and shape, rotated at random.
    fn random_field(length: f64, shape: f64, generator: &mut Generator) -> Vec<f64>;

    /// Draws all molecules independently in one field: `features` is `sites x K`.
    fn draw(field: &[f64], features: &mut [f32], generator: &mut Generator);

    /// The order parameters of the mean feature `Y / N`.
    fn order_values(mean: &[f64]) -> Vec<f64>;

    /// The exact `<|Y|> / N` of `sites` molecules at `beta`, in units of `1/J`, where it
    /// is known.
    #[must_use]
    fn mean_order(_sites: usize, _beta: f64) -> Option<f64> {
        None
    }
}

/// Directors in space.
///
/// Order parameters: `order_norm` is `|Y| / N`. With
/// `Q = (1/N) Σ_i (3 u_i u_i' - 1) / 2`, `scalar_order` is the eigenvalue of `Q` of
/// largest magnitude: from -1/2 (all molecules in a plane, isotropically) to 1 (all
/// aligned). `biaxiality` is `1 - 6 (Tr Q³)² / (Tr Q²)³`, from 0 (uniaxial) to 1 (one
/// eigenvalue is 0), and 0 where `Q` vanishes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Space;

/// Directors in the plane.
///
/// Both order parameters, `order_norm` and `scalar_order`, are `|Y| / N`: the larger
/// eigenvalue of `Q = (1/N) Σ_i (2 u_i u_i' - 1)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane;

impl OrientationSpace for Space {
    const UNIT: Unit = Unit::Director;
    const MODEL: &'static str = "maier_saupe";
    const ORDERED_BELOW: f64 = 0.222_834;
    const DISORDERED_ABOVE: f64 = 0.2;
    const ORDER_PARAMETERS: &'static [&'static str] = &["order_norm", "scalar_order", "biaxiality"];

    fn log_normaliser(length: f64, shape: f64) -> f64 {
        bingham::log_normaliser_at(length, shape)
    }

    fn mean_feature(length: f64) -> f64 {
        bingham::mean_at(length)
    }

    fn random_field(length: f64, shape: f64, generator: &mut Generator) -> Vec<f64> {
        let eigenvalues = bingham::eigenvalues_at(length, shape);
        let axes = random_axes(generator);
        let mut matrix = [[0.0; 3]; 3];
        for (value, axis) in eigenvalues.iter().zip(axes) {
            for (row, x) in matrix.iter_mut().zip(axis) {
                row.iter_mut()
                    .zip(axis)
                    .for_each(|(m, y)| *m += value * x * y);
            }
        }
        // The eigenvalues are those of √(3/2) times the tensor of the field.
        let components = bingham::components(matrix);
        components.iter().map(|x| x / 1.5_f64.sqrt()).collect()
    }

    fn draw(field: &[f64], features: &mut [f32], generator: &mut Generator) {
        bingham::draw_shared(five(field), features, generator);
    }

    fn order_values(mean: &[f64]) -> Vec<f64> {
        let mean = five(mean);
        // The eigenvalues of Q are |y| cos(φ + 2πk/3), as those of a field's matrix.
        let (norm, shape) = (bingham::length(mean), bingham::shape(mean));
        let [largest, _, smallest] = bingham::eigenvalues_at(norm, shape);
        let scalar = if largest >= -smallest {
            largest
        } else {
            smallest
        };
        // 6 (Tr Q³)² / (Tr Q²)³ = cos² 3φ, and cos 3φ = 1 - 2s.
        let biaxiality = if norm == 0.0 {
            0.0
        } else {
            4.0 * shape * (1.0 - shape)
        };
        vec![norm, scalar, biaxiality]
    }
}

impl OrientationSpace for Plane {
    const UNIT: Unit = Unit::PlanarDirector;
    const MODEL: &'static str = "planar_nematic";
    const ORDERED_BELOW: f64 = 0.5;
    const DISORDERED_ABOVE: f64 = 0.5;
    const ORDER_PARAMETERS: &'static [&'static str] = &["order_norm", "scalar_order"];

    fn log_normaliser(length: f64, _shape: f64) -> f64 {
        von_mises::log_normaliser_at(length)
    }

    fn mean_feature(length: f64) -> f64 {
        von_mises::mean_at(length)
    }

    fn random_field(length: f64, _shape: f64, generator: &mut Generator) -> Vec<f64> {
        let angle = std::f64::consts::TAU * uniform(generator);
        vec![length * angle.cos(), length * angle.sin()]
    }

    fn draw(field: &[f64], features: &mut [f32], generator: &mut Generator) {
        von_mises::draw_shared([field[0], field[1]], features, generator);
    }

    fn order_values(mean: &[f64]) -> Vec<f64> {
        let norm = mean[0].hypot(mean[1]);
        vec![norm, norm]
    }

    fn mean_order(sites: usize, beta: f64) -> Option<f64> {
        PlanarOrder::new(sites, beta).map(|found| found.mean)
    }
}

fn five(field: &[f64]) -> [f64; 5] {
    std::array::from_fn(|a| field[a])
}

/// Three orthonormal axes, uniformly distributed over all rotations.
///
/// A uniform unit quaternion by the method of K. Shoemake, Graphics Gems III, 124
/// (1992).
fn random_axes(generator: &mut Generator) -> [[f64; 3]; 3] {
    let share = uniform(generator);
    let [first, second] = [(); 2].map(|()| std::f64::consts::TAU * uniform(generator));
    let (small, large) = ((1.0 - share).sqrt(), share.sqrt());
    let (x, y) = (small * first.sin(), small * first.cos());
    let (z, w) = (large * second.sin(), large * second.cos());
    [
        [
            1.0 - 2.0 * (y * y + z * z),
            2.0 * (x * y - z * w),
            2.0 * (x * z + y * w),
        ],
        [
            2.0 * (x * y + z * w),
            1.0 - 2.0 * (x * x + z * z),
            2.0 * (y * z - x * w),
        ],
        [
            2.0 * (x * z - y * w),
            2.0 * (y * z + x * w),
            1.0 - 2.0 * (x * x + y * y),
        ],
    ]
}
