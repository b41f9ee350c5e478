//! Tables of models side by side, of the effective theory that is read off a
//! network, of its landscape and of what drives it.

use super::{STANDARD_ERROR, TableSchema, flag, integer, number, text};

const MODEL: &str = "independent, pairwise, k_pairwise, latent_trait, hopfield, \
                     generalised_hopfield, effective_model, stimulus, vae, train, or the name \
                     of samples that were read";

const FIELDS: &str = "number of latents or fields of the model; 0 if it has none";

/// Models of the data side by side, on the same split.
pub const MODELS: TableSchema = TableSchema {
    name: "models",
    version: 1,
    row: "one row per model of the data, each compared with the test data",
    keys: &["model", "fields"],
    columns: &[
        text("model", MODEL),
        integer("fields", FIELDS),
        text("origin", "fitted here, samples read or data"),
        number("parameters", "free parameters of the model"),
        number(
            "log_likelihood_nats",
            "log-likelihood of the test data under this model, nats per configuration",
        ),
        number("log_likelihood_nats_se", STANDARD_ERROR),
        number(
            "gain_nats",
            "log-likelihood above that of the independent model, paired over the same test data, \
             nats per configuration",
        ),
        number("gain_nats_se", STANDARD_ERROR),
        number(
            "rate_nats",
            "rate of the latents on test data, nats per configuration",
        ),
        number("rate_nats_se", STANDARD_ERROR),
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
            "Kullback-Leibler divergence of P(K), test data from this model, nats",
        ),
        number("kl_active_count_nats_se", STANDARD_ERROR),
        number(
            "many_active",
            "probability that at least ten sites are active",
        ),
        number("many_active_se", STANDARD_ERROR),
        text("warning", "what to doubt; empty if nothing"),
    ],
};

/// The distribution of the number of active sites in each model.
pub const MODEL_COUNTS: TableSchema = TableSchema {
    name: "model_counts",
    version: 1,
    row: "one row per model and number of active sites",
    keys: &["model", "fields", "k"],
    columns: &[
        text("model", "data, or a model of the table `models`"),
        integer("fields", FIELDS),
        integer("k", "number of active sites K"),
        number("probability", "probability of K"),
        number("standard_error", "standard error of the probability"),
    ],
};

/// Pair correlations of each model beside those of the data.
pub const MODEL_CORRELATIONS: TableSchema = TableSchema {
    name: "model_correlations",
    version: 1,
    row: "one row per model and pair of sites",
    keys: &["model", "fields", "site_i", "site_j"],
    columns: &[
        text("model", "a model of the table `models`"),
        integer("fields", FIELDS),
        integer("site_i", "first site, from 0"),
        integer("site_j", "second site, larger than the first"),
        number("data", "Pearson correlation in the test data"),
        number("data_se", STANDARD_ERROR),
        number("value", "the same in this model"),
    ],
};

/// How many collective variables the network's theory needs.
pub const COLLECTIVE_VARIABLES: TableSchema = TableSchema {
    name: "collective_variables",
    version: 1,
    row: "one row per number of collective variables that are kept",
    keys: &["component"],
    columns: &[
        integer(
            "component",
            "number of the collective variable, from 1, largest singular value first",
        ),
        number(
            "singular_value",
            "singular value of the centred half-logits per root of draws, no unit",
        ),
        number(
            "variance_share",
            "part of the squared singular values, 0 to 1",
        ),
        flag(
            "effective",
            "whether the variable counts towards the effective rank",
        ),
        number(
            "log_likelihood_nats",
            "log-likelihood of the test data under the model with so many collective variables, \
             refitted, nats per configuration",
        ),
        number("log_likelihood_nats_se", STANDARD_ERROR),
        number(
            "loss_nats",
            "log-likelihood of the best model less that of this one, paired over the same test \
             data, nats per configuration",
        ),
        number("loss_nats_se", STANDARD_ERROR),
    ],
};

