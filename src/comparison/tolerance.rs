//! Differences that do not matter, by name of the quantity.

use super::ComparisonError;

/// How large a difference may be without mattering.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// This much, in the unit of the quantity.
    Absolute(f64),
    /// This part of the baseline's magnitude.
    Relative(f64),
}

impl Tolerance {
    /// The largest difference that does not matter, beside the baseline's mean.
    pub(super) fn at(self, baseline: f64) -> f64 {
        match self {
            Self::Absolute(value) => value,
            Self::Relative(share) => share * baseline.abs(),
        }
    }
}

/// Tolerances by name, and one for all that is not named.
///
/// A name is `table.quantity`, `quantity`, `table.column` or `column`; the first of
/// these that is there counts. Of the same name the last counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tolerances {
    named: Vec<(String, Tolerance)>,
    relative: Option<f64>,
}

impl Tolerances {
    /// Sets the part of the baseline that is tolerated where no name says otherwise.
    pub fn set_relative(&mut self, share: f64) {
        self.relative = Some(share);
    }

    /// Adds the tolerance of a name, before which those added earlier stand back.
    ///
    /// # Errors
    ///
    /// [`ComparisonError::BadTolerance`] if it is negative or not finite.
    pub fn add(&mut self, name: &str, tolerance: Tolerance) -> Result<(), ComparisonError> {
        let (Tolerance::Absolute(value) | Tolerance::Relative(value)) = tolerance;
        if !(value.is_finite() && value >= 0.0) || name.is_empty() {
            return Err(ComparisonError::BadTolerance {
                text: format!("{name}={value}"),
                found: if name.is_empty() {
                    "no name".to_owned()
                } else {
                    value.to_string()
                },
            });
        }
        self.named.push((name.to_owned(), tolerance));
        Ok(())
    }

    /// Adds `NAME=VALUE`, where the value is a number or a percentage.
    ///
    /// # Errors
    ///
    /// [`ComparisonError::BadTolerance`] if it is not of that form.
    pub fn add_text(&mut self, text: &str) -> Result<(), ComparisonError> {
        let bad = |found: &str| ComparisonError::BadTolerance {
            text: text.to_owned(),
            found: found.to_owned(),
        };
        let (name, value) = text.rsplit_once('=').ok_or_else(|| bad("no `=`"))?;
        let (digits, percent) = match value.trim().strip_suffix('%') {
            Some(digits) => (digits, true),
            None => (value.trim(), false),
        };
        let number: f64 = digits.parse().map_err(|_| bad(&format!("`{value}`")))?;
        let tolerance = if percent {
            Tolerance::Relative(number / 100.0)
        } else {
            Tolerance::Absolute(number)
        };
        self.add(name.trim(), tolerance)
            .map_err(|_| bad(&format!("`{value}`")))
    }

    /// The tolerance of a quantity, if one is stated.
    #[must_use]
    pub fn of(&self, table: &str, quantity: &str, column: &str) -> Option<Tolerance> {
        let general = self.relative.map(Tolerance::Relative);
        self.named(table, quantity, column).or(general)
    }

    /// The tolerance that is stated for a quantity by name.
    #[must_use]
    pub fn named(&self, table: &str, quantity: &str, column: &str) -> Option<Tolerance> {
        let names = [
            format!("{table}.{quantity}"),
            quantity.to_owned(),
            format!("{table}.{column}"),
            column.to_owned(),
        ];
        let found = names.iter().find_map(|name| {
            let mut latest = self.named.iter().rev();
            latest.find(|(known, _)| known == name)
        });
        found.map(|(_, tolerance)| *tolerance)
    }

    /// The names that have a tolerance.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_name_counts_and_the_last_of_one_name() {
        let mut tolerances = Tolerances::default();
        for text in [
            "value=1",
            "energy=0.5",
            "energy=0.25",
            "thermodynamics.energy=2%",
        ] {
            tolerances.add_text(text).unwrap();
        }
        let of = |table, quantity| tolerances.of(table, quantity, "value");
        assert_eq!(
            of("thermodynamics", "energy"),
            Some(Tolerance::Relative(0.02))
        );
        assert_eq!(of("sampling", "energy"), Some(Tolerance::Absolute(0.25)));
        assert_eq!(of("sampling", "other"), Some(Tolerance::Absolute(1.0)));
        assert_eq!(tolerances.of("sampling", "other", "exact"), None);
        tolerances.set_relative(0.1);
        let general = tolerances.of("sampling", "other", "exact");
        assert_eq!(general.map(|tolerance| tolerance.at(-20.0)), Some(2.0));
    }

    #[test]
    fn what_is_no_tolerance_is_refused_with_what_was_found() {
        for text in [
            "elbo", "elbo=", "elbo=x", "elbo=-1", "elbo=inf", "=1", "elbo=-5%",
        ] {
            let error = Tolerances::default()
                .add_text(text)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(&format!("`{text}`")) && error.contains("expected"),
                "{error}"
            );
        }
    }
}
