//! `show`: a table in the terminal.

use comfy_table::{Table as Grid, presets};

use super::Outcome;
use super::args::ShowArguments;
use super::diagnostic::{self, put};
use crate::tables::{self, Cell, Table};

pub(super) fn main(arguments: &ShowArguments) -> Outcome {
    let bytes = match std::fs::read(&arguments.table) {
        Ok(bytes) => bytes,
        Err(error) => {
            diagnostic::say(&format!(
                "error: `{}` cannot be read: {error}",
                arguments.table.display()
            ));
            return Outcome::Wrong;
        }
    };
    match tables::from_bytes(&bytes) {
        Ok((table, _)) => {
            print(&table, arguments.rows);
            Outcome::Done
        }
        Err(error) => {
            diagnostic::error(&error);
            Outcome::Wrong
        }
    }
}

fn print(table: &Table, rows: usize) {
    let shown = if rows == 0 {
        table.rows()
    } else {
        rows.min(table.rows())
    };
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING);
    grid.set_header(table.columns().iter().map(|(name, _)| name));
    for row in 0..shown {
        let cells = table.columns().iter().map(|(_, column)| column.cell(row));
        grid.add_row(cells.map(|cell| cell.map_or(String::new(), text)));
    }
    put(&grid.to_string());
    if shown < table.rows() {
        put(&format!("{} of {} rows", shown, table.rows()));
    }
}

fn text(cell: Cell) -> String {
    match cell {
        Cell::Integer(value) => value.to_string(),
        Cell::Number(Some(value)) => format!("{value:.6}"),
        Cell::Number(None) => String::new(),
        Cell::Text(value) => value,
        Cell::Flag(value) => value.to_string(),
    }
}
