//! What the benchmarks share: one thread, medians of paired rounds.
//!
//! Contenders take turns within a round, so that a busy or throttled machine
//! slows them alike, and ratios are formed round by round before the median.

mod threads;

pub(crate) use threads::single_thread;

/// The middle of the values; the mean of the middle two of an even number.
///
/// Returns NaN without values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The arguments of a benchmark, without the one that cargo adds.
pub(crate) fn arguments() -> Vec<String> {
    let given = std::env::args().skip(1);
    given.filter(|argument| argument != "--bench").collect()
}
