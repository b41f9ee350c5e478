//! Sizes, times and tables as people read them.

use std::time::{SystemTime, UNIX_EPOCH};

use comfy_table::{Table as Grid, presets};

use crate::engine::Estimate;

pub(super) const SECONDS_A_DAY: f64 = 86_400.0;

/// Seconds since 1970.
pub(super) fn now_unix() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// A number of bytes, in the unit that leaves one to three digits before the point.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    // From 999.95 on it would be written as 1000.0.
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A time span in words: `50 ms`, `12 s`, `12 min`, `1.5 h`, `3.2 days`.
pub(super) fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 0.9995 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 99.5 {
        format!("{seconds:.0} s")
    } else if seconds < 99.5 * 60.0 {
        format!("{:.0} min", seconds / 60.0)
    } else if seconds < 48.0 * 3600.0 {
        format!("{:.1} h", seconds / 3600.0)
    } else {
        format!("{:.1} days", seconds / SECONDS_A_DAY)
    }
}

/// How long ago something was, in words; the clock may have gone backwards.
pub(super) fn age(seconds: f64) -> String {
    if seconds < 0.0 {
        "in the future".to_owned()
    } else {
        format!("{} ago", span(seconds))
    }
}

/// Work in core-hours, with two digits that count.
pub(super) fn core_hours(core_seconds: f64) -> String {
    let hours = core_seconds / 3600.0;
    if hours < 0.001 {
        "less than 0.001 core-hours".to_owned()
    } else if hours < 10.0 {
        let digits = (1.0 - hours.log10().floor()).clamp(1.0, 4.0) as usize;
        format!("about {hours:.digits$} core-hours")
    } else {
        format!("about {hours:.0} core-hours")
    }
}

/// What `tasks` tasks take: `about 0.40 core-hours, 12 min on 2 threads; 3 of unknown length`.
pub(super) fn estimate(tasks: usize, estimate: &Estimate) -> String {
    if estimate.unknown == tasks {
        return "of unknown length".to_owned();
    }
    let unknown = match estimate.unknown {
        0 => String::new(),
        count => format!("; {count} of unknown length"),
    };
    let threads = if estimate.threads == 1 {
        "thread"
    } else {
        "threads"
    };
    format!(
        "{}, {} on {} {threads}{unknown}",
        core_hours(estimate.core_seconds),
        span(estimate.seconds),
        estimate.threads,
    )
}

/// Lines under a header, without rules.
pub(super) fn grid(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING);
    grid.set_header(header);
    for row in rows {
        grid.add_row(row);
    }
    grid.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_to_three_digits_before_the_point() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (2_500_000_000, "2.5 GB"),
        ];
        for (count, text) in cases {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn spans_change_their_unit_where_it_reads_better() {
        let cases = [
            (-1.0, "0 ms"),
            (0.05, "50 ms"),
            (1.0, "1 s"),
            (99.0, "99 s"),
            (120.0, "2 min"),
            (5400.0, "90 min"),
            (7200.0, "2.0 h"),
            (260_000.0, "3.0 days"),
        ];
        for (seconds, text) in cases {
            assert_eq!(span(seconds), text);
        }
        assert_eq!(age(-5.0), "in the future");
    }

    #[test]
    fn work_has_two_digits_that_count() {
        let cases = [
            (0.0, "less than 0.001 core-hours"),
            (36.0, "about 0.010 core-hours"),
            (1440.0, "about 0.40 core-hours"),
            (5400.0, "about 1.5 core-hours"),
            (360_000.0, "about 100 core-hours"),
        ];
        for (seconds, text) in cases {
            assert_eq!(core_hours(seconds), text);
        }
    }
}
