//! Which rows are compared with which.

use regex::Regex;
use serde_json::json;

use super::super::{ComparisonError, Measured};
use super::*;
use crate::tables::schema::{ACTIVE_COUNT, LIKELIHOOD, VERDICT};

/// A value without and one with an error.
fn bare(replicate: i64, temperature: f64, value: f64) -> (i64, f64, f64, Option<f64>) {
    (replicate, temperature, value, None)
}

fn barred(
    replicate: i64,
    temperature: f64,
    value: f64,
    error: f64,
) -> (i64, f64, f64, Option<f64>) {
    (replicate, temperature, value, Some(error))
}

#[test]
fn rows_are_joined_on_swept_values_whatever_their_order_and_rounding() {
    let a = couplings(&[bare(0, 0.6, 1.0), bare(0, 0.7, 2.0), bare(0, 0.8, 3.0)]);
    let b = couplings(&[
        bare(0, 0.9, 5.0),
        bare(0, 0.7, 2.0),
        bare(0, 0.1 * 6.0, 1.5),
    ]);
    let comparison = compared(a, b, &Options::default());
    let found: Vec<(String, Verdict)> = comparison
        .rows
        .iter()
        .map(|row| (row.place(), row.verdict))
        .collect();
    let place = |temperature: &str| format!("temperature = {temperature}, method = moments");
    let expected = [
        (place("0.6"), Verdict::NoErrorBar),
        (place("0.7"), Verdict::Same),
        (place("0.8"), Verdict::OnlyBaseline),
        (place("0.9"), Verdict::OnlyOther),
    ];
    assert_eq!(found, expected);
    assert_eq!(comparison.rows[0].difference, Some(0.5));
    assert_eq!(comparison.rows[0].name(), "couplings.coupling");
    assert_eq!(comparison.tests, 0);
}

#[test]
fn replicates_and_seeds_are_averaged() {
    let a = couplings(&[barred(0, 0.6, 1.0, 0.3), barred(1, 0.6, 3.0, 0.4)]);
    let b = couplings(&[barred(0, 0.6, 2.0, 0.5)]);
    let comparison = compared(a, b, &Options::default());
    let row = &comparison.rows[0];
    let Some(Measured::Number {
        mean,
        standard_error,
        replicates,
    }) = row.baseline
    else {
        panic!("{row:?}");
    };
    assert_eq!((mean, replicates), (2.0, 2));
    // The spread, 1, is larger than the errors within the runs, √(0.3² + 0.4²) / 2.
    assert!((standard_error.unwrap() - 1.0).abs() < 1e-12);
    // The other side has no replicates, so that only errors within runs can be combined.
    assert!((row.standard_error.unwrap() - (0.0625_f64 + 0.25).sqrt()).abs() < 1e-12);
    assert_eq!(row.error_source, "within runs");
    assert_eq!(row.verdict, Verdict::Undecided);
}

#[test]
fn a_parameter_swept_on_one_side_takes_its_value_from_the_other_manifest() {
    let a = couplings(&[bare(0, 0.6, 1.0), bare(0, 0.7, 2.0)]);
    let rows = couplings(&[bare(0, 0.0, 2.0)]);
    let columns = rows
        .columns()
        .iter()
        .filter(|(name, _)| name != "temperature");
    let b = Table::from_columns("couplings", columns.cloned().collect()).unwrap();
    let mut sides = [side("a", vec![a]), side("b", vec![b])];
    let unknown = compare(&sides, 0, &Options::default()).unwrap();
    assert_eq!(
        verdicts(&unknown),
        [
            Verdict::OnlyBaseline,
            Verdict::OnlyBaseline,
            Verdict::OnlyOther
        ]
    );
    assert!(unknown.notes[0].contains("`--on`"), "{:?}", unknown.notes);
    sides[0].manifest = json!({"sweep": {"model": {"temperature": [0.6, 0.7]}}});
    sides[1].manifest = json!({"model": {"temperature": 0.7}});
    for baseline in [0, 1] {
        let known = compare(&sides, baseline, &Options::default()).unwrap();
        let same: Vec<String> = known
            .rows
            .iter()
            .filter(|row| row.verdict == Verdict::Same)
            .map(Row::place)
            .collect();
        assert_eq!(same, ["temperature = 0.7, method = moments"]);
        assert!(
            known.notes[0].contains("in `b` it is 0.7"),
            "{:?}",
            known.notes
        );
    }
}

#[test]
fn other_columns_to_join_on_average_over_the_rest_and_say_so() {
    let a = couplings(&[bare(0, 0.6, 1.0), bare(0, 0.7, 3.0)]);
    let b = couplings(&[bare(0, 0.8, 2.0)]);
    let on = |names: &[&str]| Options {
        on: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..Options::default()
    };
    let comparison = compared(a.clone(), b.clone(), &on(&["method", "quantity"]));
    assert_eq!(verdicts(&comparison), [Verdict::Same]);
    assert!(
        comparison.notes[0].contains("up to 2 rows"),
        "{:?}",
        comparison.notes
    );
    let sides = [side("a", vec![a]), side("b", vec![b])];
    let error = compare(&sides, 0, &on(&["temprature"])).unwrap_err();
    assert!(
        matches!(error, ComparisonError::NoColumn { ref known, .. } if known.contains(&"temperature".to_owned()))
    );
}

