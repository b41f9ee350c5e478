//! Numbers and grids of text, for people.

use comfy_table::{CellAlignment, Table as Grid, presets};

/// A number with so many significant digits, without zeros that say nothing.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() || value == 0.0 {
        return value.to_string();
    }
    let rounded: f64 = format!("{value:.*e}", digits.max(1) - 1)
        .parse()
        .unwrap_or(value);
    let magnitude = rounded.abs();
    if (1e-4..1e9).contains(&magnitude) {
        rounded.to_string()
    } else {
        format!("{rounded:e}")
    }
}

/// `-1.234 ± 0.012`: the error with so many digits, the mean as far as the error goes.
pub(super) fn with_error(mean: f64, error: Option<f64>, digits: usize) -> String {
    let Some(error) = error.filter(|error| *error > 0.0 && error.is_finite()) else {
        return significant(mean, digits + 4);
    };
    let last = digits as i32 - 1 - error.log10().floor() as i32;
    if (0..=9).contains(&last) {
        let places = last as usize;
        format!("{mean:.places$} ± {error:.places$}")
    } else {
        let digits_of_mean = digits + (mean.abs() / error).max(1.0).log10().floor() as usize;
        format!(
            "{} ± {}",
            significant(mean, digits_of_mean.min(15)),
            significant(error, digits)
        )
    }
}

/// A table in text or Markdown.
pub(crate) fn grid(header: &[String], rows: &[Vec<String>], markdown: bool) -> String {
    if markdown {
        return markdown_grid(header, rows);
    }
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING);
    grid.set_header(header);
    grid.add_rows(rows);
    for (index, column) in grid.column_iter_mut().enumerate() {
        let numeric =
            |row: &Vec<String>| row[index].starts_with(|c: char| c.is_ascii_digit() || c == '-');
        if rows.iter().any(numeric) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text = grid.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

fn markdown_grid(header: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let rule = format!("|{}", " --- |".repeat(header.len()));
    let rows = rows.iter().map(|row| line(row));
    let lines: Vec<String> = [line(header), rule].into_iter().chain(rows).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_as_far_as_their_error() {
        for (mean, error, text) in [
            (-12.345_678, Some(0.012_3), "-12.346 ± 0.012"),
            (0.5, Some(0.25), "0.50 ± 0.25"),
            (1234.5, Some(67.0), "1234 ± 67"),
            (1.5e-12, Some(2.5e-14), "1.5e-12 ± 2.5e-14"),
            (1.0 / 3.0, None, "0.333333"),
            (2.0, Some(0.0), "2"),
        ] {
            assert_eq!(with_error(mean, error, 2), text);
        }
    }

    #[test]
    fn digits_that_say_nothing_are_left_out() {
        for (value, text) in [
            (0.0, "0"),
            (0.1 * 3.0, "0.3"),
            (123_456_789.0, "123457000"),
            (1.25e-7, "1.25e-7"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(significant(value, 6), text);
        }
    }
}
