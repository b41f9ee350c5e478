//! What is drawn, compared as data, and that it becomes a picture.

#![expect(
    clippy::float_cmp,
    reason = "values are copied from tables, not computed"
)]

mod effective;
mod information;
mod models;
mod recorded;
mod synthetic;
mod theory;

use std::collections::BTreeMap;

use super::*;
use crate::tables::{self, Cell, Column, Table, schema};
use recorded::recorded;
use synthetic::{recording, sweep};

fn axes() -> Vec<String> {
    vec!["temperature".to_owned()]
}

fn build(name: &str, tables: &BTreeMap<String, Table>, axes: &[String]) -> Option<Drawing> {
    let figure = figures().iter().find(|figure| figure.name == name).unwrap();
    figure
        .build(&FigureInput {
            tables,
            title: "made up",
            axes,
        })
        .unwrap()
}

fn charts<'a>(drawing: &'a Drawing) -> Vec<&'a Chart> {
    let chart = |panel: &'a Panel| match panel {
        Panel::Chart(chart) => Some(chart),
        _ => None,
    };
    drawing.panels.iter().filter_map(chart).collect()
}

fn labels(chart: &Chart) -> Vec<&str> {
    chart
        .series
        .iter()
        .map(|series| series.label.as_str())
        .collect()
}

