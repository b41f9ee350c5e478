//! The variational autoencoder: network, priors, ELBO, training, evaluation.
//!
//! What comes in: an [`Architecture`],
//! [`Configurations`](crate::configurations::Configurations) of spins or directors,
//! settings and named random streams. What goes out: parameters, a history of the
//! training, log-likelihoods, encodings, natural parameters and samples. Numbers are `f32` inside the network and `f64`
//! outside.
//!
//! The gradient comes from one of two engines behind [`GradientEngine`]: the
//! hand-derived [`FusedEngine`], and [`AutodiffEngine`], burn's tape, which is the
//! reference and the one way to a [`Device`] other than the CPU. Both see the same
//! parameters, the same noise and the same Adam.
//!
//! It never reads or writes a file (checkpoints are bytes in and bytes out),
//! knows no model of physics, prints nothing, and is the only folder that names
//! burn.

mod aggregate;
mod architecture;
mod autodiff;
mod checkpoint;
mod classifier;
mod device;
mod error;
mod gradient;
mod head;
mod kernel;
mod model;
mod network;
mod optimiser;
mod prior;
pub mod quadrature;
#[cfg(test)]
mod tests;
mod training;

pub use aggregate::LatentInformation;
pub use architecture::{Activation, Architecture, Layer, Layout, MixtureLayout, Piece, Prior};
pub use autodiff::AutodiffEngine;
pub use checkpoint::{model_from_bytes, model_to_bytes, state_from_bytes, state_to_bytes};
pub use classifier::{ClassifierSettings, Discrimination, discriminate};
pub use device::Device;
pub use error::VaeError;
pub use gradient::{Batch, FusedEngine, GradientEngine, Terms};
pub use model::{Codes, ElboRows, Streams, Vae};
pub use optimiser::{Adam, Schedule};
pub use training::{
    Draw, EpochRecord, TrainingData, TrainingListener, TrainingSettings, TrainingSource,
    TrainingState, train,
};
