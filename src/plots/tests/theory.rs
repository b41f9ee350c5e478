//! Figures that set what was read off beside what is known exactly.

use super::*;

/// One table of rows, each with a temperature.
fn at_temperatures(schema: &'static tables::TableSchema, rows: Vec<(f64, Vec<Cell>)>) -> Table {
    let mut all: Option<Table> = None;
    for (point, (temperature, row)) in rows.into_iter().enumerate() {
        let mut table = Table::new(schema);
        table.push(row).unwrap();
        let leading = vec![
            ("point".to_owned(), point.into()),
            ("replicate".to_owned(), 0_u32.into()),
            ("temperature".to_owned(), temperature.into()),
        ];
        let table = table.with_leading(leading).unwrap();
        match &mut all {
            Some(all) => all.append(&table).unwrap(),
            None => all = Some(table),
        }
    }
    all.unwrap()
}

fn averages(rows: &[(&str, Option<f64>)]) -> BTreeMap<String, Table> {
    let mut cells: Vec<(f64, Vec<Cell>)> = Vec::new();
    for temperature in [0.5, 1.0] {
        for &(observable, exact) in rows {
            for (source, value) in [("data", 0.4), ("vae", 0.3)] {
                let row = vec![
                    observable.into(),
                    source.into(),
                    value.into(),
                    0.01.into(),
                    exact.into(),
                ];
                cells.push((temperature, row));
            }
        }
    }
    let table = at_temperatures(&schema::THERMODYNAMICS, cells);
    BTreeMap::from([("thermodynamics".to_owned(), table)])
}

#[test]
fn averages_stand_beside_the_exact_line() {
    let tables = averages(&[("abs_magnetisation", Some(0.4)), ("specific_heat", None)]);
    let drawing = build("thermodynamics", &tables, &axes()).unwrap();
    let charts = charts(&drawing);
    assert_eq!(labels(charts[0]), ["exact", "data", "vae"]);
    assert!(charts[0].series[0].line && charts[0].series[0].points.len() == 2);
    assert_eq!(labels(charts[1]), ["data", "vae"], "nothing exact is known");
}

#[test]
fn the_square_of_an_order_is_drawn_where_it_alone_is_known() {
    let tables = averages(&[("abs_order_norm", None), ("squared_order_norm", Some(0.2))]);
    let drawing = build("thermodynamics", &tables, &axes()).unwrap();
    assert_eq!(charts(&drawing).len(), 1);
    assert!(charts(&drawing)[0].y.label.starts_with("squared order"));
}

#[test]
fn couplings_are_drawn_over_the_truth_and_far_ones_left_out() {
    let row = |method: &str, value: f64| -> (f64, Vec<Cell>) {
        let cells = vec![
            "coupling".into(),
            method.into(),
            value.into(),
            0.1.into(),
            2.0.into(),
        ];
        (0.5, cells)
    };
    let rows = vec![row("vae_slope", 1.9), row("naive_mean_field", 5.0)];
    let table = at_temperatures(&schema::COUPLINGS, rows);
    let tables = BTreeMap::from([("couplings".to_owned(), table)]);
    let drawing = build("couplings", &tables, &axes()).unwrap();
    let chart = charts(&drawing)[0];
    let drawn: Vec<&Point> = chart.series.iter().flat_map(|one| &one.points).collect();
    assert_eq!(drawn.len(), 1);
    assert!((drawn[0].y - 0.95).abs() < 1e-12);
    assert!((drawn[0].bar.unwrap().1 - 1.0).abs() < 1e-12);
}

#[test]
fn a_map_of_overlaps_needs_two_swept_numbers() {
    let one = few_patterns();
    assert!(build("overlap_map", &one, &axes()).is_none());
    let two = ["temperature".to_owned(), "point".to_owned()];
    let drawing = build("overlap_map", &one, &two).unwrap();
    let Panel::HeatMap(map) = &drawing.panels[0] else {
        panic!("a map");
    };
    assert_eq!(map.cells.len(), 2);
    // Mean of 0.9, 0.95 and 1.
    assert!(matches!(map.cells[0].2, Colour::Place(place) if (place - 0.95).abs() < 1e-12));
}

#[test]
fn replicates_with_other_exact_values_have_lines_of_their_own() {
    let rows = |exact: f64| vec![("specific_heat", Some(exact))];
    let mut tables = averages(&rows(0.4));
    let second = averages(&rows(0.7)).remove("thermodynamics").unwrap();
    let replicate = second
        .columns()
        .iter()
        .map(|(name, column)| match name.as_str() {
            "replicate" => (name.clone(), Column::Integer(vec![1; second.rows()])),
            _ => (name.clone(), column.clone()),
        });
    let second = Table::from_columns("thermodynamics", replicate.collect()).unwrap();
    tables
        .get_mut("thermodynamics")
        .unwrap()
        .append(&second)
        .unwrap();
    let drawing = build("thermodynamics", &tables, &axes()).unwrap();
    let lines = charts(&drawing)[0].series.iter().filter(|one| one.line);
    let heights: Vec<f64> = lines.map(|line| line.points[0].y).collect();
    assert_eq!(heights, [0.4, 0.7]);
}
