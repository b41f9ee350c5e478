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
//! - [`GeneralisedHopfield`]: biases, patterns and field values; its [`CollectivePotential`].
//! - [`Words`]: the distinct configurations of a data set, counted block by block.
//! - [`SiteMixture`]: the same `p(s)` from the half-logits alone; what it says of words, and
//!   the sums of an E-step.
//!
//! In come numbers, out go numbers: no file, no clock. Loops over words may run on several
//! threads; sums have a fixed order, so that the number of threads decides no number. How
//! such a model is drawn from is in `physics`, how it is found from data in `inference`.

mod error;
mod lanes;
mod model;
mod site_mixture;
mod words;

pub use error::FieldsError;
pub use model::{CollectivePotential, GeneralisedHopfield};
pub use site_mixture::{Expectations, SiteMixture};
pub use words::Words;
