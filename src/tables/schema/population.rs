//! Tables of populations: rates, correlations and active counts of data and models.

use super::{STANDARD_ERROR, TableSchema, integer, number, text};

/// How models of the data compare with the test data.
pub const STATISTICS: TableSchema = TableSchema {
    name: "statistics",
    version: 1,
    row: "one row per source, each compared with the test data",
    keys: &["source"],
    columns: &[
        text("source", "train, vae, independent, …"),
        number(
            "log_likelihood_nats",
            "log-likelihood of the test data under this source, nats per configuration",
        ),
        number("log_likelihood_nats_se", STANDARD_ERROR),
        number(
            "correlation_r",
            "Pearson r of the pair correlations against those of the test data",
        ),
        number("correlation_r_se", STANDARD_ERROR),
        number(
            "correlation_rmse",
            "root mean square difference of the pair correlations",
        ),
        number("correlation_rmse_se", STANDARD_ERROR),
        number(
            "triplet_r",
            "Pearson r of the third central moments against those of the test data",
        ),
        number("triplet_r_se", STANDARD_ERROR),
        number(
            "kl_active_count_nats",
            "Kullback-Leibler divergence of P(K), test data from this source, nats",
        ),
        number("kl_active_count_nats_se", STANDARD_ERROR),
        number("mean_rate", "mean probability that a site is active"),
        number("mean_rate_se", STANDARD_ERROR),
    ],
};

/// The distribution of the number of active sites.
pub const ACTIVE_COUNT: TableSchema = TableSchema {
    name: "active_count",
    version: 1,
    row: "one row per source and number of active sites",
    keys: &["source", "k"],
    columns: &[
        text("source", "data, vae, independent"),
        integer("k", "number of active sites K"),
        number("probability", "probability of K"),
        number("standard_error", "standard error of the probability"),
    ],
};

/// The rate of each site.
pub const RATES: TableSchema = TableSchema {
    name: "rates",
    version: 1,
    row: "one row per source and site",
    keys: &["source", "site"],
    columns: &[
        text("source", "data, vae, independent"),
        integer("site", "number of the site, from 0"),
        number("rate", "probability that the site is active"),
        number("standard_error", "standard error of the rate"),
    ],
};

/// Pair correlations of data and models.
pub const CORRELATIONS: TableSchema = TableSchema {
    name: "correlations",
    version: 1,
    row: "one row per pair of sites",
    keys: &["site_i", "site_j"],
    columns: &[
        integer("site_i", "first site, from 0"),
        integer("site_j", "second site, larger than the first"),
        number("data", "Pearson correlation in the test data"),
        number("data_se", STANDARD_ERROR),
        number("vae", "the same in samples of the network"),
        number("independent", "the same in the independent model"),
    ],
};

/// Triplet correlations of data and models.
pub const TRIPLETS: TableSchema = TableSchema {
    name: "triplets",
    version: 1,
    row: "one row per triplet of the chosen sites",
    keys: &["site_i", "site_j", "site_k"],
    columns: &[
        integer("site_i", "first site, from 0"),
        integer("site_j", "second site, larger than the first"),
        integer("site_k", "third site, larger than the second"),
        number("data", "third central moment in the test data"),
        number("data_se", STANDARD_ERROR),
        number("vae", "the same in samples of the network"),
        number("independent", "the same in the independent model"),
    ],
};

/// Where the encoder puts the test data, as a histogram in two dimensions.
pub const LATENT_MAP: TableSchema = TableSchema {
    name: "latent_map",
    version: 1,
    row: "one row per bin that holds a configuration",
    keys: &["x", "y"],
    columns: &[
        number("x", "centre of the bin along the first latent, no unit"),
        number("y", "centre of the bin along the second latent, no unit"),
        integer(
            "samples",
            "configurations whose encoder mean lies in the bin",
        ),
        number(
            "mean_active",
            "mean number of active sites of those configurations",
        ),
    ],
};
