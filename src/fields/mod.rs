//! Sites that are independent in a field: the generalised Hopfield model.
//!
//! ```text
//! p(s) = Σ_k w_k Π_i exp(s_i φ_i(h_k)) / 2cosh φ_i(h_k),   φ_i(h) = b_i + Σ_μ ξ_i^μ h^μ
//! -E(s) = ln p(s) = b·s + G(ξᵀs),   G(u) = ln Σ_k w_k exp(h_k·u) / Π_i 2cosh φ_i(h_k)
//! ```
//!
//! with spins `s_i = ±1` (a cell is active, 1, or silent, -1) and a field that takes the
//! values `h_k` with the probabilities `w_k`. A quadratic `G` is Hopfield's model;
//! every decoder of a network with a few latents is such a model with other `G`.
//!
//! In come numbers, out go numbers: no file, no clock, no thread but those that share no
//! sum. How such a model is drawn from is in `physics`, how it is found from data in
//! `inference`.

mod error;
mod model;

pub use error::FieldsError;
pub use model::{CollectivePotential, GeneralisedHopfield};
