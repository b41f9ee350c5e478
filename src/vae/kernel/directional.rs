//! What the heads of directors share: sums over sites, a block at a time.
//!
//! A site has natural parameters `eta` and a unit feature vector `y`, both of
//! the head's width, and `ln p(y | eta) = eta . y - ln c(eta)` with respect to the
//! uniform measure. A head evaluates [`SITES`] of them at once: `ln c` and its
//! gradient, the mean of `y`. The end of a slice is filled up with sites at
//! `eta = 0`, where `ln c` is zero.
//!
//! Every sum has [`LANES`] partial sums in a fixed order, so instruction sets
//! differ by the rounding of single operations only.

use super::LANES;

/// Sites of a block: enough that the steps of one block overlap.
pub(super) const SITES: usize = 32;

/// `ln c` of the sites of a block and the means of their features.
pub(super) type Block<const VALUES: usize> = ([f32; SITES], [f32; VALUES]);

/// A distribution of unit features; `VALUES` numbers describe a block.
pub(super) trait Head<const VALUES: usize> {
    /// `ln c` and its gradient, the means of the features.
    fn evaluate(&self, eta: &[f32; VALUES]) -> Block<VALUES>;
}

/// Blocks that are summed in single precision.
const STRETCH: usize = 16;

/// The end of a slice, filled up with zeros.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn filled<const VALUES: usize>(rest: &[f32]) -> [f32; VALUES] {
    let mut block = [0.0; VALUES];
    block[..rest.len()].copy_from_slice(rest);
    block
}

/// Adds values to the partial sums.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn add(partial: &mut [f32; LANES], values: &[f32; SITES]) {
    let (values, _) = values.as_chunks::<LANES>();
    for values in values {
        for (sum, value) in partial.iter_mut().zip(values) {
            *sum += value;
        }
    }
}

/// Adds `ln c - eta . y` of a block to the partial sums.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn add_cost<const VALUES: usize>(
    partial: &mut [f32; LANES],
    log_normaliser: &[f32; SITES],
    eta: &[f32; VALUES],
    features: &[f32; VALUES],
) {
    add(partial, log_normaliser);
    let (eta, _) = eta.as_chunks::<LANES>();
    let (features, _) = features.as_chunks::<LANES>();
    for (eta, features) in eta.iter().zip(features) {
        for ((sum, eta), y) in partial.iter_mut().zip(eta).zip(features) {
            *sum -= eta * y;
        }
    }
}

/// Sum of `ln c(eta) - eta . y`, nats.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(super) fn cost<const VALUES: usize>(
    head: &impl Head<VALUES>,
    eta: &[f32],
    features: &[f32],
) -> f32 {
    assert_eq!(eta.len(), features.len(), "eta.len() == features.len()");
    let mut partial = [0.0_f32; LANES];
    let (eta, last_eta) = eta.as_chunks::<VALUES>();
    let (features, last_features) = features.as_chunks::<VALUES>();
    for (eta, features) in eta.iter().zip(features) {
        add_cost(&mut partial, &head.evaluate(eta).0, eta, features);
    }
    if !last_eta.is_empty() {
        let (eta, features) = (filled(last_eta), filled(last_features));
        add_cost(&mut partial, &head.evaluate(&eta).0, &eta, &features);
    }
    partial.iter().sum()
}

/// Adds the cost of a block to the partial sums; replaces `eta`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn replace<const VALUES: usize>(
    head: &impl Head<VALUES>,
    partial: &mut [f32; LANES],
    eta: &mut [f32; VALUES],
    features: &[f32; VALUES],
    weight: f32,
) {
    let (log_normaliser, mean) = head.evaluate(eta);
    add_cost(partial, &log_normaliser, eta, features);
    for ((target, mean), y) in eta.iter_mut().zip(&mean).zip(features) {
        *target = weight * (mean - y);
    }
}

/// [`cost`] of a batch; replaces `eta` by `weight (E[y | eta] - y)`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(super) fn cost_and_gradient<const VALUES: usize>(
    head: &impl Head<VALUES>,
    eta: &mut [f32],
    features: &[f32],
    weight: f32,
) -> f64 {
    assert_eq!(eta.len(), features.len(), "eta.len() == features.len()");
    let mut total = 0.0;
    let stretches = eta.chunks_mut(STRETCH * VALUES);
    for (eta, features) in stretches.zip(features.chunks(STRETCH * VALUES)) {
        let mut partial = [0.0_f32; LANES];
        let (eta, last_eta) = eta.as_chunks_mut::<VALUES>();
        let (features, last_features) = features.as_chunks::<VALUES>();
        for (eta, features) in eta.iter_mut().zip(features) {
            replace(head, &mut partial, eta, features, weight);
        }
        if !last_eta.is_empty() {
            let mut eta = filled(last_eta);
            replace(head, &mut partial, &mut eta, &filled(last_features), weight);
            last_eta.copy_from_slice(&eta[..last_eta.len()]);
        }
        total += f64::from(partial.iter().sum::<f32>());
    }
    total
}

/// Sum of `ln c(eta)`, nats.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(super) fn log_normaliser_sum<const VALUES: usize>(
    head: &impl Head<VALUES>,
    eta: &[f32],
) -> f32 {
    let mut partial = [0.0_f32; LANES];
    let (eta, last) = eta.as_chunks::<VALUES>();
    for eta in eta {
        add(&mut partial, &head.evaluate(eta).0);
    }
    if !last.is_empty() {
        add(&mut partial, &head.evaluate(&filled(last)).0);
    }
    partial.iter().sum()
}

#[cfg(test)]
/// Writes `E[y | eta]`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
pub(super) fn mean<const VALUES: usize>(head: &impl Head<VALUES>, eta: &[f32], mean: &mut [f32]) {
    assert_eq!(eta.len(), mean.len(), "eta.len() == mean.len()");
    let (eta, last_eta) = eta.as_chunks::<VALUES>();
    let (mean, last_mean) = mean.as_chunks_mut::<VALUES>();
    for (eta, mean) in eta.iter().zip(mean) {
        *mean = head.evaluate(eta).1;
    }
    if !last_eta.is_empty() {
        let mean = head.evaluate(&filled(last_eta)).1;
        last_mean.copy_from_slice(&mean[..last_mean.len()]);
    }
}
