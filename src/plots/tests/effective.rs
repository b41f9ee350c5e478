//! Figures of the effective model, of the landscape and of the movie.

use super::recorded::{BINS, MINIMA, SITES, recorded};
use super::*;

fn latent() -> Vec<String> {
    vec!["latent".to_owned()]
}

/// The made-up tables at `latents` alone.
fn at(latents: i64) -> BTreeMap<String, Table> {
    let keep = |(name, table): (String, Table)| {
        let all = table.integers("latent").unwrap().to_vec();
        (name, table.filter(|row| all[row] == latents))
    };
    recorded(1).into_iter().map(keep).collect()
}

fn heat_map(panel: &Panel) -> &HeatMap {
    match panel {
        Panel::HeatMap(map) => map,
        _ => panic!("no heat map"),
    }
}

#[test]
fn loadings_are_sorted_by_the_first_pattern_and_stand_beside_the_truth() {
    let tables = at(2);
    let drawing = build("effective_patterns", &tables, &[]).unwrap();
    let charts = charts(&drawing);
    assert_eq!((charts.len(), drawing.layout), (2, Layout::Columns(1)));
    let table = &tables["effective_sites"];
    let (values, truth) = (
        table.numbers("value").unwrap(),
        table.numbers("exact").unwrap(),
    );
    let [exact, found] = &charts[0].series[..] else {
        panic!("two series")
    };
    let mut first: Vec<f64> = values[..SITES as usize].iter().flatten().copied().collect();
    first.sort_by(|a, b| b.total_cmp(a));
    for (rank, value) in first.iter().enumerate() {
        let point = found
            .points
            .iter()
            .find(|one| one.x == rank as f64)
            .unwrap();
        assert_eq!(
            (point.y, point.bar),
            (*value, Some((value - 0.1, value + 0.1)))
        );
    }
    // A mark of the truth stands where that of its site does, in both patterns.
    for (chart, from) in charts.iter().zip([0, SITES as usize]) {
        for (row, (exact, found)) in chart.series[0]
            .points
            .iter()
            .zip(&chart.series[1].points)
            .enumerate()
        {
            assert_eq!(exact.x, found.x);
            assert_eq!(
                (Some(exact.y), Some(found.y)),
                (truth[from + row], values[from + row])
            );
        }
    }
    assert!(exact.marker != found.marker && exact.colour != found.colour);
}

#[test]
fn a_pattern_that_is_not_stable_is_open_and_says_so() {
    let drawing = build("effective_patterns", &at(2), &[]).unwrap();
    let charts = charts(&drawing);
    assert_eq!(
        charts[1].heading,
        "pattern 2, not stable, returned by 40 % of bootstraps and 100 % of starts, \
         overlap 0.970 with the true one"
    );
    assert!(!charts[0].heading.contains("not stable"));
    for (chart, stable) in charts.iter().zip([true, false]) {
        assert!(
            chart.series[1]
                .points
                .iter()
                .all(|one| one.filled == stable)
        );
    }
}

#[test]
fn the_potential_stands_over_the_density_of_the_data() {
    let drawing = build("collective_potential", &at(2), &[]).unwrap();
    let charts = charts(&drawing);
    assert_eq!((charts.len(), drawing.layout), (4, Layout::Columns(2)));
    assert_eq!(labels(charts[0]), ["best quadratic", "G(u)"]);
    assert_eq!(labels(charts[2]), ["data"]);
    assert_eq!(
        (charts[0].heading.as_str(), charts[1].heading.as_str()),
        ("pattern 1", "pattern 2")
    );
    assert_eq!(
        (charts[0].x.low, charts[0].x.high),
        (charts[2].x.low, charts[2].x.high)
    );
    assert_eq!(
        (charts[0].x.label.as_str(), charts[2].x.label.as_str()),
        ("", "variable u")
    );
    assert_eq!(charts[2].y.label, "density of the data");
}

