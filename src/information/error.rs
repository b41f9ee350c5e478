//! What can go wrong in this folder.

use thiserror::Error;

use crate::physics::PhysicsError;

/// Why a partition or an amount of information is refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum InformationError {
    /// One side of the partition has no site.
    #[error(
        "partition `{partition}` leaves one side of {sites} sites empty, expected at least \
         one site in it and one outside"
    )]
    EmptySide {
        /// Name of the partition.
        partition: String,
        /// Number of sites.
        sites: usize,
    },
    /// A site is named twice.
    #[error("partition `{partition}` names site {site} twice, expected each site once")]
    RepeatedSite {
        /// Name of the partition.
        partition: String,
        /// The site.
        site: usize,
    },
    /// A site is named that the model does not have.
    #[error("partition `{partition}` names site {site}, expected sites from 0 to {last}")]
    UnknownSite {
        /// Name of the partition.
        partition: String,
        /// The site.
        site: usize,
        /// The last site.
        last: usize,
    },
    /// A lattice of odd side is no checkerboard with periodic boundaries.
    #[error(
        "a lattice of odd side {side} has no even and odd sublattice, expected an even \
         side; change `model.side` or leave out `even_odd`"
    )]
    OddSide {
        /// Sites along a side.
        side: usize,
    },
    /// The lattice does not have the sites of the model.
    #[error("a lattice of {found} sites for a model of {sites}, expected as many")]
    LatticeSites {
        /// Sites of the lattice.
        found: usize,
        /// Sites of the model.
        sites: usize,
    },
    /// The partition belongs to another number of sites.
    #[error("partition `{partition}` of {found} sites for a model of {expected}")]
    PartitionSites {
        /// Name of the partition.
        partition: String,
        /// Sites of the partition.
        found: usize,
        /// Sites of the model.
        expected: usize,
    },
    /// The samples are not of the model, or too few for a standard error.
    #[error(
        "{rows} samples of {sites} sites ({unit}), expected two or more of {expected_sites} \
         sites ({expected_unit})"
    )]
    Samples {
        /// Number of samples.
        rows: usize,
        /// Sites of the samples.
        sites: usize,
        /// What sits on their sites.
        unit: &'static str,
        /// Sites of the model.
        expected_sites: usize,
        /// What sits on the sites of the model.
        expected_unit: &'static str,
    },
    /// The number of independent samples is no positive number.
    #[error("an effective number of samples of {found}, expected 1 or more")]
    EffectiveSamples {
        /// The number found.
        found: f64,
    },
    /// Too many sites for a sum over all configurations.
    #[error("a sum over all configurations of {found} spins, expected {limit} at most")]
    TooManySites {
        /// Sites found.
        found: usize,
        /// Most sites allowed.
        limit: usize,
    },
    /// The width of a cylinder is beyond what its transfer matrix allows.
    #[error("a cylinder of side {found}, expected an even side from 2 to {limit}")]
    CylinderSide {
        /// The side found.
        found: usize,
        /// Largest side allowed.
        limit: usize,
    },
    /// The model refused.
    #[error(transparent)]
    Physics(#[from] PhysicsError),
}
