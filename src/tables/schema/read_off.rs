//! Tables of what is read off a decoder: couplings, fields, patterns, directions.

use super::{TableSchema, flag, integer, number, text};

/// What the decoder says of the couplings, beside methods without a network.
pub const COUPLINGS: TableSchema = TableSchema {
    name: "couplings",
    version: 1,
    row: "one row per quantity and method",
    keys: &["quantity", "method"],
    columns: &[
        text(
            "quantity",
            "coupling (inverse temperature times J), field (inverse temperature times h), \
             matrix_slope, matrix_error and matrix_correlation (couplings of all pairs of sites \
             against the true ones), field_distance_kolmogorov, field_distance_wasserstein",
        ),
        text(
            "method",
            "vae_slope, vae_variance, vae_field (read off the network); moments, \
             naive_mean_field, pseudo_likelihood (without a network)",
        ),
        number("value", "estimate, without unit"),
        number("standard_error", "standard error of the value"),
        number("exact", "true value"),
    ],
};

/// The distribution of the mean field, learned and exact.
pub const FIELD: TableSchema = TableSchema {
    name: "field",
    version: 1,
    row: "one row per bin and source",
    keys: &["field", "source"],
    columns: &[
        number(
            "field",
            "centre of the bin: site average of the natural parameters, for directors its length",
        ),
        text("source", "vae (draws from the prior) or exact"),
        number("density", "probability density of the field"),
        number("standard_error", "standard error of the density"),
    ],
};

/// How well each pattern is recovered.
pub const PATTERNS: TableSchema = TableSchema {
    name: "patterns",
    version: 1,
    row: "one row per pattern and method",
    keys: &["pattern", "method"],
    columns: &[
        integer("pattern", "number of the pattern, from 0"),
        text(
            "method",
            "vae, or correlations: leading eigenvectors, no network",
        ),
        number(
            "overlap",
            "overlap with the true pattern after matching, -1 to 1",
        ),
        number(
            "wrong_fraction",
            "fraction of sites with the wrong sign, 0 to 1",
        ),
        number(
            "residual",
            "mean square distance of the entries from -1 and 1 before rounding",
        ),
        text("warning", "what to doubt; empty if nothing"),
    ],
};

/// The patterns themselves, site by site.
pub const PATTERN_SITES: TableSchema = TableSchema {
    name: "pattern_sites",
    version: 1,
    row: "one row per pattern and site",
    keys: &["pattern", "site"],
    columns: &[
        integer("pattern", "number of the pattern, from 0"),
        integer("site", "number of the site, from 0"),
        number("exact", "true value, -1 or 1; missing if unknown"),
        number("vae", "value read off the network, -1 or 1"),
        number("correlations", "value read off the correlations, -1 or 1"),
    ],
};

/// Singular values of the decoder's half-logits.
pub const SPECTRUM: TableSchema = TableSchema {
    name: "spectrum",
    version: 1,
    row: "one row per component and source",
    keys: &["component", "source"],
    columns: &[
        integer(
            "component",
            "number of the component, from 0, largest first",
        ),
        text(
            "source",
            "latents drawn from the prior, or encoded test data",
        ),
        number(
            "singular_value",
            "singular value of the centred half-logits per root of draws, no unit",
        ),
        flag(
            "effective",
            "whether the component counts towards the effective rank",
        ),
        number(
            "margin",
            "ratio of the last singular value that counts to the first that does not; the same in all rows of a source",
        ),
    ],
};
