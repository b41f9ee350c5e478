//! Ranges of a sweep: `{ start, stop, step }` or `{ start, stop, count }`.

use super::node::{Node, Value};
use super::section::{NumberRule, Section};

/// Most values of one list or range.
pub(super) const MOST_VALUES: u32 = 100_000;

/// Slack of the inclusive stop, in steps.
const TOLERANCE: f64 = 1e-9;

const KEYS: &[&str] = &["start", "stop", "step", "count", "scale"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
}

/// Whether a table is meant as a range.
pub(super) fn is_range(node: &Node) -> bool {
    node.entries()
        .iter()
        .any(|entry| KEYS.contains(&entry.key.as_str()))
}

/// The values of a range; each has the place of the whole range.
pub(super) fn values(section: &Section<'_>) -> Option<Vec<Node>> {
    section.allow_only(KEYS);
    section.require(&["start", "stop"]);
    let start = section.number("start", NumberRule::FINITE);
    let stop = section.number("stop", NumberRule::FINITE);
    let scales = &[("linear", Scale::Linear), ("log", Scale::Log)];
    let scale = section.word("scale", scales).unwrap_or(Scale::Linear);
    let ends = (start?, stop?);
    let values = match (section.find("step"), section.find("count")) {
        (Some(_), None) => by_step(section, ends, scale),
        (None, Some(_)) => by_count(section, ends, scale),
        (Some(_), Some(_)) => {
            section.conflict("count", "either `step` or `count`, not both", None);
            None
        }
        (None, None) => {
            section.require(&["step"]);
            None
        }
    }?;
    let node = |value| Node {
        place: section.place,
        value,
    };
    Some(values.into_iter().map(node).collect())
}

fn integer(section: &Section<'_>, key: &str) -> Option<i64> {
    match section.find(key)?.node.value {
        Value::Integer(value) => Some(value),
        _ => None,
    }
}

fn by_step(section: &Section<'_>, ends: (f64, f64), scale: Scale) -> Option<Vec<Value>> {
    let (start, stop) = ends;
    if scale == Scale::Log {
        section.conflict("step", "`count` for a range with `scale = \"log\"`", None);
        return None;
    }
    let step = section.find("step")?.node.real();
    let steps = step.map(|step| (stop - start) / step + TOLERANCE);
    let Some(steps) = steps.filter(|steps| *steps >= 0.0 && steps.is_finite()) else {
        let expected = format!("a number other than 0 that leads from {start} to {stop}");
        section.conflict("step", &expected, None);
        return None;
    };
    if steps >= f64::from(MOST_VALUES) {
        let expected = format!("a step that makes at most {MOST_VALUES} values");
        section.conflict("step", &expected, None);
        return None;
    }
    #[expect(clippy::cast_sign_loss, reason = "not negative, as checked above")]
    let count = steps as u32 + 1;
    let whole = (integer(section, "start"), integer(section, "step"));
    let value = |index: u32| match whole {
        (Some(start), Some(step)) => {
            Value::Integer(start.saturating_add(i64::from(index).saturating_mul(step)))
        }
        _ => decimal(start + f64::from(index) * step.unwrap_or_default()),
    };
    Some((0..count).map(value).collect())
}

fn by_count(section: &Section<'_>, ends: (f64, f64), scale: Scale) -> Option<Vec<Value>> {
    let (start, stop) = ends;
    let count = section.count("count", 2..=MOST_VALUES)?;
    let last = count - 1;
    if scale == Scale::Log {
        return by_ratio(section, ends, count as u32);
    }
    let whole = (integer(section, "start"), integer(section, "stop"));
    if let (Some(start), Some(stop)) = whole {
        let span = i128::from(stop) - i128::from(start);
        if span % last as i128 == 0 {
            let step = span / last as i128;
            let value = |index| i64::try_from(i128::from(start) + index as i128 * step);
            return (0..count)
                .map(|index| value(index).ok().map(Value::Integer))
                .collect();
        }
    }
    let value = |index| start + (stop - start) * f64::from(index) / last as f64;
    Some(
        (0..count as u32)
            .map(|index| decimal(value(index)))
            .collect(),
    )
}

fn by_ratio(section: &Section<'_>, ends: (f64, f64), count: u32) -> Option<Vec<Value>> {
    let (start, stop) = ends;
    let mut positive = true;
    for (key, value) in [("start", start), ("stop", stop)] {
        if value <= 0.0 {
            section.conflict(key, "a number above 0 for `scale = \"log\"`", None);
            positive = false;
        }
    }
    let step = (stop / start).ln() / f64::from(count - 1);
    let value = |index| decimal(start * (step * f64::from(index)).exp());
    positive.then(|| (0..count).map(value).collect())
}

/// A number rounded to 12 significant digits, so that 0.4 + 3 * 0.1 is 0.7.
fn decimal(value: f64) -> Value {
    Value::Number(format!("{value:.11e}").parse().unwrap_or(value))
}
