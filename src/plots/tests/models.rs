//! Figures of models side by side and of how many latents there are.

use super::recorded::{SITES, network_nats, recorded};
use super::*;

fn latent() -> Vec<String> {
    vec!["latent".to_owned()]
}

/// The made-up tables at two latents alone.
fn single() -> BTreeMap<String, Table> {
    let at_two = |(name, table): (String, Table)| {
        let latents = table.integers("latent").unwrap().to_vec();
        (name, table.filter(|row| latents[row] == 2))
    };
    recorded(1).into_iter().map(at_two).collect()
}

/// The names of a chart's vertical axis, the uppermost first.
fn names(chart: &Chart) -> Vec<&str> {
    chart
        .y
        .categories
        .iter()
        .rev()
        .map(String::as_str)
        .collect()
}

/// The mark of a model: the number of its series, its value and the ends of its bar.
fn mark(chart: &Chart, drawn: &Chart, name: &str) -> (usize, f64, Option<(f64, f64)>) {
    let names = &drawn.y.categories;
    let place = names.iter().position(|known| known == name).unwrap();
    let found = chart
        .series
        .iter()
        .enumerate()
        .find_map(|(number, series)| {
            let point = series.points.iter().find(|point| point.y == place as f64)?;
            Some((number, point.x, point.across))
        });
    found.unwrap_or_else(|| panic!("no mark of {name}"))
}

#[test]
fn a_model_that_repeats_over_the_sweep_is_drawn_once() {
    let drawing = build("models", &recorded(2), &latent()).unwrap();
    let charts = charts(&drawing);
    let expected = [
        "independent",
        "pairwise",
        "k pairwise",
        "latent trait, 1 *",
        "hopfield, 3",
        "generalised hopfield, 3",
        "stimulus",
        "train",
        "vae, 1",
        "vae, 2",
        "vae, 3",
        "vae, 4",
    ];
    assert_eq!(names(charts[0]), expected);
    let headings: Vec<&str> = charts.iter().map(|one| one.heading.as_str()).collect();
    let expected = [
        "log-likelihood",
        "pair correlations",
        "third moments",
        "KL of P(K)",
    ];
    assert_eq!(headings, expected);
    assert_eq!(charts[3].x.scale, Scale::Logarithmic);
    // Twelve models, but of the samples that were read and of the training data no
    // likelihood is known.
    let marks = |chart: &Chart| {
        chart
            .series
            .iter()
            .map(|one| one.points.len())
            .sum::<usize>()
    };
    assert_eq!((marks(charts[0]), marks(charts[1])), (10, 12));
}

#[test]
fn models_carry_their_error_and_the_mark_of_their_origin() {
    let drawing = build("models", &recorded(1), &latent()).unwrap();
    let charts = charts(&drawing);
    let (_, value, bar) = mark(charts[0], charts[0], "vae, 3");
    let nats = network_nats(3);
    assert_eq!((value, bar), (nats, Some((nats - 0.03, nats + 0.03))));
    let marker = |name: &str| {
        let number = mark(charts[1], charts[0], name).0;
        charts[1].series[number].marker
    };
    assert_eq!(marker("hopfield, 3"), marker("vae, 1"));
    let origins = [marker("vae, 1"), marker("k pairwise"), marker("train")];
    for (index, one) in origins.iter().enumerate() {
        assert!(!origins[..index].contains(one), "{origins:?}");
    }
}

#[test]
fn models_that_differ_over_another_parameter_are_told_apart() {
    let mut tables = recorded(1);
    let mut columns = tables["models"].columns().to_vec();
    let rows = tables["models"].rows();
    let words = (0..rows).map(|row| if row < rows / 2 { "linear" } else { "mlp" });
    let words: Vec<String> = words.map(str::to_owned).collect();
    // The networks differ, all else is the same for both decoders.
    for (name, column) in &mut columns {
        if let (true, Column::Integer(fields)) = (name == "fields", column) {
            for field in fields.iter_mut().filter(|field| **field != 3) {
                *field = (*field).min(1);
            }
        }
    }
    columns.push(("decoder".to_owned(), Column::Text(words)));
    let table = Table::from_columns("models", columns).unwrap();
    tables.insert("models".to_owned(), table);
    let axes = ["decoder".to_owned(), "latent".to_owned()];
    let drawing = build("models", &tables, &axes).unwrap();
    let found = names(charts(&drawing)[0]);
    assert_eq!(found.iter().filter(|name| **name == "pairwise").count(), 1);
    assert!(found.contains(&"vae, 1, decoder = linear"), "{found:?}");
    assert!(found.contains(&"vae, 1, decoder = mlp"), "{found:?}");
}

#[test]
fn without_third_moments_the_error_of_the_correlations_is_drawn() {
    let mut tables = single();
    let mut columns = tables["models"].columns().to_vec();
    for (name, column) in &mut columns {
        if let (true, Column::Number(values)) = (name == "triplet_r", column) {
            values.fill(None);
        }
    }
    let table = Table::from_columns("models", columns).unwrap();
    tables.insert("models".to_owned(), table);
    let drawing = build("models", &tables, &[]).unwrap();
    let charts = charts(&drawing);
    assert_eq!((charts.len(), charts[2].x.label.as_str()), (4, "rmse"));
}

