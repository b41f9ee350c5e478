//! How much two halves of a configuration know of each other, and what a latent must
//! carry.
//!
//! In come a model or configurations, and partitions of the sites in two sides `A`
//! and `B` ([`PartitionRule`], [`Partition`]). Out go mutual information `I(A; B)`,
//! entropies and the rate of the Hubbard-Stratonovich field, all in nats
//! ([`InformationValue`]): exactly where the model is solved ([`ExactInformation`]),
//! and estimated from samples of unknown data ([`estimate`]).
//!
//! Nothing here touches a file, a clock, the environment or a log, knows of networks,
//! makes a generator but from one that is passed in, or lets the number of threads
//! decide a number.

mod error;
pub mod estimate;
mod exact;
mod partition;

pub use error::InformationError;
pub use exact::{
    EquilibriumSamples, ExactInformation, IsingCylinder, curie_weiss_limit, enumerated,
    gaussian_common_information, gaussian_mutual_information,
};
pub use partition::{Lattice, Partition, PartitionRule};

/// An amount of information, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InformationValue {
    /// The amount, in nats.
    pub nats: f64,
    /// Its standard error, in nats; 0 if exact.
    pub standard_error: f64,
    /// Where it comes from.
    pub method: InformationMethod,
}

/// Where an exact amount of information comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InformationMethod {
    /// A sum over all configurations.
    Enumeration,
    /// A sum over the joint counts of spins up in classes of sites that are alike.
    Classes,
    /// Numerical integration over the field, exact to ten digits or more.
    Quadrature,
    /// The mean of an exact logarithm of probabilities over equilibrium samples.
    Samples,
    /// Kaufman's solution of the Ising model on a torus.
    Kaufman,
    /// A product of transfer matrices.
    TransferMatrix,
}

impl InformationMethod {
    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Enumeration => "enumeration",
            Self::Classes => "classes",
            Self::Quadrature => "quadrature",
            Self::Samples => "samples",
            Self::Kaufman => "kaufman",
            Self::TransferMatrix => "transfer_matrix",
        }
    }
}

impl InformationValue {
    /// A value without statistical error.
    fn exact(nats: f64, method: InformationMethod) -> Self {
        Self {
            nats,
            standard_error: 0.0,
            method,
        }
    }
}