/// Patterns at two temperatures with overlaps that are easy to average.
fn few_patterns() -> BTreeMap<String, Table> {
    let mut all: Option<Table> = None;
    for (point, temperature) in [(0_u32, 0.5), (1, 1.0)] {
        let mut table = Table::new(&schema::PATTERNS);
        for (pattern, overlap) in [(0_u32, 0.9), (1, 0.95), (2, 1.0)] {
            for (method, factor) in [("vae", 1.0), ("correlations", 0.5)] {
                let overlap = overlap * factor;
                table
                    .push([
                        pattern.into(),
                        method.into(),
                        overlap.into(),
                        0.0.into(),
                        0.0.into(),
                        "".into(),
                    ])
                    .unwrap();
            }
        }
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
    BTreeMap::from([("patterns".to_owned(), all.unwrap())])
}

#[test]
fn overlaps_are_averaged_over_patterns_with_their_range() {
    let drawing = build("overlap", &few_patterns(), &axes()).unwrap();
    assert_eq!(drawing.title, "made up: patterns read off the network");
    let chart = charts(&drawing)[0];
    assert_eq!(chart.x.label, "temperature / J");
    assert_eq!(chart.y.label, "overlap with the true pattern");
    assert_eq!(labels(chart), ["vae", "correlations"]);
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
    for (series, factor) in chart.series.iter().zip([1.0, 0.5]) {
        assert_eq!(
            series
                .points
                .iter()
                .map(|point| point.x)
                .collect::<Vec<_>>(),
            [0.5, 1.0]
        );
        for point in &series.points {
            let (low, high) = point.bar.unwrap();
            near(point.y, 0.95 * factor);
            near(low, 0.9 * factor);
            near(high, factor);
        }
    }
    assert!(chart.y.low < 0.45 && chart.y.high > 1.0, "{:?}", chart.y);
    assert!(chart.series[0].shift != chart.series[1].shift);
}

#[test]
fn without_a_sweep_the_horizontal_axis_is_the_point() {
    let drawing = build("overlap", &few_patterns(), &[]).unwrap();
    assert_eq!(charts(&drawing)[0].x.label, "sweep point");
    assert_eq!(charts(&drawing)[0].series[0].points[1].x, 1.0);
}

#[test]
fn a_second_swept_parameter_makes_series_of_its_own() {
    let tables = few_patterns();
    let axes = ["temperature".to_owned(), "point".to_owned()];
    let drawing = build("overlap", &tables, &axes).unwrap();
    let expected = [
        "vae, point = 0",
        "vae, point = 1",
        "correlations, point = 0",
        "correlations, point = 1",
    ];
    assert_eq!(labels(charts(&drawing)[0]), expected);
}

#[test]
fn a_swept_word_becomes_categories() {
    let mut tables = few_patterns();
    let words = vec!["mlp", "linear"]
        .into_iter()
        .flat_map(|word| vec![word.to_owned(); 6]);
    let mut columns = tables["patterns"].columns().to_vec();
    columns.push(("decoder".to_owned(), Column::Text(words.collect())));
    tables.insert(
        "patterns".to_owned(),
        Table::from_columns("patterns", columns).unwrap(),
    );
    let drawing = build("overlap", &tables, &["decoder".to_owned()]).unwrap();
    let chart = charts(&drawing)[0];
    assert_eq!(chart.x.categories, ["mlp", "linear"]);
    assert_eq!(
        chart.series[0]
            .points
            .iter()
            .map(|point| point.x)
            .collect::<Vec<_>>(),
        [0.0, 1.0]
    );
}

#[test]
fn the_gap_has_a_series_a_replicate_and_a_line_at_zero() {
    let tables = sweep();
    let drawing = build("gap", &tables, &axes()).unwrap();
    let chart = charts(&drawing)[0];
    assert_eq!(labels(chart), ["replicate 0", "replicate 1"]);
    assert_eq!(
        chart.y.label,
        "gap to the exact model (nats per configuration)"
    );
    assert_eq!(chart.guides, [Guide::Horizontal(0.0)]);
    assert!(chart.y.low < 0.0);
    let table = &tables["likelihood"];
    let gaps = table.numbers("paired_gap_nats").unwrap();
    let errors = table.numbers("paired_gap_nats_se").unwrap();
    for (series, first) in chart.series.iter().zip(0..) {
        assert_eq!(series.points.len(), 12);
        for (index, point) in series.points.iter().enumerate() {
            let (gap, error) = (
                gaps[2 * index + first].unwrap(),
                errors[2 * index + first].unwrap(),
            );
            assert_eq!(
                (point.y, point.bar),
                (gap, Some((gap - error, gap + error)))
            );
        }
    }
}

#[test]
fn the_spectrum_marks_what_is_effective_and_colours_by_temperature() {
    let drawing = build("spectrum", &sweep(), &axes()).unwrap();
    let bar = drawing.colour_bar.as_ref().unwrap();
    assert_eq!(
        (bar.axis.label.as_str(), bar.axis.low, bar.axis.high),
        ("temperature / J", 0.4, 1.5)
    );
    let charts = charts(&drawing);
    assert_eq!(charts[0].heading, "latents of the test data");
    assert_eq!(charts[1].heading, "latents drawn from the prior");
    for chart in charts {
        assert_eq!(
            (chart.y.scale, chart.x.label.as_str()),
            (Scale::Logarithmic, "component")
        );
        assert_eq!(chart.series.len(), 12);
        assert_eq!(chart.series[0].colour, Colour::Place(0.0));
        assert_eq!(chart.series[11].colour, Colour::Place(1.0));
        let filled = chart.series[0]
            .points
            .iter()
            .filter(|point| point.filled)
            .count();
        assert_eq!(filled, 3);
    }
}

#[test]
fn learning_curves_share_their_range_and_mark_the_best_epoch() {
    let drawing = build("learning_curves", &sweep(), &axes()).unwrap();
    let charts = charts(&drawing);
    assert_eq!(
        (charts[0].y.low, charts[0].y.high),
        (charts[1].y.low, charts[1].y.high)
    );
    assert_eq!(charts[0].y.label, "ELBO (nats per configuration)");
    let marks: Vec<&Series> = charts[1].series.iter().filter(|one| !one.line).collect();
    assert_eq!(marks.len(), 12);
    assert!(
        marks
            .iter()
            .all(|one| one.points.len() == 1 && one.points[0].x == 28.0)
    );
}

#[test]
fn wrong_sites_are_those_that_differ_from_the_truth() {
    let columns = vec![
        ("pattern".to_owned(), Column::Integer(vec![0; 4])),
        ("site".to_owned(), Column::Integer(vec![0, 1, 2, 3])),
        ("exact".to_owned(), numbers(&[1.0, -1.0, 1.0, -1.0])),
        ("vae".to_owned(), numbers(&[1.0, 1.0, 1.0, 1.0])),
        ("correlations".to_owned(), Column::Number(vec![None; 4])),
        ("point".to_owned(), Column::Integer(vec![0; 4])),
    ];
    let table = Table::from_columns("pattern_sites", columns).unwrap();
    let tables = BTreeMap::from([("pattern_sites".to_owned(), table)]);
    let drawing = build("patterns", &tables, &[]).unwrap();
    let Panel::Stripes(stripes) = &drawing.panels[0] else {
        panic!("no stripes")
    };
    let labels: Vec<&str> = stripes.rows.iter().map(|row| row.label.as_str()).collect();
    assert_eq!(labels, ["pattern 0: true", "vae"]);
    assert_eq!(stripes.rows[1].sites, [Some(true); 4]);
    assert_eq!(
        (&stripes.rows[0].wrong[..], &stripes.rows[1].wrong[..]),
        (&[][..], &[1, 3][..])
    );
}

fn numbers(values: &[f64]) -> Column {
    Column::Number(values.iter().copied().map(Some).collect())
}

#[test]
fn patterns_are_shown_at_the_lowest_and_the_highest_temperature() {
    let drawing = build("patterns", &sweep(), &axes()).unwrap();
    let heading = |panel: &Panel| match panel {
        Panel::Stripes(stripes) => stripes.heading.clone(),
        _ => String::new(),
    };
    let headings: Vec<String> = drawing.panels.iter().map(heading).collect();
    assert_eq!(headings, ["temperature = 0.4", "temperature = 1.5"]);
}

#[test]
fn models_stand_against_data_with_the_numbers_of_the_statistics() {
    let tables = recording();
    let drawing = build("correlations", &tables, &[]).unwrap();
    let chart = charts(&drawing)[0];
    assert_eq!(labels(chart), ["independent", "vae"]);
    assert_eq!(chart.guides, [Guide::Diagonal]);
    assert_eq!((chart.x.low, chart.x.high), (chart.y.low, chart.y.high));
    assert_eq!(chart.x.label, "correlation of a pair of sites, data");
    // The statistics of the made-up recording say so.
    let notes = [
        "vae: r = 0.930, rmse = 0.012",
        "independent: r = 0.020, rmse = 0.012",
    ];
    assert_eq!(chart.notes, notes);
    assert!(
        chart
            .series
            .iter()
            .all(|series| series.points.len() == 50 * 49 / 2)
    );
    let triplets = build("triplets", &tables, &[]).unwrap();
    assert_eq!(
        charts(&triplets)[0].notes,
        ["vae: r = 0.930", "independent: r = 0.020"]
    );
}

#[test]
fn rates_pair_each_site_with_itself() {
    let tables = recording();
    let drawing = build("rates", &tables, &[]).unwrap();
    let rates = tables["rates"].numbers("rate").unwrap();
    let vae = &charts(&drawing)[0].series[1];
    // The table holds 50 sites of the data, then 50 of the network.
    for (site, point) in vae.points.iter().enumerate() {
        assert_eq!(
            (Some(point.x), Some(point.y)),
            (rates[site], rates[50 + site])
        );
    }
    assert_eq!(vae.points.len(), 50);
}

#[test]
fn the_number_of_active_sites_is_drawn_on_a_logarithmic_axis() {
    let drawing = build("active_count", &recording(), &[]).unwrap();
    let chart = charts(&drawing)[0];
    assert_eq!(labels(chart), ["data", "vae", "independent"]);
    assert_eq!(
        (chart.y.scale, chart.y.label.as_str()),
        (Scale::Logarithmic, "probability P(K)")
    );
    let points = |series: usize| &chart.series[series].points;
    assert_eq!((points(0).len(), points(1).len()), (22, 22));
    // What the exact model says of counts rarer than a tenth of the rarest seen
    // is left out, and nothing else.
    let seen = points(0).iter().chain(points(1)).map(|point| point.y);
    let rarest = seen.fold(f64::INFINITY, f64::min);
    let tables = recording();
    let all = &tables["active_count"];
    let sources = all.texts("source").unwrap();
    let shown = all.numbers("probability").unwrap().iter().zip(sources);
    let shown = shown
        .filter(|(p, source)| *source == "independent" && p.is_some_and(|p| p >= 0.1 * rarest));
    let shown = shown.count();
    assert!(points(2).len() == shown && (1..22).contains(&shown));
}

#[test]
fn the_latent_map_has_a_cell_a_bin() {
    let tables = recording();
    let drawing = build("latent_map", &tables, &[]).unwrap();
    let Panel::HeatMap(map) = &drawing.panels[0] else {
        panic!("no map")
    };
    assert_eq!(map.cells.len(), tables["latent_map"].rows());
    assert!((map.cell.0 - 0.1).abs() < 1e-9 && (map.cell.1 - 0.1).abs() < 1e-9);
    let most = *tables["latent_map"]
        .integers("samples")
        .unwrap()
        .iter()
        .max()
        .unwrap() as f64;
    assert_eq!(drawing.colour_bar.unwrap().axis.high, most);
}

#[test]
fn a_figure_without_rows_is_not_drawn() {
    let empty: BTreeMap<String, Table> = schema::catalogue()
        .iter()
        .map(|schema| (schema.name.to_owned(), Table::new(schema)))
        .collect();
    for tables in [BTreeMap::new(), empty] {
        for figure in figures() {
            assert_eq!(
                build(figure.name, &tables, &axes()),
                None,
                "figure `{}`",
                figure.name
            );
        }
    }
}

#[test]
fn every_figure_needs_tables_of_the_catalogue() {
    for figure in figures() {
        assert!(
            figure
                .tables
                .iter()
                .all(|table| schema::find(table).is_some()),
            "{}",
            figure.name
        );
    }
}

fn request(series: Option<&str>) -> PlotRequest {
    PlotRequest {
        name: "overlap_vs_temperature".to_owned(),
        title: None,
        table: "patterns".to_owned(),
        x: "temperature".to_owned(),
        y: "overlap".to_owned(),
        series: series.map(str::to_owned),
        error: None,
    }
}

#[test]
fn a_requested_plot_keeps_methods_apart() {
    let tables = few_patterns();
    let input = FigureInput {
        tables: &tables,
        title: "",
        axes: &axes(),
    };
    let drawing = request(Some("pattern")).build(&input).unwrap().unwrap();
    assert_eq!(drawing.title, "overlap vs temperature");
    let chart = charts(&drawing)[0];
    assert_eq!(
        labels(chart)[..3],
        [
            "pattern 0, vae",
            "pattern 0, correlations",
            "pattern 1, vae"
        ]
    );
    assert_eq!(chart.series[0].colour, chart.series[1].colour);
    assert!(chart.series[0].marker != chart.series[1].marker);
    assert_eq!(
        chart.series[0].points,
        [Point::new(0.5, 0.9), Point::new(1.0, 0.9)]
    );
    assert!(chart.series[0].line);
}

#[test]
fn a_requested_plot_of_what_is_not_there_names_it() {
    let tables = few_patterns();
    let input = FigureInput {
        tables: &tables,
        title: "",
        axes: &axes(),
    };
    let missing = PlotRequest {
        table: "verdict".to_owned(),
        ..request(None)
    };
    assert_eq!(
        missing.build(&input).unwrap_err().to_string(),
        "plot `overlap_vs_temperature` needs table `verdict`, which is not there; \
         tables: `patterns`"
    );
    let column = PlotRequest {
        y: "overlaps".to_owned(),
        ..request(None)
    };
    assert!(
        column
            .build(&input)
            .unwrap_err()
            .to_string()
            .contains("no column `overlaps`")
    );
}

#[test]
fn pictures_have_the_stated_size_and_are_not_blank() {
    let latent = vec!["latent".to_owned()];
    let all = [
        (sweep(), axes()),
        (recording(), Vec::new()),
        (recorded(2), latent),
        (recorded(1), Vec::new()),
    ];
    for (tables, axes) in all {
        let input = FigureInput {
            tables: &tables,
            title: "made up",
            axes: &axes,
        };
        for figure in figures() {
            let Some(bytes) = figure.draw(&input).unwrap() else {
                continue;
            };
            let (width, height, pixels) = png::decode(&bytes);
            assert_eq!((width, height), (WIDTH, HEIGHT), "figure `{}`", figure.name);
            let ink = pixels.chunks(3).filter(|pixel| *pixel != [255; 3]).count();
            let share = ink as f64 / f64::from(WIDTH * HEIGHT);
            assert!(
                (0.01..0.9).contains(&share),
                "figure `{}`: {share}",
                figure.name
            );
        }
    }
}

#[test]
fn nothing_is_cut_off_at_the_edges() {
    let title = "a title that is far too long for one line of the figure, ".repeat(3);
    let latent = vec!["latent".to_owned()];
    for (tables, axes) in [(sweep(), axes()), (recorded(1), latent)] {
        let input = FigureInput {
            tables: &tables,
            title: &title,
            axes: &axes,
        };
        for figure in figures() {
            let Some(bytes) = figure.draw(&input).unwrap() else {
                continue;
            };
            let (_, _, pixels) = png::decode(&bytes);
            let row = 3 * WIDTH as usize;
            let white = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 255);
            let columns = pixels
                .chunks(row)
                .all(|line| white(&line[..9]) && white(&line[row - 9..]));
            let rows = white(&pixels[..3 * row]) && white(&pixels[pixels.len() - 3 * row..]);
            assert!(columns && rows, "figure `{}`", figure.name);
        }
    }
}

#[test]
fn values_without_a_place_do_not_stop_a_figure() {
    let values = vec![Some(f64::INFINITY), None, Some(1e300), Some(-1e300)];
    let columns = vec![
        ("x".to_owned(), numbers(&[0.0, 1.0, 2.0, 3.0])),
        ("y".to_owned(), Column::Number(values)),
    ];
    let table = Table::from_columns("free", columns).unwrap();
    let tables = BTreeMap::from([("free".to_owned(), table)]);
    let input = FigureInput {
        tables: &tables,
        title: "",
        axes: &[],
    };
    let asked = PlotRequest {
        table: "free".to_owned(),
        x: "x".to_owned(),
        y: "y".to_owned(),
        ..request(None)
    };
    assert!(asked.draw(&input).unwrap().is_some());
    let title = |title: Option<&str>| {
        let title = title.map(str::to_owned);
        let asked = PlotRequest {
            title,
            ..asked.clone()
        };
        asked.build(&input).unwrap().unwrap().title
    };
    assert_eq!(title(None), "overlap vs temperature");
    assert_eq!(title(Some("x against y")), "x against y");
}
