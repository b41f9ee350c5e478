//! Mixtures of diagonal Gaussians: densities and their derivatives, [`LANES`] points
//! side by side.

use super::{LANES, padded};
use crate::elementary::{exp, ln_or_nan};

/// Log-density of a mixture: `ln sum_k exp(log_weight_k - |u_k|^2 / 2)` with `u_kj =
/// (z_j - mean_kj) * inverse_scale_kj`.
#[derive(Debug, Clone, Copy)]
pub(in crate::vae) struct Gaussians<'a> {
    /// Logarithms of the weights, normalisation included: `components`.
    pub(in crate::vae) log_weight: &'a [f32],
    /// `components x latent`, row-major.
    pub(in crate::vae) mean: &'a [f32],
    /// `components x latent`, row-major.
    pub(in crate::vae) inverse_scale: &'a [f32],
}

/// Room for [`LANES`] points, and sums over the points lane by lane.
#[derive(Debug, Clone)]
pub(in crate::vae) struct MixtureRoom {
    /// Coordinates of the points: `latent`.
    z: Vec<[f32; LANES]>,
    /// Derivatives of the log-density to them: `latent`.
    slope: Vec<[f32; LANES]>,
    /// Responsibilities of the components: `components`.
    responsibility: Vec<[f32; LANES]>,
    /// `sum r`: `components`.
    weights: Vec<[f32; LANES]>,
    /// `sum r u`: `components x latent`.
    first: Vec<[f32; LANES]>,
    /// `sum r (u^2 - 1)`: `components x latent`.
    second: Vec<[f32; LANES]>,
}

impl MixtureRoom {
    /// Room for so many components and latents.
    #[must_use]
    pub(in crate::vae) fn new(components: usize, latent: usize) -> Self {
        let lanes = |count| vec![[0.0; LANES]; count];
        Self {
            z: lanes(latent),
            slope: lanes(latent),
            responsibility: lanes(components),
            weights: lanes(components),
            first: lanes(components * latent),
            second: lanes(components * latent),
        }
    }

    /// Sets the sums over the points to zero.
    pub(in crate::vae) fn clear(&mut self) {
        for sums in [&mut self.weights, &mut self.first, &mut self.second] {
            sums.fill([0.0; LANES]);
        }
    }

    /// `sum r` over the points, of one component after the other.
    pub(in crate::vae) fn weights(&self) -> impl Iterator<Item = f32> {
        self.weights.iter().map(|sums| sums.iter().sum())
    }

    /// `sum r u` and `sum r (u^2 - 1)`, `components x latent`.
    pub(in crate::vae) fn moments(&self) -> impl Iterator<Item = (f32, f32)> {
        let moments = self.first.iter().zip(&self.second);
        moments.map(|(first, second)| (first.iter().sum(), second.iter().sum()))
    }
}

/// Takes in up to [`LANES`] points; writes their responsibilities and returns the
/// log-densities. Lanes without a point repeat the origin.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn evaluate<const FUSED: bool>(
    gaussians: Gaussians<'_>,
    points: &[f32],
    room: &mut MixtureRoom,
) -> [f32; LANES] {
    let latent = room.z.len();
    for (j, z) in room.z.iter_mut().enumerate() {
        *z = [0.0; LANES];
        for (z, point) in z.iter_mut().zip(points.chunks_exact(latent)) {
            *z = point[j];
        }
    }
    let means = gaussians.mean.chunks_exact(latent);
    let scales = gaussians.inverse_scale.chunks_exact(latent);
    let components = gaussians.log_weight.iter().zip(means).zip(scales);
    let mut largest = [f32::NEG_INFINITY; LANES];
    for (((log_weight, mean), scale), joint) in components.zip(&mut room.responsibility) {
        let mut square = [0.0; LANES];
        for ((z, mean), scale) in room.z.iter().zip(mean).zip(scale) {
            for lane in 0..LANES {
                let u = (z[lane] - mean) * scale;
                square[lane] += u * u;
            }
        }
        for lane in 0..LANES {
            joint[lane] = log_weight - 0.5 * square[lane];
            largest[lane] = largest[lane].max(joint[lane]);
        }
    }
    let mut total = [0.0; LANES];
    for joint in &mut room.responsibility {
        for lane in 0..LANES {
            joint[lane] = exp::<FUSED>(joint[lane] - largest[lane]);
            total[lane] += joint[lane];
        }
    }
    let mut density = [0.0; LANES];
    let mut inverse = [0.0; LANES];
    for lane in 0..LANES {
        inverse[lane] = 1.0 / total[lane];
        density[lane] = largest[lane] + ln_or_nan(total[lane]);
    }
    for joint in &mut room.responsibility {
        for lane in 0..LANES {
            joint[lane] *= inverse[lane];
        }
    }
    density
}

vectorised! {
    /// `ln p(z)` of each point (`points x latent`, row-major), nats.
    pub(in crate::vae) fn mixture_log_density(
        gaussians: Gaussians<'_>,
        points: &[f32],
        room: &mut MixtureRoom,
        densities: &mut [f32],
    ) {
        let block = LANES * room.z.len();
        for (points, densities) in points.chunks(block).zip(densities.chunks_mut(LANES)) {
            let found = evaluate::<FUSED>(gaussians, points, room);
            densities.copy_from_slice(&found[..densities.len()]);
        }
    }
}

vectorised! {
    /// Sum of `ln p(z)` over the points, nats; adds `weight` times the derivatives of
    /// `-ln p` to `to_z` (`points x latent`), and the moments of the points to the
    /// sums of `room`.
    pub(in crate::vae) fn mixture_density_and_gradient(
        gaussians: Gaussians<'_>,
        points: &[f32],
        weight: f32,
        to_z: &mut [f32],
        room: &mut MixtureRoom,
    ) -> f64 {
        let latent = room.z.len();
        let block = LANES * latent;
        let mut total = 0.0;
        for (points, to_z) in points.chunks(block).zip(to_z.chunks_mut(block)) {
            let count = points.len() / latent;
            let density = evaluate::<FUSED>(gaussians, points, room);
            total += density[..count].iter().map(|&d| f64::from(d)).sum::<f64>();
            // Lanes without a point take no part.
            let present = padded(&[1.0; LANES][..count], 0.0);
            room.slope.fill([0.0; LANES]);
            let mut at = 0;
            for (r, weights) in room.responsibility.iter_mut().zip(&mut room.weights) {
                for lane in 0..LANES {
                    r[lane] *= present[lane];
                    weights[lane] += r[lane];
                }
                for (z, slope) in room.z.iter().zip(&mut room.slope) {
                    let (mean, scale) = (gaussians.mean[at], gaussians.inverse_scale[at]);
                    let (first, second) = (&mut room.first[at], &mut room.second[at]);
                    for lane in 0..LANES {
                        let u = (z[lane] - mean) * scale;
                        let pull = r[lane] * u;
                        first[lane] += pull;
                        second[lane] += pull * u - r[lane];
                        slope[lane] += pull * scale;
                    }
                    at += 1;
                }
            }
            for (lane, to_z) in to_z.chunks_exact_mut(latent).enumerate() {
                for (to_z, slope) in to_z.iter_mut().zip(&room.slope) {
                    *to_z += weight * slope[lane];
                }
            }
        }
        total
    }
}