#[test]
fn the_ends_of_a_sweep_have_panels_of_their_own() {
    let tables = recorded(1);
    let drawing = build("effective_patterns", &tables, &latent()).unwrap();
    let headings: Vec<&str> = charts(&drawing)
        .iter()
        .map(|one| &one.heading[..21])
        .collect();
    assert_eq!(
        headings,
        [
            "latent = 1, pattern 1",
            "latent = 4, pattern 1",
            "latent = 4, pattern 2"
        ]
    );
    for name in ["landscape", "basin_patterns"] {
        let drawing = build(name, &tables, &latent()).unwrap();
        let headings: Vec<&str> = drawing
            .panels
            .iter()
            .map(|one| heat_map(one).heading.as_str())
            .collect();
        assert_eq!(headings, ["latent = 1", "latent = 4"], "{name}");
    }
    assert_eq!(build("movie", &tables, &latent()).unwrap().panels.len(), 6);
    let stimulus = build("stimulus", &tables, &latent()).unwrap();
    assert_eq!(labels(charts(&stimulus)[0]), ["latent = 1", "latent = 4"]);
}

#[test]
fn the_landscape_shows_where_data_are_and_numbers_its_minima() {
    let tables = at(2);
    let drawing = build("landscape", &tables, &[]).unwrap();
    let map = heat_map(&drawing.panels[0]);
    let energies = tables["landscape"].numbers("energy_nats").unwrap();
    let known = energies.iter().flatten();
    assert_eq!(map.cells.len(), known.clone().count());
    assert!(map.cells.len() < energies.len());
    let marks: Vec<_> = (1..)
        .zip(MINIMA)
        .map(|(basin, (x, y))| (x, y, basin))
        .collect();
    assert_eq!(map.marks, marks);
    let bar = drawing.colour_bar.unwrap();
    let lowest = known.copied().fold(f64::INFINITY, f64::min);
    assert_eq!(
        (bar.axis.low, bar.axis.label.as_str()),
        (lowest, "energy −ln p (nats)")
    );
}

#[test]
fn the_landscape_of_one_latent_is_a_curve() {
    let columns = vec![
        ("point".to_owned(), Column::Integer(vec![0; 3])),
        ("x".to_owned(), numbers(&[1.0, 0.0, 2.0])),
        ("y".to_owned(), numbers(&[0.0; 3])),
        (
            "energy_nats".to_owned(),
            Column::Number(vec![Some(3.0), Some(1.0), None]),
        ),
    ];
    let landscape = Table::from_columns("landscape", columns).unwrap();
    let columns = vec![
        ("point".to_owned(), Column::Integer(vec![0; 1])),
        ("basin".to_owned(), Column::Integer(vec![1])),
        ("x".to_owned(), numbers(&[0.0])),
        ("y".to_owned(), numbers(&[0.0])),
        ("energy_nats".to_owned(), numbers(&[1.0])),
    ];
    let basins = Table::from_columns("basins", columns).unwrap();
    let tables = BTreeMap::from([
        ("landscape".to_owned(), landscape),
        ("basins".to_owned(), basins),
    ]);
    let drawing = build("landscape", &tables, &[]).unwrap();
    let chart = charts(&drawing)[0];
    assert_eq!(labels(chart), ["", "basin 1"]);
    assert_eq!(
        chart.series[0].points,
        [Point::new(0.0, 1.0), Point::new(1.0, 3.0)]
    );
    assert_eq!(chart.series[1].points, [Point::new(0.0, 1.0)]);
    assert_eq!(drawing.colour_bar, None);
}

/// Two basins and three sites, of which the last is as active in both.
fn few_basin_sites() -> BTreeMap<String, Table> {
    let columns = vec![
        ("point".to_owned(), Column::Integer(vec![0; 6])),
        ("basin".to_owned(), Column::Integer(vec![1, 1, 1, 2, 2, 2])),
        ("site".to_owned(), Column::Integer(vec![0, 1, 2, 0, 1, 2])),
        ("rate".to_owned(), numbers(&[0.1, 0.4, 0.2, 0.4, 0.0, 0.21])),
        (
            "rate_se".to_owned(),
            numbers(&[0.01, 0.01, 0.01, 0.01, 0.01, 0.01]),
        ),
        ("overall_rate".to_owned(), numbers(&[0.2; 6])),
    ];
    let table = Table::from_columns("basin_sites", columns).unwrap();
    BTreeMap::from([("basin_sites".to_owned(), table)])
}

