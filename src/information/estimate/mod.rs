//! Mutual information of two parts, estimated from samples of unknown data.
//!
//! Comes in: collective variables of two parts ([`Collective`]), a row a sample, such as
//! the numbers of up spins ([`up_spins`]), principal components ([`Projection`]),
//! the features themselves ([`features`]) or codes of an encoder; and the block of
//! each sample, whole blocks being independent. Goes out: [`MutualInformation`] in
//! nats, with its standard error, a 95 % interval, its method and the direction of its bias.
//!
//! | function | for | errs |
//! | --- | --- | --- |
//! | [`from_counts`] | two small integers | upward, or by little once corrected |
//! | [`ksg()`] | few variables a part | either way, less with more samples |
//! | [`info_nce`] | many variables a part | a lower bound, at most `ln(batch)` |
//! | [`recommended()`] | picks one of the first two | the interval allows for the bias |
//! | [`independence`] | any of them at zero dependence | |
//!
//! Any function of a part knows at most what the part knows, so that all of them aim at
//! lower bounds of the mutual information of the parts.
//!
//! # Which is best
//!
//! Curie-Weiss models of 100 spins at temperatures 0.8, 1 and 1.5, both parts by their
//! numbers of up spins, 10,000 samples, 100 seeds: the plug-in estimate is 0.05 nats too
//! large, corrected entropies 0.003 to 0.02, nearest neighbours less than 0.002 with a
//! spread of 0.006 to 0.008; hence [`recommended()`].
//!
//! Never: files, clocks, networks of the `vae` module, generators but from one that is
//! passed in. Subsets are worked on in parallel, and share no sum.

mod blocks;
mod collective;
mod counts;
mod info_nce;
mod ksg;
mod neighbours;
mod permutation;
mod recommended;
mod result;

pub use blocks::MIN_BLOCKS;
pub use collective::{Collective, Projection, features, up_spins};
pub use counts::{EntropyEstimator, entropy, from_counts};
pub use info_nce::{Critic, CriticSettings, info_nce};
pub use ksg::{NEIGHBOURS, ksg};
pub use recommended::{independence, recommended};
pub use result::{Bias, Method, MutualInformation};
