//! Figures of information and verdict.

use super::*;

/// The leading cells of a row, and those that are given of the others.
struct Row {
    leading: Vec<(String, Cell)>,
    given: Vec<(&'static str, Cell)>,
}

/// A table of these rows, empty where nothing is given.
fn table(schema: &'static tables::TableSchema, rows: Vec<Row>) -> Table {
    let mut all: Option<Table> = None;
    for Row { leading, given } in rows {
        let cells = schema.columns.iter().map(|column| {
            let known = given.iter().find(|(name, _)| *name == column.name);
            known.map_or_else(|| empty(column.kind), |(_, cell)| cell.clone())
        });
        let mut one = Table::new(schema);
        one.push(cells.collect::<Vec<_>>()).unwrap();
        let one = one.with_leading(leading).unwrap();
        match &mut all {
            Some(all) => all.append(&one).unwrap(),
            None => all = Some(one),
        }
    }
    all.unwrap()
}

fn empty(kind: tables::Kind) -> Cell {
    match kind {
        tables::Kind::Integer => 0_u32.into(),
        tables::Kind::Number => None::<f64>.into(),
        tables::Kind::Text => "".into(),
        tables::Kind::Flag => false.into(),
    }
}

fn leading(temperature: f64, side: u32) -> Vec<(String, Cell)> {
    vec![
        ("temperature".to_owned(), temperature.into()),
        ("side".to_owned(), side.into()),
    ]
}

/// Exact halves at side 4; two estimates at side 8.
fn information() -> BTreeMap<String, Table> {
    let mut rows = Vec::new();
    for temperature in [2.0, 3.0] {
        for (side, method) in [(4, "enumeration"), (8, "active_counts"), (8, "info_nce")] {
            let given = vec![
                ("partition", "halves".into()),
                ("mutual_information_method", method.into()),
                ("mutual_information_nats", 0.5.into()),
                ("rate_nats", 1.0.into()),
                ("bound_slack_nats", 0.2.into()),
                ("bound_slack_nats_se", 0.1.into()),
            ];
            let leading = leading(temperature, side);
            rows.push(Row { leading, given });
        }
    }
    let table = table(&schema::INFORMATION, rows);
    BTreeMap::from([("information".to_owned(), table)])
}

fn axes_of_lattices() -> Vec<String> {
    vec!["temperature".to_owned(), "side".to_owned()]
}

#[test]
fn a_curve_has_one_colour_in_all_panels() {
    let drawing = build("information", &information(), &axes_of_lattices()).unwrap();
    let mut colours: BTreeMap<String, Colour> = BTreeMap::new();
    for series in charts(&drawing).iter().flat_map(|chart| &chart.series) {
        let known = colours.entry(series.label.clone()).or_insert(series.colour);
        assert_eq!(*known, series.colour, "{}", series.label);
    }
    assert_eq!(
        colours.len(),
        4,
        "rate, exact halves and two estimates: {colours:?}"
    );
    let distinct: Vec<&Colour> = colours.values().collect();
    for (index, colour) in distinct.iter().enumerate() {
        assert!(!distinct[..index].contains(colour), "{colours:?}");
    }
}

#[test]
fn sizes_stand_on_a_logarithmic_axis_and_only_if_they_were_swept() {
    let drawing = build("information_size", &information(), &axes_of_lattices()).unwrap();
    let charts = charts(&drawing);
    assert_eq!(charts.len(), 2, "a panel a temperature");
    assert!(
        charts
            .iter()
            .all(|chart| chart.x.scale == Scale::Logarithmic)
    );
    assert!(charts[0].x.label.starts_with("lattice side"));
    assert!(build("information_size", &information(), &axes()).is_none());
}

#[test]
fn the_slack_stands_over_the_line_of_the_bound() {
    let drawing = build("bound_slack", &information(), &axes_of_lattices()).unwrap();
    let chart = charts(&drawing)[0];
    assert_eq!(chart.guides, [Guide::Horizontal(0.0)]);
    assert_eq!(chart.series[0].points.len(), 6);
    assert_eq!(chart.series[0].points[0].bar, Some((0.1, 0.2 + 0.1)));
}

#[test]
fn verdicts_keep_their_colours_and_show_what_is_allowed() {
    let verdict = |name: &'static str, part: f64| {
        let given = vec![
            ("verdict", name.into()),
            ("missing_fraction", part.into()),
            ("allowed_fraction", 0.02.into()),
        ];
        let leading = leading(2.0, 4);
        Row { leading, given }
    };
    let rows = vec![verdict("not_mean_field", 0.3), verdict("mean_field", -1e-6)];
    let tables = BTreeMap::from([("verdict".to_owned(), table(&schema::VERDICT, rows))]);
    let drawing = build("verdict", &tables, &axes_of_lattices()).unwrap();
    let chart = charts(&drawing)[0];
    assert_eq!(labels(chart), ["mean field", "not mean field"]);
    assert_eq!(chart.series[1].colour, Colour::Category(3));
    assert_eq!(chart.guides, [Guide::Horizontal(0.02)]);
    // A part that is not positive has no place on the axis: it stands at its end.
    assert_eq!(chart.series[0].points[0].y, 1e-4);
}
