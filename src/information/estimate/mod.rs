//! Mutual information of two parts, estimated from samples of unknown data.
//!
//! draft

mod blocks;
mod collective;
mod counts;
mod ksg;
mod neighbours;
mod result;

pub use blocks::MIN_BLOCKS;
pub use collective::{Collective, Projection, features, up_spins};
pub use counts::{EntropyEstimator, entropy, from_counts};
pub use ksg::{NEIGHBOURS, ksg};
pub use result::{Bias, Method, MutualInformation};
