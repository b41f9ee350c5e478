//! Tables of information and of the verdict.

use super::{STANDARD_ERROR, TableSchema, flag, integer, number, text};

/// Rate of the latents against mutual information between parts of the data.
pub const INFORMATION: TableSchema = TableSchema {
    name: "information",
    version: 1,
    row: "one row per partition and method",
    keys: &["partition", "mutual_information_method"],
    columns: &[
        text(
            "partition",
            "how the sites are cut in parts A and B: halves, even_odd, random_1 and so on, sites",
        ),
        integer("first_sites", "number of sites of part A"),
        number(
            "mutual_information_nats",
            "mutual information of the parts, nats per configuration",
        ),
        number("mutual_information_nats_se", STANDARD_ERROR),
        text(
            "mutual_information_method",
            "exact: enumeration, classes, quadrature, samples (mean of an exact logarithm), \
             kaufman; else the estimator",
        ),
        text(
            "mutual_information_bias",
            "exact, or in which direction the estimate errs",
        ),
        number("rate_nats", "rate on test data, nats per configuration"),
        number("rate_nats_se", STANDARD_ERROR),
        number(
            "latent_information_nats",
            "information I_q(x; z) that the latents carry, lower bound, nats per configuration",
        ),
        number("latent_information_nats_se", STANDARD_ERROR),
        number(
            "latent_information_upper_nats",
            "upper bound of the same, nats per configuration",
        ),
        number(
            "aggregate_divergence_nats",
            "divergence of the aggregate posterior from the prior: rate less information, \
             nats per configuration",
        ),
        number("aggregate_divergence_nats_se", STANDARD_ERROR),
        integer(
            "active_units",
            "latents whose posterior mean varies by more than 0.01",
        ),
        number(
            "hubbard_stratonovich_rate_nats",
            "exact rate of the mean field of the theory, nats per configuration",
        ),
        number("hubbard_stratonovich_rate_nats_se", STANDARD_ERROR),
        number(
            "excess_nats",
            "negative ELBO less entropy: what the network loses, nats per configuration",
        ),
        number("excess_nats_se", STANDARD_ERROR),
        number(
            "certified_excess_nats",
            "mutual information less rate: a lower bound of the excess, nats per configuration",
        ),
        number("certified_excess_nats_se", STANDARD_ERROR),
        number(
            "bound_slack_nats",
            "excess less certified excess, never negative but for errors, nats per configuration",
        ),
        number("bound_slack_nats_se", STANDARD_ERROR),
        text("warning", "what to doubt; empty if nothing"),
    ],
};

/// What each latent carries.
pub const LATENTS: TableSchema = TableSchema {
    name: "latents",
    version: 1,
    row: "one row per latent",
    keys: &["latent"],
    columns: &[
        integer("latent", "number of the latent, from 0"),
        number(
            "rate_nats",
            "rate of this latent against its own marginal prior on test data, \
             nats per configuration",
        ),
        number(
            "mean_variance",
            "variance of the posterior mean over test data",
        ),
        flag("active", "whether that variance exceeds 0.01"),
    ],
};

/// Whether there is a mean-field theory behind the data, and the evidence.
pub const VERDICT: TableSchema = TableSchema {
    name: "verdict",
    version: 1,
    row: "one row per point and replicate",
    keys: &[],
    columns: &[
        text("verdict", "mean_field, not_mean_field or undecided"),
        text("reason", "the rule that decided, in words"),
        number(
            "gap_nats",
            "log-likelihood that the network lacks, nats per configuration",
        ),
        number("gap_nats_se", STANDARD_ERROR),
        text(
            "gap_method",
            "exact (paired with the exact probability) or classifier (a lower bound)",
        ),
        number(
            "captured_nats",
            "log-likelihood of the network above that of independent sites, \
             nats per configuration",
        ),
        number("captured_nats_se", STANDARD_ERROR),
        number(
            "missing_fraction",
            "gap over gap plus captured: the part of the correlations that is missing",
        ),
        number("missing_fraction_se", STANDARD_ERROR),
        number(
            "allowed_fraction",
            "the part that a theory may miss, by the rule of the verdict",
        ),
        number(
            "further_gain_nats",
            "log-likelihood gained by further latents, nats per configuration; \
             only where the exact probability is not known",
        ),
        number("further_gain_nats_se", STANDARD_ERROR),
        number(
            "certified_excess_nats",
            "largest mutual information less rate over all partitions, nats per configuration",
        ),
        number("certified_excess_nats_se", STANDARD_ERROR),
        text("certified_partition", "the partition it is found at"),
        number(
            "classifier_auc",
            "area under the curve of a classifier of data and samples, on unseen ones; \
             0.5 if they are alike",
        ),
        number("classifier_auc_se", STANDARD_ERROR),
        number(
            "smallest_p_value",
            "smallest p-value of the two-sample tests, corrected for their number",
        ),
        integer(
            "effective_variables",
            "collective variables that the decoder uses",
        ),
        number(
            "effective_margin",
            "ratio of the last singular value that counts to the next",
        ),
        integer("latents", "number of latents of the network"),
        integer(
            "active_units",
            "latents whose posterior mean varies by more than 0.01",
        ),
    ],
};

/// Tests of data against samples of the network.
pub const TWO_SAMPLE_TESTS: TableSchema = TableSchema {
    name: "two_sample_tests",
    version: 1,
    row: "one row per test",
    keys: &["test"],
    columns: &[
        text(
            "test",
            "energy, active_count, pair_correlations, classifier, or an order parameter",
        ),
        number(
            "statistic",
            "distance of the distributions (Kolmogorov), largest standardised difference \
             (pair_correlations), area under the curve (classifier)",
        ),
        number(
            "p_value",
            "probability of a larger statistic if both are alike",
        ),
        number(
            "corrected_p_value",
            "the same, corrected for the number of tests (Holm)",
        ),
    ],
};
