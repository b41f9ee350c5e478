//! Tables of points, from files and written out.

use super::grids::{assert_round_trip, rows, swept};
use super::*;

/// A sweep that names the table `runs/trials.csv` with this text.
fn with_csv(sweep: &str, csv: &str) -> Sources {
    Sources {
        tables: vec![TableFile {
            path: "/home/someone/runs/trials.csv".into(),
            content: Ok(TableContent::Csv(csv.to_owned())),
            blake3: [0; 32],
        }],
        ..swept(sweep)
    }
}

#[test]
fn rows_of_a_file_are_points_that_are_crossed() {
    let csv = "model.temperature, vae.hidden, vae.activation\n\
               # a comment\n0.5,\"[8, 9]\", relu\n\n1.5, [], tanh\n";
    let source = with_csv("table = \"trials.csv\"\nvae.latent = [1, 2]\n", csv);
    assert_eq!(
        rows(&source),
        [
            "0.5 8x9 relu 1",
            "0.5 8x9 relu 2",
            "1.5  tanh 1",
            "1.5  tanh 2"
        ]
    );
    assert_round_trip(&source);
    let expanded = good(&source).expanded;
    assert!(!expanded.contains("trials.csv"), "{expanded}");
    let member = "[[sweep.union]]\ntable = \"trials.csv\"\n[[sweep.union]]\nvae.latent = [1]\n";
    let expected = ["0.5 8x9 relu 3", "1.5  tanh 3", "0.9 64x64 tanh 1"];
    assert_eq!(rows(&with_csv(member, csv)), expected);
    assert_round_trip(&with_csv(member, csv));
}

#[test]
fn points_are_written_out_just_as_well() {
    let sweep = "table = [\n  { model.sites = 6, \"vae.latent\" = 1 },\n  \
                 { vae.latent = 2, model.sites = 8.0 },\n]\n";
    let problem = only(&swept(sweep));
    assert_eq!((&*problem.key, line(&problem)), ("model.sites", 20));
    assert_eq!(rows(&swept(&sweep.replace("8.0", "8"))), ["6 1", "8 2"]);
    for (table, code) in [
        (
            "[{ \"vae.latent\" = 1 }, { \"model.sites\" = 6 }]",
            "manifest::bad_table",
        ),
        (
            "[{ \"vae.latent\" = 1 }, { \"vae.latent\" = 2, \"model.sites\" = 6 }]",
            "manifest::bad_table",
        ),
        (
            "[{ \"vae.latent\" = 1 }, { \"vae.latent\" = 1 }]",
            "manifest::duplicate",
        ),
        // Written in two ways it is the same key.
        (
            "[{ vae.latent = 1, \"vae.latent\" = 2 }]",
            "manifest::bad_table",
        ),
        (
            "[{ vae.latent = 1 }, { vae.latent = 2, \"vae.latent\" = 3 }]",
            "manifest::bad_table",
        ),
        ("[{ \"vae.latnet\" = 1 }]", "manifest::unknown_key"),
        ("[{}]", "manifest::wrong_type"),
        ("[]", "manifest::out_of_range"),
        ("3", "manifest::wrong_type"),
        ("\"gone.csv\"", "manifest::bad_table"),
    ] {
        assert_eq!(
            only(&swept(&format!("table = {table}"))).code,
            code,
            "{table}"
        );
    }
    let keys: Vec<String> = (0..101).map(|key| format!("\"x{key}\" = 1")).collect();
    let problem = only(&swept(&format!("table = [{{ {} }}]", keys.join(", "))));
    assert_eq!(problem.found, "101 columns");
}

