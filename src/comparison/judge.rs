//! What a difference and its error say about two values.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// What is said of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Bit for bit, or within the tolerance at the level.
    Same,
    /// Beyond the tolerance, at the level for all rows together.
    Differs,
    /// The errors are too large to say.
    Undecided,
    /// Only the baseline has the row.
    OnlyBaseline,
    /// Only the other folder has the row.
    OnlyOther,
    /// Not identical, without an error bar and without a tolerance.
    NoErrorBar,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 6] = [
        Self::Same,
        Self::Differs,
        Self::Undecided,
        Self::OnlyBaseline,
        Self::OnlyOther,
        Self::NoErrorBar,
    ];

    /// The word for it, in reports and tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Undecided => "undecided",
            Self::OnlyBaseline => "only in baseline",
            Self::OnlyOther => "only in other",
            Self::NoErrorBar => "no error bar",
        }
    }
}

/// A difference with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Difference {
    pub(super) value: f64,
    pub(super) standard_error: f64,
    /// Degrees of freedom of Student's t; infinite for a normal distribution.
    pub(super) degrees: f64,
}

impl Difference {
    /// Largest probability, over all true differences within the tolerance, of
    /// a difference at least this far from zero. Without a tolerance this is the two-sided
    /// test.
    pub(super) fn beyond(&self, tolerance: f64) -> f64 {
        let size = self.value.abs();
        let near = self.tail((size - tolerance) / self.standard_error);
        let far = self.tail((size + tolerance) / self.standard_error);
        (near + far).min(1.0)
    }

    /// Largest probability, over all true differences beyond the tolerance, of a
    /// difference at least this near to zero: two one-sided tests.
    pub(super) fn within(&self, tolerance: f64) -> f64 {
        self.tail((tolerance - self.value.abs()) / self.standard_error)
    }

    /// Probability of a larger value than `t` standard errors.
    fn tail(&self, t: f64) -> f64 {
        let student = StudentsT::new(0.0, 1.0, self.degrees);
        match student {
            Ok(student) if self.degrees.is_finite() => student.sf(t),
            _ => Normal::standard().sf(t),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(value: f64, degrees: f64) -> Difference {
        Difference {
            value,
            standard_error: 1.0,
            degrees,
        }
    }

    /// Quantiles of tables: 1.959964 of the normal distribution, 12.7062 of t with one
    /// degree of freedom, 2.228139 with ten.
    #[test]
    fn probabilities_without_tolerance_are_those_of_the_tables() {
        for (t, degrees) in [
            (1.959_964, f64::INFINITY),
            (12.706_2, 1.0),
            (2.228_139, 10.0),
        ] {
            for sign in [-1.0, 1.0] {
                let found = difference(sign * t, degrees).beyond(0.0);
                assert!((found - 0.05).abs() < 1e-6, "{t}: {found}");
            }
        }
    }

    /// One-sided: 1.644854 errors beyond or within the tolerance.
    #[test]
    fn a_tolerance_moves_the_boundary() {
        let found = difference(101.644_854, f64::INFINITY).beyond(100.0);
        assert!((found - 0.05).abs() < 1e-6, "{found}");
        let found = difference(-98.355_146, f64::INFINITY).within(100.0);
        assert!((found - 0.05).abs() < 1e-6, "{found}");
        assert!(
            difference(0.0, 3.0).within(0.0) >= 0.5,
            "nothing is within zero"
        );
    }
}