#[test]
fn counts_of_each_model_have_a_look_of_their_own() {
    let tables = recorded(2);
    let drawing = build("model_counts", &tables, &latent()).unwrap();
    let chart = charts(&drawing)[0];
    assert_eq!(chart.y.scale, Scale::Logarithmic);
    // One curve a kind of model: that with most fields.
    let sources = tables["model_counts"].texts("model").unwrap();
    let kinds: std::collections::BTreeSet<&String> = sources.iter().collect();
    assert_eq!(chart.series.len(), kinds.len());
    let last = chart.series.last().unwrap();
    assert_eq!(
        (last.label.as_str(), last.colour),
        ("data", Colour::Category(0))
    );
    // Shapes start anew after five.
    let look = |one: &Series| (format!("{:?}", one.colour), one.marker.unwrap() % 5);
    let looks: Vec<_> = chart.series.iter().map(look).collect();
    for (index, look) in looks.iter().enumerate() {
        assert!(!looks[..index].contains(look), "{looks:?}");
    }
}

#[test]
fn correlations_have_a_panel_a_chosen_model_on_equal_axes() {
    let drawing = build("model_correlations", &recorded(2), &latent()).unwrap();
    let charts = charts(&drawing);
    let headings: Vec<&str> = charts.iter().map(|one| one.heading.as_str()).collect();
    let expected = [
        "pairwise",
        "hopfield, 3",
        "generalised hopfield, 3",
        "vae, 4",
    ];
    assert_eq!(headings, expected);
    assert_eq!(drawing.layout, Layout::Columns(2));
    for chart in &charts {
        assert_eq!(chart.guides, [Guide::Diagonal]);
        assert_eq!((chart.x.low, chart.x.high), (chart.y.low, chart.y.high));
        assert_eq!(
            (chart.x.low, chart.x.high),
            (charts[0].x.low, charts[0].x.high)
        );
        assert_eq!(
            chart.series[0].points.len(),
            (SITES * (SITES - 1) / 2) as usize
        );
    }
    // The made-up table of models says so of `pairwise`, the second: 1 - 0.2 / 2.
    assert_eq!(charts[0].notes, ["r = 0.900, rmse = 0.0020"]);
    // The axis is named once, below both rows.
    let named: Vec<bool> = charts.iter().map(|one| !one.x.label.is_empty()).collect();
    assert_eq!(named, [false, false, true, true]);
}

#[test]
fn the_gain_of_latents_is_paired_and_says_how_many_are_enough() {
    let drawing = build("latents", &recorded(2), &latent()).unwrap();
    let charts = charts(&drawing);
    assert_eq!(labels(charts[0]), ["replicate 0", "replicate 1"]);
    assert_eq!(labels(charts[1]), ["replicate 0", "replicate 1"]);
    // Quadrature does not reach four latents: a bound, drawn open.
    let filled: Vec<bool> = charts[0].series[0]
        .points
        .iter()
        .map(|one| one.filled)
        .collect();
    assert_eq!(filled, [true, true, true, false]);
    assert_eq!(charts[2].notes, ["2 are enough"]);
    let gains = &charts[2].series[0].points;
    let steps: Vec<f64> = gains.iter().map(|gain| gain.x).collect();
    assert_eq!(steps, [2.0, 3.0, 4.0]);
    for (gain, fewer) in gains.iter().zip(1..) {
        // Blocks differ by up to 0.6 nats, which pairing takes out: what is left is the
        // noise of 0.002 on each of 30 blocks, two replicates and two networks. Five
        // standard errors.
        let error = 0.002 * (2.0_f64 / 2.0 / 30.0).sqrt();
        let expected = network_nats(fewer + 1) - network_nats(fewer);
        assert!((gain.y - expected).abs() < 5.0 * error, "{gain:?}");
        let (low, high) = gain.bar.unwrap();
        let found = 0.5 * (high - low);
        // A standard error out of 30 blocks is known to 13 %; three times that.
        assert!((found / error - 1.0).abs() < 0.4, "{found} and {error}");
    }
}

#[test]
fn blocks_count_by_their_configurations() {
    let columns = vec![
        ("latent".to_owned(), Column::Integer(vec![1, 1, 2, 2])),
        ("block".to_owned(), Column::Integer(vec![0, 1, 0, 1])),
        (
            "configurations".to_owned(),
            Column::Integer(vec![100, 300, 100, 300]),
        ),
        (
            "log_likelihood_nats".to_owned(),
            numbers(&[-2.0, -3.0, -1.0, -2.5]),
        ),
        (
            "method".to_owned(),
            Column::Text(vec!["quadrature".to_owned(); 4]),
        ),
    ];
    let table = Table::from_columns("likelihood_blocks", columns).unwrap();
    let tables = BTreeMap::from([("likelihood_blocks".to_owned(), table)]);
    let drawing = build("latents", &tables, &latent()).unwrap();
    let point = charts(&drawing)[0].series[0].points[0];
    // Gains of 1 and 0.5, weights 1/4 and 3/4: mean 5/8; standard error
    // √(2 ((1/4 · 3/8)² + (3/4 · 1/8)²)) = 3/16.
    let (low, high) = point.bar.unwrap();
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
    near(point.y, 0.625);
    near(0.5 * (high - low), 0.1875);
    assert_eq!(charts(&drawing)[0].notes, ["2 still gain"]);
}

#[test]
fn numbers_of_latents_are_drawn_only_if_they_were_swept() {
    assert!(build("latents", &recorded(1), &axes()).is_none());
    assert!(build("latents", &recorded(1), &["vae.latent".to_owned()]).is_some());
}

#[test]
fn collective_variables_are_filled_as_far_as_they_count() {
    let drawing = build("collective_variables", &single(), &[]).unwrap();
    let charts = charts(&drawing);
    assert_eq!(charts[0].y.scale, Scale::Logarithmic);
    assert_eq!(charts[1].guides, [Guide::Horizontal(0.0)]);
    for chart in charts {
        let points = &chart.series[0].points;
        let filled: Vec<bool> = points.iter().map(|one| one.filled).collect();
        let counting = [true, true, false, false, false, false, false, false];
        assert_eq!(filled, counting);
        assert_eq!(points[0].x, 1.0);
    }
}