#[test]
fn a_tolerance_decides_what_has_no_error_bar() {
    let a = couplings(&[
        bare(0, 0.6, 1.0),
        bare(0, 0.7, 2.0),
        bare(0, 0.8, f64::INFINITY),
    ]);
    let b = couplings(&[bare(0, 0.6, 1.125), bare(0, 0.7, 2.5), bare(0, 0.8, 1.0)]);
    let comparison = compared(a, b, &tolerating(&["coupling=0.125"]));
    assert_eq!(
        verdicts(&comparison),
        [Verdict::Same, Verdict::Differs, Verdict::Differs]
    );
    assert_eq!(comparison.rows[0].tolerance, Some(0.125));
}

/// A table whose first value has a standard error and whose last has none.
fn half_barred(last: f64) -> Table {
    let number = |value| Column::Number(vec![Some(value)]);
    let columns = [
        ("point", Column::Integer(vec![0])),
        ("replicate", Column::Integer(vec![0])),
        ("seed", Column::Text(vec!["7".to_owned()])),
        ("name", Column::Text(vec!["a".to_owned()])),
        ("first", number(1.0)),
        ("first_se", number(0.25)),
        ("last", number(last)),
    ];
    let columns = columns.map(|(name, column)| (name.to_owned(), column));
    Table::from_columns("measured", columns.to_vec()).unwrap()
}

/// In the second table `first` is known already, so that the newest value is `last`.
#[test]
fn a_value_without_an_error_takes_none_from_its_neighbour() {
    let last = |options: &Options| {
        let comparison = compared(half_barred(2.0), half_barred(2.5), options);
        let row = comparison.rows.iter().find(|row| &*row.quantity == "last");
        let row = row.unwrap();
        (row.standard_error, row.z, row.verdict)
    };
    let without = last(&Options::default());
    assert_eq!(without, (None, None, Verdict::NoErrorBar));
    // With the neighbour's error, 0.5 / (√2 · 0.25) would decide nothing.
    assert_eq!(last(&tolerating(&["last=0.25"])).2, Verdict::Differs);
    assert_eq!(last(&tolerating(&["last=1"])).2, Verdict::Same);
    let comparison = compared(half_barred(2.0), half_barred(2.0), &Options::default());
    let first = comparison.rows.iter().find(|row| &*row.quantity == "first");
    let Some(Measured::Number { standard_error, .. }) = first.unwrap().baseline else {
        panic!("{first:?}");
    };
    assert_eq!(standard_error, Some(0.25));
}

#[test]
fn a_tolerance_that_names_nothing_is_refused() {
    let sides = || {
        let table = || couplings(&[bare(0, 0.6, 1.0)]);
        [side("a", vec![table()]), side("b", vec![table()])]
    };
    let error = compare(&sides(), 0, &tolerating(&["coupling=1", "copling=1"])).unwrap_err();
    let ComparisonError::NoQuantity { name, known } = error else {
        panic!("{error}")
    };
    assert_eq!(name, "copling");
    assert!(
        known.contains(&"couplings.coupling".to_owned()),
        "{known:?}"
    );
    // One of a table that neither folder has waits for it.
    compare(&sides(), 0, &tolerating(&["likelihood.elbo_nats=1"])).unwrap();
}

#[test]
fn patterns_choose_by_table_and_quantity() {
    let table = || couplings(&[bare(0, 0.6, 1.0)]);
    let with = |keep: Option<&str>, drop: Option<&str>| Options {
        keep: keep.map(|text| Regex::new(text).unwrap()),
        drop: drop.map(|text| Regex::new(text).unwrap()),
        ..Options::default()
    };
    let count = |options: &Options| compared(table(), table(), options).rows.len();
    assert_eq!(count(&with(Some(r"^couplings\.coup"), None)), 1);
    assert_eq!(count(&with(Some("elbo"), None)), 0);
    assert_eq!(count(&with(None, Some("coupling$"))), 0);
}

fn verdict_table(word: &str, gap: f64) -> Table {
    let mut table = Table::new(&VERDICT);
    let cells = VERDICT.columns.iter().map(|column| match column.name {
        "verdict" => super::word(word),
        "gap_nats" => gap.into(),
        "gap_nats_se" => 0.25.into(),
        _ => match column.kind {
            crate::tables::Kind::Text => super::word(word),
            crate::tables::Kind::Integer => 1_i64.into(),
            _ => None.into(),
        },
    });
    table.push(cells.collect::<Vec<Cell>>()).unwrap();
    table
}

