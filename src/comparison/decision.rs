//! What is said of one row, and of all rows together.

use super::estimate::{Estimate, Prior, Sample, Source, Uncertainty};
use super::holm::holm;
use super::judge::Difference;
use super::{Measured, Row, Verdict};

/// Corrects the probabilities of all rows for their number, and decides.
pub(super) fn correct(rows: &mut [Row], level: f64) -> usize {
    let tested: Vec<usize> = (0..rows.len())
        .filter(|&row| rows[row].p_value.is_some())
        .collect();
    let values: Vec<f64> = tested.iter().filter_map(|&row| rows[row].p_value).collect();
    for (&row, corrected) in tested.iter().zip(holm(&values)) {
        let row = &mut rows[row];
        row.corrected_p_value = Some(corrected);
        // That all rows are the same is said only if each is: no correction is needed for
        // that (R. L. Berger, Technometrics 24, 295 (1982)).
        if corrected <= level {
            row.verdict = Verdict::Differs;
        } else if row.within().is_some_and(|probability| probability <= level) {
            row.verdict = Verdict::Same;
        }
    }
    tested.len()
}

impl Row {
    fn tested(&self) -> Option<Difference> {
        Some(Difference {
            value: self.difference?,
            standard_error: self.standard_error?,
            degrees: self.degrees_of_freedom?,
        })
    }

    fn within(&self) -> Option<f64> {
        Some(self.tested()?.within(self.tolerance.unwrap_or(0.0)))
    }
}

pub(super) fn judge_words(row: &mut Row, words: [Vec<String>; 2], strict: bool) {
    let identical = words[0] == words[1];
    let [baseline, other] = words.map(|words| {
        let found = (!words.is_empty()).then(|| counted(&words));
        found.map(Measured::Words)
    });
    row.verdict = match (&baseline, &other) {
        (None, _) => Verdict::OnlyOther,
        (_, None) => Verdict::OnlyBaseline,
        _ if identical => Verdict::Same,
        _ if strict => Verdict::Differs,
        _ => Verdict::NoErrorBar,
    };
    (row.baseline, row.other) = (baseline, other);
}

/// Each word once; with its number if there are several.
fn counted(words: &[String]) -> String {
    let mut distinct: Vec<(&String, usize)> = Vec::new();
    for word in words {
        match distinct.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => distinct.push((word, 1)),
        }
    }
    match distinct.as_slice() {
        [(word, _)] => (*word).clone(),
        several => {
            let parts = several
                .iter()
                .map(|(word, count)| format!("{word} ×{count}"));
            parts.collect::<Vec<_>>().join(", ")
        }
    }
}

pub(super) fn judge_numbers(
    row: &mut Row,
    samples: &[Vec<Sample>; 2],
    prior: &Prior,
    paired: bool,
) {
    let estimates = [Estimate::of(&samples[0]), Estimate::of(&samples[1])];
    let measured = |side: usize| {
        let estimate: Estimate = estimates[side]?;
        Some(Measured::Number {
            mean: estimate.mean,
            standard_error: Uncertainty::of_mean(&estimate),
            replicates: estimate.replicates,
        })
    };
    (row.baseline, row.other) = (measured(0), measured(1));
    let [Some(first), Some(second)] = estimates else {
        row.verdict = match estimates {
            [None, _] => Verdict::OnlyOther,
            _ => Verdict::OnlyBaseline,
        };
        return;
    };
    row.difference = Some(second.mean - first.mean);
    if identical(samples) {
        row.difference = Some(0.0);
        row.verdict = Verdict::Same;
        return;
    }
    let test = if paired {
        pairs(samples)
    } else {
        independent(&first, &second, prior)
    };
    let known = test.filter(|(variance, ..)| *variance > 0.0 && variance.is_finite());
    if let Some((variance, degrees, source)) = known {
        row.standard_error = Some(variance.sqrt());
        row.degrees_of_freedom = Some(degrees);
        row.error_source = source;
        row.z = row
            .difference
            .map(|difference| difference / variance.sqrt());
        let tolerance = row.tolerance.unwrap_or(0.0);
        row.p_value = row.tested().map(|difference| difference.beyond(tolerance));
        row.verdict = Verdict::Undecided;
    } else if let (Some(tolerance), Some(difference)) = (row.tolerance, row.difference) {
        // No error bar: the numbers as they are.
        row.verdict = if difference.abs() <= tolerance {
            Verdict::Same
        } else {
            Verdict::Differs
        };
    }
}

/// Whether all replicates agree bit for bit.
fn identical([a, b]: &[Vec<Sample>; 2]) -> bool {
    let bits = |samples: &[Sample]| -> Vec<u64> {
        samples
            .iter()
            .map(|sample| sample.value.to_bits())
            .collect()
    };
    a.len() == b.len() && bits(a) == bits(b)
}

/// Variance and degrees of freedom of the difference of two means, and their source.
fn independent(a: &Estimate, b: &Estimate, prior: &Prior) -> Option<(f64, f64, String)> {
    let found = Uncertainty::of_difference(a, b, prior)?;
    let source = match found.source {
        Source::Between => "between replicates".to_owned(),
        Source::Within(1.0) => "within runs".to_owned(),
        Source::Within(factor) => format!("within runs × {factor:.2}"),
    };
    Some((found.variance, found.degrees, source))
}

/// The same of the differences, pair by pair.
fn pairs([a, b]: &[Vec<Sample>; 2]) -> Option<(f64, f64, String)> {
    let differences: Option<Vec<Sample>> = a
        .iter()
        .map(|first| {
            let second = b.iter().find(|second| second.run == first.run)?;
            Some(Sample {
                value: second.value - first.value,
                error: None,
                ..*first
            })
        })
        .collect();
    let differences = differences.filter(|_| a.len() == b.len())?;
    let error = Estimate::of(&differences)?.between?;
    let degrees = differences.len() as f64 - 1.0;
    Some((error * error, degrees, "between pairs".to_owned()))
}
