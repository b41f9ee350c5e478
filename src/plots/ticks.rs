//! Where the marks of an axis lie, and what is written at them.

use super::{Axis, Scale};

/// A mark: its place on the axis (the decimal logarithm on a logarithmic one)
/// and its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) place: f64,
    pub(super) text: String,
}

/// Steps finer than the length of the axis over this are not tried.
const MOST: f64 = 20.0;

/// The marks of an axis, about `wanted` of them.
pub(super) fn ticks(axis: &Axis, wanted: usize) -> Vec<Tick> {
    if !axis.categories.is_empty() {
        let named = axis.categories.iter().enumerate();
        return named
            .map(|(index, text)| Tick {
                place: index as f64,
                text: text.clone(),
            })
            .collect();
    }
    match (axis.scale, axis.place(axis.low), axis.place(axis.high)) {
        (Scale::Linear, Some(low), Some(high)) => linear((low, high), wanted, axis.whole),
        (Scale::Logarithmic, Some(low), Some(high)) => logarithmic(low, high, wanted),
        _ => Vec::new(),
    }
}

/// Marks at round numbers, `whole` ones if need be.
fn linear((low, high): (f64, f64), wanted: usize, whole: bool) -> Vec<Tick> {
    let rough = (high - low) / wanted.max(1) as f64;
    let rough = if whole { rough.max(1.0) } else { rough };
    if rough.is_nan() || rough <= 0.0 {
        return Vec::new();
    }
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let step = steps
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * power);
    let decimals = decimals(step.log10().floor() as i64);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    let finest = if whole { 1.0 } else { (high - low) / MOST };
    if last <= first && step > finest {
        // One mark does not tell how long the axis is.
        return linear((low, high), 2 * wanted.max(1), whole);
    }
    let tick = |index: i64| {
        let place = index as f64 * step;
        Tick {
            place,
            text: signed(&format!("{place:.decimals$}")),
        }
    };
    (first..=last).map(tick).collect()
}

fn logarithmic(low: f64, high: f64, wanted: usize) -> Vec<Tick> {
    let (first, last) = (low.ceil() as i64, high.floor() as i64);
    let decades = usize::try_from(last - first + 1).unwrap_or(0);
    if decades >= 3 {
        let every = decades.div_ceil(wanted.max(1));
        let decade = |power: i64| Tick {
            place: power as f64,
            text: power_of_ten(power),
        };
        return (first..=last).step_by(every).map(decade).collect();
    }
    let powers = low.floor() as i64..=last;
    let within = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|factor| (power, factor)));
    within
        .map(|(power, factor)| {
            let decimals = decimals(power);
            let value = factor * 10_f64.powi(power as i32);
            Tick {
                place: value.log10(),
                text: format!("{value:.decimals$}"),
            }
        })
        .filter(|tick| (low..=high).contains(&tick.place))
        .collect()
}

/// A number with a true minus sign.
fn signed(text: &str) -> String {
    text.strip_prefix('-')
        .map_or(text.to_owned(), |rest| format!("−{rest}"))
}

/// Decimals that show a step of this power of ten.
fn decimals(power: i64) -> usize {
    usize::try_from(-power).unwrap_or(0).min(12)
}

fn power_of_ten(power: i64) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digits = power.unsigned_abs().to_string();
    let raised = digits
        .bytes()
        .map(|digit| RAISED[usize::from(digit - b'0')]);
    let sign = if power < 0 { "⁻" } else { "" };
    format!("10{sign}{}", raised.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<String> {
        ticks(axis, 6).into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn linear_marks_are_round_numbers_within_the_axis() {
        assert_eq!(
            texts(&Axis::linear("", 0.35, 1.55)),
            ["0.4", "0.6", "0.8", "1.0", "1.2", "1.4"]
        );
        assert_eq!(
            texts(&Axis::linear("", -12.0, 31.0)),
            ["−10", "0", "10", "20", "30"]
        );
    }

    #[test]
    fn an_axis_has_two_marks_where_one_step_finer_gives_them() {
        // Steps of 0.5 would mark −9.0 alone.
        let marks = ticks(&Axis::linear("", -9.28, -8.51), 3);
        let texts: Vec<&str> = marks.iter().map(|tick| tick.text.as_str()).collect();
        assert_eq!(texts, ["−9.2", "−9.0", "−8.8", "−8.6"]);
    }

    #[test]
    fn whole_numbers_are_marked_at_whole_numbers() {
        let counts = Axis::counting("", [1.0, 3.0]);
        assert_eq!((counts.low, counts.high), (0.5, 3.5));
        assert_eq!(texts(&counts), ["1", "2", "3"]);
        assert_eq!(texts(&Axis::linear("", 0.5, 3.5)).len(), 7);
    }

    #[test]
    fn logarithmic_marks_are_powers_of_ten_or_round_numbers() {
        let wide = Axis {
            scale: Scale::Logarithmic,
            ..Axis::linear("", 2e-5, 3.0)
        };
        assert_eq!(texts(&wide), ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"]);
        let narrow = Axis {
            scale: Scale::Logarithmic,
            ..Axis::linear("", 0.3, 7.0)
        };
        assert_eq!(texts(&narrow), ["0.5", "1", "2", "5"]);
    }

    #[test]
    fn an_axis_without_length_has_no_marks() {
        assert_eq!(ticks(&Axis::linear("", 1.0, 1.0), 6), []);
        assert_eq!(ticks(&Axis::linear("", f64::NAN, 1.0), 6), []);
    }
}