#[test]
fn words_are_compared_as_they_are_and_remarks_not_at_all() {
    let verdict = |options: &Options| {
        let (a, b) = (
            verdict_table("mean_field", 0.0),
            verdict_table("undecided", 0.0),
        );
        let comparison = compared(a, b, options);
        assert!(comparison.rows.iter().all(|row| &*row.quantity != "reason"));
        let row = comparison
            .rows
            .iter()
            .find(|row| &*row.quantity == "verdict");
        row.unwrap().verdict
    };
    assert_eq!(verdict(&Options::default()), Verdict::NoErrorBar);
    // A part of the baseline means nothing for words.
    let mut relative = Options::default();
    relative.tolerances.set_relative(0.5);
    assert_eq!(verdict(&relative), Verdict::NoErrorBar);
    assert_eq!(
        verdict(&tolerating(&["verdict.verdict=0"])),
        Verdict::Differs
    );
}

#[test]
fn a_standard_error_is_never_compared_and_a_missing_value_is_no_row() {
    let (a, b) = (
        verdict_table("mean_field", 0.0),
        verdict_table("mean_field", 2.5),
    );
    let comparison = compared(a, b, &Options::default());
    let names: Vec<&str> = comparison.rows.iter().map(|row| &*row.quantity).collect();
    assert!(
        names.contains(&"gap_nats") && !names.contains(&"gap_nats_se"),
        "{names:?}"
    );
    assert!(
        !names.contains(&"captured_nats"),
        "missing on both sides: {names:?}"
    );
    let gap = comparison.largest().unwrap();
    assert!((gap.z.unwrap() - 10.0 / 2.0_f64.sqrt()).abs() < 1e-12);
    assert_eq!(gap.verdict, Verdict::Differs);
}

#[test]
fn a_table_that_one_side_lacks_is_named_with_that_side() {
    let table = |schema| Table::new(schema);
    let sides = [
        side("a", vec![table(&LIKELIHOOD)]),
        side("b", vec![table(&ACTIVE_COUNT)]),
    ];
    let comparison = compare(&sides, 0, &Options::default()).unwrap();
    let missing = [("likelihood".to_owned(), 1), ("active_count".to_owned(), 0)];
    assert_eq!(comparison.missing_tables, missing);
    let error = compare(&sides[..1], 0, &Options::default()).unwrap_err();
    assert_eq!(error, ComparisonError::TooFew { found: 1 });
}

/// Both sides of a pair share their data: 1, 2, 3 against 1.5, 2.5, 3.5 differ by 0.5 each;
/// with a spread of the differences of 0.1 the pairs see what the means cannot.
#[test]
fn pairs_are_sharper_than_means_and_have_to_exist() {
    let values = |shift: [f64; 3]| {
        let rows: Vec<_> = (0..3_u8)
            .map(|r| bare(r.into(), 0.6, f64::from(r) + shift[usize::from(r)]))
            .collect();
        couplings(&rows)
    };
    let (a, b) = (values([0.0; 3]), values([0.5, 0.51, 0.49]));
    let paired = Options {
        paired: true,
        ..Options::default()
    };
    assert_eq!(
        verdicts(&compared(a.clone(), b.clone(), &Options::default())),
        [Verdict::Undecided]
    );
    let found = compared(a.clone(), b, &paired);
    assert_eq!(verdicts(&found), [Verdict::Differs]);
    // Standard error of 0.5, 0.51, 0.49: 0.01 / √3.
    assert!((found.rows[0].standard_error.unwrap() - 0.01 / 3.0_f64.sqrt()).abs() < 1e-12);
    let two = couplings(&[bare(0, 0.6, 1.0), bare(1, 0.6, 1.0)]);
    let sides = [side("a", vec![a]), side("b", vec![two])];
    let error = compare(&sides, 0, &paired).unwrap_err();
    assert!(error.to_string().contains("2 replicates"), "{error}");
}

#[test]
fn each_of_several_folders_is_compared_with_the_baseline() {
    let table = |value| couplings(&[barred(0, 0.6, value, 0.1)]);
    let sides = [
        side("a", vec![table(1.0)]),
        side("b", vec![table(2.0)]),
        side("c", vec![table(3.0)]),
    ];
    let comparison = compare(&sides, 1, &Options::default()).unwrap();
    let found: Vec<(usize, Option<f64>)> = comparison
        .rows
        .iter()
        .map(|row| (row.side, row.difference))
        .collect();
    assert_eq!(found, [(0, Some(-1.0)), (2, Some(1.0))]);
    assert_eq!(comparison.tests, 2);
    // Both probabilities are that of z = 10 / √2, and Holm's steps are 2 and 1.
    for row in &comparison.rows {
        assert_eq!(row.corrected_p_value, row.p_value.map(|p| 2.0 * p));
    }
}

#[test]
fn a_comparison_is_a_table_with_its_coordinates() {
    let a = couplings(&[bare(0, 0.6, 1.0), bare(0, 0.7, 2.0)]);
    let comparison = compared(a.clone(), a, &Options::default());
    let rows: Vec<&Row> = comparison.rows.iter().collect();
    let table = comparison.table(&rows).unwrap();
    assert_eq!(
        table.numbers("temperature").unwrap(),
        [Some(0.6), Some(0.7)]
    );
    assert_eq!(table.texts("method").unwrap(), ["moments", "moments"]);
    assert_eq!(table.texts("verdict").unwrap(), ["same", "same"]);
    assert_eq!(table.numbers("other_mean").unwrap(), [Some(1.0), Some(2.0)]);
}
