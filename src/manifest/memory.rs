//! How much memory a point needs.

use super::spec::{Manifest, Point, System};
use super::subset::RecordedSites;
use super::vae::{DecoderKind, VaeSection};
use crate::configurations::Unit;

/// Bytes of a network's number.
const NUMBER: u64 = 4;

/// Copies of the parameters: themselves, gradients, two moments of Adam.
const COPIES: u64 = 4;

/// Estimates the memory that the most demanding point needs, in bytes.
///
/// ```text
/// spins        = configurations * ceil(sites / 64) * 8
/// directors    = configurations * sites * numbers of a feature * 4 bytes
/// network      = parameters * 4 copies * 4 bytes
/// activations  = batch * (sum of all layer widths) * 2 * 4 bytes
/// ```
///
/// The four copies are the parameters, their gradients and the two moments of
/// Adam; the factor 2 of the activations is for their gradients. How many
/// configurations a recording holds is not known before it is read: its bits
/// do not count, and its sites only if their number is given. Points run side by side
/// add up; this is one of them.
#[must_use]
pub fn memory_estimate(manifest: &Manifest) -> u64 {
    manifest.points.iter().map(point_bytes).max().unwrap_or(0)
}

pub(super) fn point_bytes(point: &Point) -> u64 {
    let (unit, sites, configurations) = match &point.system {
        System::Model { model, sampling } => {
            let configurations = sampling.samples.saturating_add(sampling.test_samples);
            (model.unit(), model.sites(), configurations)
        }
        System::Recording(recording) => {
            let sites = recording.sites.as_ref();
            (Unit::Spin, sites.map_or(0, RecordedSites::count), 0)
        }
    };
    let features = sites * unit.width();
    let bytes = match unit {
        Unit::Spin => sites.div_ceil(64) as u64 * 8,
        Unit::PlanarDirector | Unit::Director => features as u64 * NUMBER,
    };
    let samples = (configurations as u64).saturating_mul(bytes);
    let (encoder, decoder) = layer_widths(&point.vae, features);
    let network = (weights(&encoder) + weights(&decoder) + prior_parameters(&point.vae))
        .saturating_mul(COPIES * NUMBER);
    let widths: u64 = encoder.iter().chain(&decoder).sum();
    let activations = widths.saturating_mul(point.vae.training.batch as u64 * 2 * NUMBER);
    samples.saturating_add(network).saturating_add(activations)
}

/// Widths of all layers of encoder and decoder, ends included.
fn layer_widths(vae: &VaeSection, features: usize) -> (Vec<u64>, Vec<u64>) {
    let mut encoder = vec![features as u64];
    encoder.extend(vae.encoder_hidden.iter().map(|&width| width as u64));
    encoder.push(2 * vae.latent as u64);
    let mut decoder = vec![vae.latent as u64];
    if vae.decoder != DecoderKind::Linear {
        decoder.extend(vae.hidden.iter().map(|&width| width as u64));
    }
    decoder.extend(vae.fields.map(|fields| fields as u64));
    decoder.push(features as u64);
    (encoder, decoder)
}

/// Weights and biases between neighbouring layers.
fn weights(widths: &[u64]) -> u64 {
    widths
        .windows(2)
        .map(|pair| (pair[0] + 1).saturating_mul(pair[1]))
        .sum()
}

/// A weight, a mean and a variance a component of the mixture prior.
fn prior_parameters(vae: &VaeSection) -> u64 {
    let components = vae.mixture_components().unwrap_or(0) as u64;
    components * (2 * vae.latent as u64 + 1)
}