/// The effective model that is read off the network, as a whole.
pub const EFFECTIVE_MODEL: TableSchema = TableSchema {
    name: "effective_model",
    version: 1,
    row: "one row per point and replicate",
    keys: &[],
    columns: &[
        integer(
            "collective_variables",
            "collective variables that the effective model keeps",
        ),
        integer(
            "fields",
            "dimension of the support of the collective variables",
        ),
        number(
            "margin",
            "ratio of the last singular value that counts to the next",
        ),
        flag(
            "gap_is_clear",
            "whether that ratio is large enough to say how many variables there are",
        ),
        integer("nodes", "nodes of the effective model's distribution"),
        integer(
            "parameters",
            "parameters that the refit is free to choose; the values of the field are the decoder's",
        ),
        number(
            "network_nats",
            "log-likelihood of the test data under the network, nats per configuration",
        ),
        number("network_nats_se", STANDARD_ERROR),
        number(
            "truncated_nats",
            "the same with the collective variables that count and no others, before the refit",
        ),
        number("truncated_nats_se", STANDARD_ERROR),
        number(
            "refitted_nats",
            "the same after the refit to the training data",
        ),
        number("refitted_nats_se", STANDARD_ERROR),
        number(
            "gain_nats",
            "log-likelihood of the refitted model less that of the network, paired over the same \
             test data, nats per configuration",
        ),
        number("gain_nats_se", STANDARD_ERROR),
        number(
            "departure_nats",
            "root mean square departure of the collective potential from the best quadratic one, \
             over the data, nats",
        ),
        number(
            "plane_cosine",
            "smallest cosine between the plane of the patterns and the true one, 0 to 1; missing \
             if there is no true model",
        ),
        number(
            "bias_rmse",
            "root mean square difference of the biases from the true ones; missing if there is \
             no true model",
        ),
        text("warning", "what to doubt; empty if nothing"),
    ],
};

/// Biases and patterns of the effective model, site by site.
pub const EFFECTIVE_SITES: TableSchema = TableSchema {
    name: "effective_sites",
    version: 1,
    row: "one row per parameter and site",
    keys: &["parameter", "site"],
    columns: &[
        text("parameter", "bias, pattern_1, pattern_2 and so on"),
        integer("site", "number of the site, from 0"),
        number(
            "value",
            "value of the parameter at this site, in half-logits",
        ),
        number("standard_error", "standard error of the value"),
        number("exact", "true value; missing if unknown"),
    ],
};

/// How firmly each pattern of the effective model stands.
pub const EFFECTIVE_PATTERNS: TableSchema = TableSchema {
    name: "effective_patterns",
    version: 1,
    row: "one row per pattern",
    keys: &["pattern"],
    columns: &[
        integer("pattern", "number of the pattern, from 1"),
        number("length", "Euclidean norm of the pattern over the sites"),
        number(
            "bootstrap_returned",
            "fraction of bootstrap samples of the data that give the pattern again, 0 to 1",
        ),
        number(
            "seeds_returned",
            "fraction of further random starts that give the pattern again, 0 to 1",
        ),
        flag("stable", "whether both fractions are large enough"),
        number(
            "overlap",
            "absolute cosine with the true pattern, 0 to 1; missing if unknown",
        ),
    ],
};

/// The collective potential along each pattern.
pub const COLLECTIVE_POTENTIAL: TableSchema = TableSchema {
    name: "collective_potential",
    version: 1,
    row: "one row per pattern and value of its collective variable",
    keys: &["pattern", "u"],
    columns: &[
        integer("pattern", "number of the pattern, from 1"),
        number(
            "u",
            "collective variable u = ξ·s along the pattern, half-logits",
        ),
        number(
            "potential_nats",
            "collective potential G(u), nats, the other collective variables at their mean over the \
             training data",
        ),
        number("quadratic_nats", "the best quadratic potential, nats"),
        number(
            "data_density",
            "probability density of the data along the pattern",
        ),
    ],
};

/// How many fields the data ask for.
pub const FIELDS_FOUND: TableSchema = TableSchema {
    name: "fields_found",
    version: 1,
    row: "one row per number of fields",
    keys: &["fields"],
    columns: &[
        integer("fields", "number of fields of the model"),
        number(
            "log_likelihood_nats",
            "log-likelihood of the test data, nats per configuration",
        ),
        number("log_likelihood_nats_se", STANDARD_ERROR),
        number(
            "gain_nats",
            "log-likelihood above that with one field fewer, paired over the same test data, \
             nats per configuration; missing for the smallest number",
        ),
        number("gain_nats_se", STANDARD_ERROR),
        flag("chosen", "whether this number of fields is used"),
    ],
};