#[test]
fn basins_show_ratios_of_rates_on_a_scale_that_is_white_at_one() {
    let drawing = build("basin_patterns", &few_basin_sites(), &[]).unwrap();
    let bar = drawing.colour_bar.as_ref().unwrap();
    // A rate of 0 stands at the end of the scale, 2 to the power of -4.
    assert_eq!(
        (bar.axis.low, bar.axis.high, bar.diverging),
        (-4.0, 4.0, true)
    );
    let map = heat_map(&drawing.panels[0]);
    assert_eq!(map.y.categories, ["basin 2", "basin 1"]);
    // Ranks: site 1 (basin 1), site 2 (as active in both: the first), site 0 (basin 2).
    let colour = |rank: f64, place: f64| {
        let cell = map
            .cells
            .iter()
            .find(|cell| (cell.0, cell.1) == (rank, place));
        cell.unwrap().2
    };
    // log₂ of 2 and of 1/2 over 4.
    assert_eq!(colour(0.0, 1.0), Colour::Balance(0.25));
    assert_eq!(colour(2.0, 1.0), Colour::Balance(-0.25));
    assert_eq!(colour(1.0, 0.0), Colour::Balance(0.0));
    assert_eq!(colour(0.0, 0.0), Colour::Balance(-1.0));
}

#[test]
fn along_the_movie_all_panels_share_the_time() {
    let drawing = build("movie", &at(2), &[]).unwrap();
    assert_eq!(
        (drawing.panels.len(), drawing.layout),
        (3, Layout::Columns(1))
    );
    let map = heat_map(&drawing.panels[0]);
    assert_eq!(map.cells.len(), 3 * BINS as usize);
    assert_eq!(map.y.categories, ["basin 3", "basin 2", "basin 1"]);
    let charts = charts(&drawing);
    assert_eq!(labels(charts[0]), ["collective 1", "collective 2"]);
    assert!(
        charts[0]
            .series
            .iter()
            .all(|one| one.line && one.marker.is_none())
    );
    assert!(
        charts[0].series[0]
            .points
            .iter()
            .all(|one| one.bar.is_some())
    );
    for chart in &charts {
        assert_eq!((chart.x.low, chart.x.high), (map.x.low, map.x.high));
    }
    // Bins of 20 ms, the last at 299 × 20 ms.
    assert_eq!(charts[1].series[0].points.last().unwrap().x, 5.98);
    assert_eq!(charts[1].x.label, "time within the movie (s)");
    assert_eq!((map.x.label.as_str(), charts[0].x.label.as_str()), ("", ""));
}

#[test]
fn a_movie_without_times_is_drawn_against_its_bins() {
    let mut tables = at(2);
    let mut columns = tables["movie"].columns().to_vec();
    for (name, column) in &mut columns {
        if let (true, Column::Number(values)) = (name == "time_ms", column) {
            values.fill(None);
        }
    }
    tables.insert(
        "movie".to_owned(),
        Table::from_columns("movie", columns).unwrap(),
    );
    let drawing = build("movie", &tables, &[]).unwrap();
    let chart = charts(&drawing)[1];
    assert_eq!(chart.x.label, "time bin within the movie");
    assert_eq!(
        chart.series[0].points.last().unwrap().x,
        f64::from(BINS - 1)
    );
}

#[test]
fn what_the_stimulus_explains_has_a_bar_a_variable() {
    let drawing = build("stimulus", &at(2), &[]).unwrap();
    let chart = charts(&drawing)[0];
    let names: Vec<&str> = chart
        .y
        .categories
        .iter()
        .rev()
        .map(String::as_str)
        .collect();
    let expected = [
        "collective 1",
        "collective 2",
        "basin 1",
        "basin 2",
        "basin 3",
        "active count",
    ];
    assert_eq!(names, expected);
    let first = chart.series[0].points[0];
    assert_eq!(
        (first.x, first.y, first.across),
        (0.6, 5.0, Some((0.6 - 0.03, 0.6 + 0.03)))
    );
    assert!(chart.x.low <= 0.0 && chart.x.high >= 1.0);
}
