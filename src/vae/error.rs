//! What can go wrong in `vae`.

use thiserror::Error;

/// An error of network, training or evaluation.
#[derive(Debug, Error)]
pub enum VaeError {
    /// The loss or its gradient stopped being a number.
    #[error(
        "the loss is not finite at step {step} (epoch {epoch}): distortion {distortion}, rate {rate}, gradient norm {norm}; lower `vae.training.learning_rate` or `vae.training.gradient_clip`"
    )]
    Diverged {
        /// Step, counted from 1.
        step: u64,
        /// Epoch, counted from 1.
        epoch: usize,
        /// Distortion of that batch, nats.
        distortion: f64,
        /// Rate of that batch, nats.
        rate: f64,
        /// Norm of the gradient before clipping.
        norm: f64,
    },
    /// Too few configurations to train on and to hold some out.
    #[error("{found} training configurations, expected at least {needed}")]
    TooFewSamples {
        /// Configurations given.
        found: usize,
        /// Configurations needed.
        needed: usize,
    },
    /// The data and the network disagree.
    #[error(
        "configurations of {found} units of kind `{found_unit}` for a network of {expected} of kind `{expected_unit}`"
    )]
    SiteMismatch {
        /// Units in the data.
        found: usize,
        /// Their kind.
        found_unit: &'static str,
        /// Units of the network.
        expected: usize,
        /// Their kind.
        expected_unit: &'static str,
    },
    /// A checkpoint that cannot be used.
    #[error("not a usable checkpoint: {reason}")]
    Checkpoint {
        /// What is wrong with it.
        reason: String,
    },
    /// The quadrature has more latents than a grid can carry.
    #[error("a grid for {latent} latents, expected at most {largest}")]
    TooManyLatents {
        /// Latents of the network.
        latent: usize,
        /// Most that the grid takes.
        largest: usize,
    },
    /// The program was built without that device.
    #[error(
        "the device `{device}` is not built in, expected one that is; build it in: `cargo run --release --features {device} -- run …`, or train on `cpu`"
    )]
    DeviceNotBuiltIn {
        /// The device, and the cargo feature that builds it in.
        device: &'static str,
    },
    /// The device is built in, but it does not compute on this machine.
    #[error(
        "the device `{device}` does not compute here: {reason}; check its driver and libraries, or train on `cpu`"
    )]
    DeviceUnavailable {
        /// The device.
        device: &'static str,
        /// What burn said.
        reason: String,
    },
    /// The listener asked for an end.
    #[error("cancelled")]
    Cancelled,
}

impl VaeError {
    pub(super) fn checkpoint(reason: impl Into<String>) -> Self {
        Self::Checkpoint {
            reason: reason.into(),
        }
    }
}