/// The energy landscape over the latents.
pub const LANDSCAPE: TableSchema = TableSchema {
    name: "landscape",
    version: 1,
    row: "one row per cell of the grid",
    keys: &["x", "y"],
    columns: &[
        number("x", "centre of the cell along the first latent, no unit"),
        number(
            "y",
            "centre of the cell along the second latent, no unit; 0 if there is only one",
        ),
        number("density", "probability density of the data in the cell"),
        number(
            "energy_nats",
            "negative logarithm of the density, nats; missing where no data are",
        ),
        integer(
            "basin",
            "number of the basin that the cell belongs to, from 1; 0 if none",
        ),
    ],
};

/// The basins of the energy landscape.
pub const BASINS: TableSchema = TableSchema {
    name: "basins",
    version: 1,
    row: "one row per basin",
    keys: &["basin"],
    columns: &[
        integer("basin", "number of the basin, from 1, deepest first"),
        number("x", "its minimum along the first latent, no unit"),
        number(
            "y",
            "its minimum along the second latent, no unit; 0 if there is only one",
        ),
        number("energy_nats", "energy at the minimum, nats"),
        number(
            "barrier_nats",
            "lowest pass to a deeper basin, less the energy at the minimum, nats; missing for \
             the deepest",
        ),
        number("probability", "probability that a configuration lies in it"),
        number("probability_se", STANDARD_ERROR),
        number(
            "mean_active",
            "mean number of active sites of its configurations",
        ),
    ],
};

/// The rate of each site in each basin.
pub const BASIN_SITES: TableSchema = TableSchema {
    name: "basin_sites",
    version: 1,
    row: "one row per basin and site",
    keys: &["basin", "site"],
    columns: &[
        integer("basin", "number of the basin, from 1"),
        integer("site", "number of the site, from 0"),
        number(
            "rate",
            "probability that the site is active in configurations of the basin",
        ),
        number("rate_se", STANDARD_ERROR),
        number("overall_rate", "the same over all configurations"),
    ],
};

/// What happens along the time of a repeated movie.
pub const MOVIE: TableSchema = TableSchema {
    name: "movie",
    version: 1,
    row: "one row per quantity and time bin of the movie",
    keys: &["quantity", "bin"],
    columns: &[
        text(
            "quantity",
            "collective_1, collective_2 and so on (means), basin_1 and so on (probabilities), \
             active_count (mean)",
        ),
        integer("bin", "number of the time bin within the movie, from 0"),
        number(
            "time_ms",
            "time of the bin within the movie, milliseconds; missing if unknown",
        ),
        number("mean", "mean over the repeats"),
        number("standard_error", "standard error of the mean"),
    ],
};

/// How much of each variable the stimulus explains.
pub const STIMULUS: TableSchema = TableSchema {
    name: "stimulus",
    version: 1,
    row: "one row per quantity",
    keys: &["quantity"],
    columns: &[
        text(
            "quantity",
            "collective_1, collective_2 and so on, basin_1 and so on, active_count",
        ),
        number("total_variance", "variance over repeats and time bins"),
        number(
            "signal_variance",
            "variance of the mean over repeats, along the movie",
        ),
        number(
            "noise_variance",
            "variance between repeats at the same time of the movie",
        ),
        number(
            "explained",
            "part of the variance that the stimulus explains, 0 to 1",
        ),
        number("explained_se", STANDARD_ERROR),
        number(
            "drift_variance",
            "variance of the means of whole repeats beyond chance",
        ),
    ],
};

/// Log-likelihood of the network, block by block, for paired comparisons.
pub const LIKELIHOOD_BLOCKS: TableSchema = TableSchema {
    name: "likelihood_blocks",
    version: 1,
    row: "one row per block of the test data",
    keys: &["block"],
    columns: &[
        integer("block", "number of the block of the recording"),
        integer("configurations", "test configurations in the block"),
        number(
            "log_likelihood_nats",
            "mean log-likelihood of them under the network, nats per configuration",
        ),
        text("method", "quadrature or importance_weighted"),
    ],
};
