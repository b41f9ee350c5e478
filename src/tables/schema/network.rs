//! Tables of a network itself: its training, and how probable it finds the data.

use super::{STANDARD_ERROR, TableSchema, flag, integer, number, text};

/// The history of a training.
pub const TRAINING: TableSchema = TableSchema {
    name: "training",
    version: 1,
    row: "one row per epoch",
    keys: &["epoch"],
    columns: &[
        integer("epoch", "epoch, from 1"),
        number(
            "elbo_nats",
            "evidence lower bound on the training data, nats per configuration",
        ),
        number(
            "rate_nats",
            "rate on the training data, nats per configuration",
        ),
        number(
            "distortion_nats",
            "distortion on the training data, nats per configuration",
        ),
        number(
            "validation_elbo_nats",
            "evidence lower bound on held-out data, nats per configuration",
        ),
        number(
            "validation_rate_nats",
            "rate on held-out data, nats per configuration",
        ),
        number("learning_rate", "learning rate at the end of the epoch"),
        number("kl_weight", "weight of the rate in the loss, 0 to 1"),
        number(
            "gradient_norm",
            "mean Euclidean norm of the gradient before clipping",
        ),
        flag(
            "best",
            "whether the read-outs use the network of this epoch",
        ),
    ],
};

/// The rate of each latent during training.
pub const LATENT_RATE: TableSchema = TableSchema {
    name: "latent_rate",
    version: 1,
    row: "one row per epoch and latent",
    keys: &["epoch", "latent"],
    columns: &[
        integer("epoch", "epoch, from 1"),
        integer("latent", "number of the latent, from 0"),
        number(
            "rate_nats",
            "rate of this latent on held-out data, nats per configuration",
        ),
    ],
};

/// Log-likelihoods of the test data and their bounds.
pub const LIKELIHOOD: TableSchema = TableSchema {
    name: "likelihood",
    version: 1,
    row: "one row per point and replicate",
    keys: &[],
    columns: &[
        number(
            "elbo_nats",
            "evidence lower bound on test data, nats per configuration",
        ),
        number("elbo_nats_se", STANDARD_ERROR),
        number("rate_nats", "rate on test data, nats per configuration"),
        number("rate_nats_se", STANDARD_ERROR),
        number(
            "distortion_nats",
            "distortion on test data, nats per configuration",
        ),
        number("distortion_nats_se", STANDARD_ERROR),
        number(
            "importance_weighted_nats",
            "importance-weighted bound on the log-likelihood, nats per configuration",
        ),
        number("importance_weighted_nats_se", STANDARD_ERROR),
        number(
            "quadrature_nats",
            "log-likelihood by quadrature over the latents, nats per configuration; missing above three latents",
        ),
        number("quadrature_nats_se", STANDARD_ERROR),
        number(
            "quadrature_error_nats",
            "estimated error of the quadrature itself, nats per configuration",
        ),
        number(
            "exact_nats",
            "exact log-likelihood under the model that drew the data, nats per configuration",
        ),
        number("exact_nats_se", STANDARD_ERROR),
        number(
            "paired_gap_nats",
            "mean of log p_exact(x) - log p_VAE(x) over the same test data, nats per configuration",
        ),
        number("paired_gap_nats_se", STANDARD_ERROR),
        text(
            "paired_gap_method",
            "estimate of log p_VAE in the gap: quadrature or importance_weighted",
        ),
        integer("test_samples", "configurations of test data"),
        integer(
            "importance_samples",
            "draws per configuration in the importance-weighted bound",
        ),
        integer(
            "quadrature_nodes",
            "nodes of the quadrature, all latents together; 0 if not used",
        ),
        text("warning", "what to doubt; empty if nothing"),
    ],
};
