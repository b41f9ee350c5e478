//! The rule that says whether a mean-field theory is behind the data.
//!
//! `docs/verdict.md` explains it, with the error rates that were measured.

/// Correlations that a theory may miss and still count as one, as a part of all.
pub const FAITHFUL: f64 = 0.02;
/// A gap below which nothing is missed, whatever its part, nats.
const NEGLIGIBLE_GAP: f64 = 0.02;
/// Sites that a theory must have for each of its fields: with more fields it is no
/// reduction, and any distribution of few sites can be had.
const SITES_A_FIELD: usize = 10;
/// An excess that says more than a training that could have gone better, nats.
const CERTIFIED: f64 = 0.25;
/// Standard errors by which a number must lie beyond its bound.
const STANDARD_ERRORS: f64 = 3.0;
/// Corrected probability below which samples of the network differ from the data.
const DIFFERENT: f64 = 0.01;

/// A number of the evidence, nats, with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The number.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
}

impl Measured {
    /// The lowest value that it may have.
    fn low(self) -> f64 {
        self.value - STANDARD_ERRORS * self.standard_error
    }

    /// The highest value that it may have.
    fn high(self) -> f64 {
        self.value + STANDARD_ERRORS * self.standard_error
    }
}

/// What the network fails to say of the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Missing {
    /// The gap to the exact log-probability.
    Exact(Measured),
    /// The probability of the data is not known.
    Bounded {
        /// A lower bound of the gap, by a classifier of data and samples.
        by_classifier: Measured,
        /// The log-likelihood that further latents gain.
        further_gain: Measured,
    },
}

/// All that the verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// What the network fails to say.
    pub missing: Missing,
    /// Its log-likelihood above that of independent sites.
    pub captured: Measured,
    /// Largest mutual information less rate over all partitions.
    pub certified_excess: Option<Measured>,
    /// Smallest corrected probability of the two-sample tests.
    pub smallest_p_value: f64,
    /// Sites of a configuration.
    pub sites: usize,
    /// Latents of the network.
    pub latents: usize,
    /// Those that carry something.
    pub active_units: usize,
}

/// Whether there is a mean-field theory with as many fields as the network has latents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The network reproduces the data, within stated margins.
    MeanField,
    /// Parts of the data know more of each other than the latents can carry.
    NotMeanField,
    /// Neither is shown.
    Undecided,
}

impl Verdict {
    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MeanField => "mean_field",
            Self::NotMeanField => "not_mean_field",
            Self::Undecided => "undecided",
        }
    }
}

/// The verdict, and the reason in words.
#[must_use]
pub fn verdict(evidence: &Evidence) -> (Verdict, &'static str) {
    let exceeded = exceeds_capacity(evidence);
    let faithful = is_faithful(evidence);
    if faithful && !exceeded && evidence.sites < SITES_A_FIELD * evidence.latents {
        return (
            Verdict::Undecided,
            "the network reproduces the data, but with more than one field for ten sites",
        );
    }
    if faithful && !exceeded {
        return (
            Verdict::MeanField,
            "the network misses at most a fiftieth of the correlations",
        );
    }
    if !exceeded {
        return (
            Verdict::Undecided,
            "correlations are missing, but the latents could carry what parts of the data \
             know of each other",
        );
    }
    if faithful {
        return (
            Verdict::Undecided,
            "the network reproduces the data, yet parts of them know more of each other \
             than its latents carry",
        );
    }
    if evidence.active_units < evidence.latents {
        return (
            Verdict::Undecided,
            "parts of the data know more of each other than the latents carry, but not all \
             latents are used: train longer, or anew",
        );
    }
    if evidence.smallest_p_value >= DIFFERENT {
        return (
            Verdict::Undecided,
            "parts of the data know more of each other than the latents carry, but no test \
             tells the samples apart",
        );
    }
    (
        Verdict::NotMeanField,
        "parts of the data know more of each other than the latents can carry",
    )
}

/// Whether some parts of the data know more of each other than the latents carry.
fn exceeds_capacity(evidence: &Evidence) -> bool {
    evidence
        .certified_excess
        .is_some_and(|excess| excess.low() > CERTIFIED)
}

/// Whether the part that may be missing is small.
fn is_faithful(evidence: &Evidence) -> bool {
    let small = |missing: Measured| {
        let all = missing.value.max(0.0) + evidence.captured.value;
        missing.high() <= (FAITHFUL * all).max(NEGLIGIBLE_GAP)
    };
    match evidence.missing {
        Missing::Exact(gap) => small(gap),
        Missing::Bounded {
            by_classifier,
            further_gain,
        } => small(by_classifier) && small(further_gain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: f64) -> Measured {
        Measured {
            value,
            standard_error: 0.01,
        }
    }

    /// The 2D Ising model at the transition, 16 sites along an edge, 2 latents.
    fn lattice() -> Evidence {
        Evidence {
            missing: Missing::Exact(measured(21.4)),
            captured: measured(81.0),
            certified_excess: Some(measured(8.9)),
            smallest_p_value: 0.0,
            sites: 256,
            latents: 2,
            active_units: 2,
        }
    }

    /// A network that reproduces a mean-field model.
    fn mean_field() -> Evidence {
        Evidence {
            missing: Missing::Exact(measured(0.1)),
            captured: measured(10.0),
            certified_excess: Some(measured(-0.4)),
            smallest_p_value: 0.5,
            sites: 100,
            latents: 1,
            active_units: 1,
        }
    }

    #[test]
    fn clear_cases_are_decided() {
        assert_eq!(verdict(&lattice()).0, Verdict::NotMeanField);
        assert_eq!(verdict(&mean_field()).0, Verdict::MeanField);
    }

    #[test]
    fn no_verdict_without_its_evidence() {
        let undecided = |change: fn(&mut Evidence)| {
            let mut evidence = lattice();
            change(&mut evidence);
            assert_eq!(verdict(&evidence).0, Verdict::Undecided, "{evidence:?}");
        };
        undecided(|evidence| evidence.active_units = 1);
        undecided(|evidence| evidence.smallest_p_value = 0.2);
        undecided(|evidence| evidence.certified_excess = None);
        undecided(|evidence| evidence.certified_excess = Some(measured(0.26)));
        // Reproduced, and yet too much mutual information: one of both is wrong.
        undecided(|evidence| evidence.missing = Missing::Exact(measured(0.1)));
    }

    #[test]
    fn a_lower_bound_alone_does_not_make_a_theory() {
        let mut evidence = mean_field();
        evidence.missing = Missing::Bounded {
            by_classifier: measured(0.1),
            further_gain: measured(2.0),
        };
        assert_eq!(verdict(&evidence).0, Verdict::Undecided);
        evidence.missing = Missing::Bounded {
            by_classifier: measured(0.1),
            further_gain: measured(0.1),
        };
        assert_eq!(verdict(&evidence).0, Verdict::MeanField);
    }

    #[test]
    fn many_fields_for_few_sites_are_no_theory() {
        let mut evidence = mean_field();
        (evidence.sites, evidence.latents, evidence.active_units) = (19, 2, 2);
        assert_eq!(verdict(&evidence).0, Verdict::Undecided);
        evidence.sites = 20;
        assert_eq!(verdict(&evidence).0, Verdict::MeanField);
    }

    #[test]
    fn a_gap_that_may_be_large_does_not_count_as_small() {
        let mut evidence = mean_field();
        evidence.missing = Missing::Exact(Measured {
            value: 0.1,
            standard_error: 0.5,
        });
        assert_eq!(verdict(&evidence).0, Verdict::Undecided);
    }
}