#[test]
fn mistakes_of_a_file_are_marked_in_it() {
    for (csv, code, place) in [
        ("vae.latnet\n1\n", "manifest::unknown_key", "1:1"),
        ("vae.latent\n1\nmany\n", "manifest::wrong_type", "3:1"),
        (
            "model.sites,vae.latent\n6,1\n8, 99\n",
            "manifest::out_of_range",
            "3:4",
        ),
        (
            "model.sites,vae.latent\n6,1\n8\n",
            "manifest::bad_table",
            "3:1",
        ),
        ("model.sites,vae.latent\n6,\n", "manifest::bad_table", "2:3"),
        ("vae.latent,vae.latent\n1,2\n", "manifest::bad_table", "1:1"),
        ("vae.latent\n", "manifest::bad_table", "1:1"),
        ("", "manifest::bad_table", "1:1"),
        ("vae.latent\n1\n2\n1\n", "manifest::duplicate", "4:1"),
        // Line ends of other systems, comments and empty lines are none of a row.
        ("vae.latent\r\n1\r\n99\r\n", "manifest::out_of_range", "3:1"),
        (
            "model.sites,vae.latent\r\n6,1\r\n8\r\n",
            "manifest::bad_table",
            "3:1",
        ),
        (
            "# why\n\nmodel.sites,vae.latent\n# one\n6,1\n\n# two\n# three\n8, 99\n",
            "manifest::out_of_range",
            "9:4",
        ),
        (
            "\r\n# why\r\nvae.latent,vae.latnet\r\n1,2\r\n",
            "manifest::unknown_key",
            "3:12",
        ),
        ("vae.latent\n1\n\n2\n# 2\n1\n", "manifest::duplicate", "6:1"),
        (
            "\u{feff}# why\nvae.latent\n99\n",
            "manifest::out_of_range",
            "3:1",
        ),
    ] {
        let problem = only(&with_csv("table = \"trials.csv\"", csv));
        let expected = format!("/home/someone/runs/trials.csv:{place}");
        assert_eq!(
            (problem.code, problem.origin.to_string()),
            (code, expected),
            "{csv}"
        );
        // What is marked lies in one line.
        if let Origin::File { span, .. } = problem.origin {
            assert!(!csv[span].contains(['\r', '\n']), "{csv:?}");
        }
    }
    let help = |csv: &str| only(&with_csv("table = \"trials.csv\"", csv)).help;
    let expected = Some("did you mean `vae.latent`?".to_owned());
    assert_eq!(help("vae.latnet\n1\n"), expected);
    // A required key that is a column of a bad table is not missing as well.
    let text = MODEL.replace("temperature = 0.9\n", "");
    let mut source = with_csv("", "model.temperature\ncold\n");
    source.text = format!("{text}[sweep]\ntable = \"trials.csv\"\n");
    assert_eq!(only(&source).code, "manifest::wrong_type");
}

#[test]
fn rows_of_a_file_without_lines_are_counted() {
    let source = |rows: Vec<Vec<PointCell>>| Sources {
        tables: vec![TableFile {
            path: "/home/someone/runs/trials.parquet".into(),
            content: Ok(TableContent::Rows(PointTable {
                columns: vec!["vae.latent".to_owned(), "model.temperature".to_owned()],
                rows,
            })),
            blake3: [0; 32],
        }],
        ..swept("table = \"trials.parquet\"")
    };
    let row =
        |latent, temperature| vec![PointCell::Integer(latent), PointCell::Number(temperature)];
    assert_eq!(
        rows(&source(vec![row(1, 0.5), row(2, 1.0)])),
        ["1 0.5", "2 1"]
    );
    assert_round_trip(&source(vec![row(1, 0.5), row(2, 1.0)]));
    let problem = only(&source(vec![row(1, 0.5), row(2, -1.0)]));
    assert_eq!(
        problem.to_string(),
        "/home/someone/runs/trials.parquet: row 2: `model.temperature`: found `-1.0`, expected a \
         finite number above 0"
    );
    let mut misspelt = source(vec![row(1, 0.5)]);
    if let Ok(TableContent::Rows(table)) = &mut misspelt.tables[0].content {
        table.columns[0] = "vae.latnet".to_owned();
    }
    let problem = only(&misspelt);
    assert_eq!(
        (problem.origin.to_string().as_str(), problem.help.as_deref()),
        (
            "/home/someone/runs/trials.parquet: header",
            Some("did you mean `vae.latent`?")
        )
    );
}

#[test]
fn paths_in_a_table_count_from_it() {
    let text = RECORDING.replace("path = \"data/cells.npy\"\n", "");
    let mut source = with_csv("", "recording.path\na.npy\n/b.npy\n");
    source.text = format!("{text}[sweep]\ntable = \"trials.csv\"\n");
    let paths: Vec<String> = good(&source)
        .points
        .iter()
        .map(|point| match &point.system {
            System::Recording(recording) => recording.path.display().to_string(),
            System::Model { .. } => panic!("a recording"),
        })
        .collect();
    assert_eq!(paths, ["/home/someone/runs/a.npy", "/b.npy"]);
    let expanded = good(&source).expanded;
    assert!(
        expanded.contains("\"/home/someone/runs/a.npy\""),
        "{expanded}"
    );
}

#[test]
fn axes_of_a_table_that_is_not_read_are_a_problem_and_no_more() {
    let problems = bad(&swept("recording.bins = [\"0:1\", \"1:2\"]"));
    let conflict =
        |problem: &Problem| (problem.code, &*problem.key) == ("manifest::conflict", "model");
    assert!(problems.iter().any(conflict), "{problems:#?}");
}
