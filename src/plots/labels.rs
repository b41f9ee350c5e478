//! Names of columns as a reader wants them: words and units.

/// Label of an axis for a column of a table or a swept parameter.
///
/// A full path (`model.temperature`) is labelled by its last key. A column that
/// is not known by name keeps its words; `_nats` becomes a unit.
#[must_use]
pub fn label(column: &str) -> String {
    let key = column.rsplit('.').next().unwrap_or(column);
    known(key).map_or_else(|| spelt_out(key), str::to_owned)
}

fn known(key: &str) -> Option<&'static str> {
    Some(match key {
        "temperature" => "temperature / J",
        "latent" => "number of latents",
        "sites" => "number of sites N",
        "patterns" => "number of patterns P",
        "samples" => "training configurations",
        "side" => "lattice side L",
        "field" => "mean field",
        "density" => "probability density",
        "energy_per_site" => "energy per site / J",
        "specific_heat" => "specific heat per site / k_B",
        "abs_magnetisation" => "magnetisation <|m|>",
        "abs_order_norm" => "length of the order tensor <|Y|>/N",
        "squared_order_norm" => "squared order <|Y|²>/N²",
        "abs_overlap_1" => "overlap with the first pattern <|m|>",
        "point" => "sweep point",
        "component" => "component",
        "k" => "active sites K",
        "overlap" => "overlap with the true pattern",
        "wrong_fraction" => "fraction of wrong sites",
        "residual" => "residual of the factorisation",
        "singular_value" => "singular value of the half-logits",
        "probability" => "probability P(K)",
        "rate" => "probability to be active",
        "rate_nats" => "rate (nats per configuration)",
        "distortion_nats" => "distortion (nats per configuration)",
        "elbo_nats" | "validation_elbo_nats" => "ELBO (nats per configuration)",
        "log_likelihood_nats" | "quadrature_nats" | "importance_weighted_nats" | "exact_nats" => {
            "log-likelihood (nats per configuration)"
        }
        "correlation_r" => "r of the pair correlations",
        "loss_nats" => "loss of log-likelihood (nats per configuration)",
        "gain_nats" => "gain of log-likelihood (nats per configuration)",
        "energy_nats" => "energy −ln p (nats)",
        "potential_nats" => "potential G(u) (nats)",
        "u" => "variable u",
        "data_density" => "density of the data",
        "explained" => "part of the variance that the stimulus explains",
        "bound_slack_nats" => "slack of the inequality (nats per configuration)",
        "missing_fraction" => "part of the correlations that is missing",
        "paired_gap_nats" => "gap to the exact model (nats per configuration)",
        _ => return None,
    })
}

fn spelt_out(key: &str) -> String {
    match key.strip_suffix("_nats") {
        Some(stem) => format!("{} (nats)", stem.replace('_', " ")),
        None => key.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_carry_their_units() {
        assert_eq!(label("model.temperature"), "temperature / J");
        assert_eq!(label("kl_active_count_nats"), "kl active count (nats)");
        assert_eq!(label("learning_rate"), "learning rate");
    }
}
