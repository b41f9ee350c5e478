//! Unions of grids, tables of points and conditional axes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn swept(sweep: &str) -> Sources {
    sources(&format!("{MODEL}[sweep]\n{sweep}\n"))
}

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

/// The values of all axes of all points, as text.
fn rows(sources: &Sources) -> Vec<String> {
    let row = |point: &Point| {
        let values = point.coordinates.iter().map(|(_, value)| value.to_string());
        values.collect::<Vec<_>>().join(" ")
    };
    good(sources).points.iter().map(row).collect()
}

/// The expanded text gives the same points, and is final.
#[track_caller]
fn assert_round_trip(original: &Sources) {
    let manifest = good(original);
    let again = Sources {
        path: "/elsewhere/manifest.toml".into(),
        ..sources(&manifest.expanded)
    };
    let second = good(&again);
    assert_eq!(second.points, manifest.points, "{}", manifest.expanded);
    assert_eq!(second.axes, manifest.axes, "{}", manifest.expanded);
    assert_eq!(second.expanded, manifest.expanded);
}

const UNION: &str = "model.temperature = [1, 2]\n\
                     [[sweep.union]]\nvae.latent = [4, 5]\n\
                     [[sweep.union]]\nvae.hidden = [[8], [9]]\nvae.latent = [6, 7]\n\
                     zip = [[\"vae.hidden\", \"vae.latent\"]]\n";

#[test]
fn members_come_one_after_the_other_within_each_outer_combination() {
    let expected = [
        "1 4 64x64",
        "1 5 64x64",
        "1 6 8",
        "1 7 9",
        "2 4 64x64",
        "2 5 64x64",
        "2 6 8",
        "2 7 9",
    ];
    assert_eq!(rows(&swept(UNION)), expected);
    let manifest = good(&swept(UNION));
    let names: Vec<&str> = manifest.axes.iter().map(|axis| &*axis.name).collect();
    assert_eq!(names, ["temperature", "latent", "hidden"]);
    let hidden: Vec<String> = manifest.axes[2]
        .values
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(hidden, ["8", "9", "64x64"], "the default comes last");
    assert_eq!(
        manifest.points[2].vae.encoder_hidden,
        [8],
        "follows `hidden`"
    );
    assert_round_trip(&swept(UNION));
}

#[test]
fn an_axis_that_a_member_lacks_has_the_value_of_its_own_table() {
    // `latent = 3` stands in [vae]; the second member has it as a value too: one point.
    let union = "[[sweep.union]]\nmodel.temperature = [1, 2]\n\
                 [[sweep.union]]\nmodel.temperature = [2, 3]\nvae.latent = [3, 4]\n";
    assert_eq!(rows(&swept(union)), ["1 3", "2 3", "2 4", "3 3", "3 4"]);
    assert_round_trip(&swept(union));
    // A default equals a value of the sweep: 30 epochs.
    let union = "[[sweep.union]]\nvae.latent = [1]\n\
                 [[sweep.union]]\nvae.training.epochs = [30, 31]\nvae.latent = [1]\n";
    assert_eq!(rows(&swept(union)), ["1 30", "1 31"]);
    assert_round_trip(&swept(union));
}

#[test]
fn kinds_of_models_are_swept_with_keys_of_their_own() {
    let text = "[experiment]\nname = \"kinds\"\n[model]\ntemperature = 0.9\nsites = 6\n\
                [[sweep.union]]\nmodel.kind = [\"hopfield\"]\nmodel.patterns = [1, 2]\n\
                [[sweep.union]]\nmodel.kind = [\"curie_weiss\"]\nmodel.field = [0.5]\n";
    let expected = ["hopfield 1 0", "hopfield 2 0", "curie_weiss none 0.5"];
    assert_eq!(rows(&sources(text)), expected);
    assert_round_trip(&sources(text));
    let patterns = &good(&sources(text)).axes[1].values;
    let expected = [Scalar::Number(1.0), Scalar::Number(2.0), Scalar::Missing];
    assert_eq!(
        *patterns, expected,
        "a column of numbers, where one is missing"
    );
    // What a member needs and nobody gives is told.
    let text = text.replace("model.patterns = [1, 2]\n", "").replace(
        "model.field = [0.5]",
        "model.field = [0.5]\n[[sweep.union]]\n\
                  model.kind = [\"hopfield\"]\nmodel.patterns = [2]",
    );
    let problem = only(&sources(&text));
    assert_eq!(
        (problem.code, &*problem.key),
        ("manifest::missing_key", "model.patterns")
    );
}

#[test]
fn an_axis_exists_where_its_condition_holds() {
    let sweep = "vae.prior = [\"normal\", \"mixture\"]\nvae.latent = [1, 2]\n\
                 when = [{ if = { \"vae.prior\" = \"mixture\" }, \"vae.components\" = [2, 4] }]\n";
    let problem = only(&swept(sweep));
    assert_eq!(
        problem.code, "manifest::not_sweepable",
        "axes are nested: {problem}"
    );
    let sweep = sweep.replace("\"vae.components\"", "vae.components");
    let expected = [
        "normal 1 none",
        "normal 2 none",
        "mixture 1 2",
        "mixture 1 4",
        "mixture 2 2",
        "mixture 2 4",
    ];
    assert_eq!(rows(&swept(&sweep)), expected);
    assert_round_trip(&swept(&sweep));
    let columns: Vec<Scalar> = good(&swept(&sweep)).axes[2].values.clone();
    assert_eq!(
        columns,
        [Scalar::Number(2.0), Scalar::Number(4.0), Scalar::Missing]
    );
}

#[test]
fn conditions_name_fixed_keys_and_several_values() {
    let sweep = |value: &str| {
        swept(&format!(
            "vae.latent = [1, 2, 4]\n[[sweep.when]]\n\
             if = {{ \"vae.latent\" = [1, 4], \"model.kind\" = \"{value}\" }}\n\
             vae.training.epochs = [7, 8]\n"
        ))
    };
    assert_eq!(
        rows(&sweep("hopfield")),
        ["1 7", "1 8", "2 30", "4 7", "4 8"]
    );
    assert_eq!(rows(&sweep("curie_weiss")), ["1 30", "2 30", "4 30"]);
    assert_round_trip(&sweep("hopfield"));
    assert_round_trip(&sweep("curie_weiss"));
    // A rule may rest on the axes of a rule before it.
    let chained = "vae.decoder = [\"mlp\", \"bottleneck\"]\n\
                   [[sweep.when]]\nif = { \"vae.decoder\" = \"bottleneck\" }\nvae.fields = [1, 5]\n\
                   [[sweep.when]]\nif = { \"vae.fields\" = 5 }\nvae.latent = [3, 6]\n";
    let expected = [
        "mlp none 3",
        "bottleneck 1 3",
        "bottleneck 5 3",
        "bottleneck 5 6",
    ];
    assert_eq!(rows(&swept(chained)), expected);
    assert_round_trip(&swept(chained));
}

#[test]
fn unions_whens_and_exclusions_that_make_no_sense_are_refused() {
    let when = |condition: &str| {
        format!(
            "vae.latent = [1, 2]\n[[sweep.when]]\nif = {condition}\nvae.training.epochs = [7]\n"
        )
    };
    for (sweep, code) in [
        (
            when("{ \"vae.latent\" = 3 }").replace("latent = [1", "fields = [1"),
            "manifest::conflict",
        ),
        (when("{ \"vae.latent\" = 9 }"), "manifest::bad_when"),
        (when("{ \"vae.latnet\" = 1 }"), "manifest::bad_when"),
        (when("{ \"vae.batch\" = 1 }"), "manifest::bad_when"),
        (
            when("{ \"vae.training.patience\" = 0 }"),
            "manifest::bad_when",
        ),
        (
            when("{ \"model.sites\" = \"six\" }"),
            "manifest::wrong_type",
        ),
        (when("{}"), "manifest::wrong_type"),
        (when("3"), "manifest::wrong_type"),
        (when("{ \"vae.latent\" = [] }"), "manifest::wrong_type"),
        (
            "vae.latent = [1, 2]\n[[sweep.when]]\nvae.training.epochs = [7]\n".to_owned(),
            "manifest::missing_key",
        ),
        (
            format!("{}vae.latent = [3]\n", when("{ \"vae.latent\" = 1 }")),
            "manifest::conflict",
        ),
        (
            format!(
                "{0}[[sweep.when]]\nif = {{ \"vae.latent\" = 1 }}\nvae.training.epochs = [8]\n",
                when("{ \"vae.latent\" = 1 }")
            ),
            "manifest::conflict",
        ),
        (
            "vae.latent = [1]\n[[sweep.union]]\nvae.latent = [2]\n".to_owned(),
            "manifest::conflict",
        ),
        ("union = []\n".to_owned(), "manifest::out_of_range"),
        ("union = 3\n".to_owned(), "manifest::wrong_type"),
        ("union = [3]\n".to_owned(), "manifest::wrong_type"),
        (
            "[[sweep.union]]\nvae.latent = [1, 1]\n".to_owned(),
            "manifest::duplicate",
        ),
        (
            "[[sweep.union]]\n[[sweep.union.union]]\nvae.latent = [1]\n".to_owned(),
            "manifest::not_sweepable",
        ),
        (
            "[[sweep.unoin]]\nvae.latent = [1]\n".to_owned(),
            "manifest::not_sweepable",
        ),
        (
            "model.temperature = [1, 2]\n[[sweep.union]]\nvae.latent = [1, 2]\n\
          exclude = [{ \"model.temperature\" = 1 }]\n"
                .to_owned(),
            "manifest::unknown_word",
        ),
        (
            "model.temperature = [1, 2]\n[[sweep.union]]\nvae.latent = [1, 2]\n\
          [[sweep.union.when]]\nif = { \"model.temperature\" = 1 }\nvae.training.epochs = [7]\n"
                .to_owned(),
            "manifest::bad_when",
        ),
        // Only the other member has the value.
        (
            "[[sweep.union]]\nvae.latent = [1, 2]\nexclude = [{ \"vae.latent\" = 4 }]\n\
          [[sweep.union]]\nvae.latent = [4]\n"
                .to_owned(),
            "manifest::bad_exclude",
        ),
    ] {
        let problems = bad(&swept(&sweep));
        assert!(
            problems.iter().all(|it| it.code == code),
            "{sweep}\n{problems:#?}"
        );
    }
    let problems = bad(&swept(&when("3").replace("if = ", "iff = ")));
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["manifest::missing_key", "manifest::not_sweepable"]);
    let problem = only(&swept("[[sweep.unoin]]\nvae.latent = [1]\n"));
    assert_eq!(problem.help.as_deref(), Some("did you mean `union`?"));
}

#[test]
fn values_are_marked_in_their_member() {
    let sweep = "[[sweep.union]]\nvae.latent = [1, 0]\n[[sweep.union]]\nvae.latnet = [1]\n";
    let problems = bad(&swept(sweep));
    let found: Vec<(&str, usize)> = problems.iter().map(|it| (&*it.key, line(it))).collect();
    assert_eq!(
        found,
        [("vae.latent", 19), ("sweep.union[1].vae.latnet", 21)]
    );
}

#[test]
fn rules_of_the_sweep_see_the_axes_of_the_members() {
    let sweep = "model.temperature = [1, 2]\n\
                 exclude = [{ \"vae.latent\" = [4, 3], \"model.temperature\" = 2 }]\n\
                 [[sweep.union]]\nvae.latent = [4, 5]\n[[sweep.union]]\nvae.training.epochs = [7]\n";
    // The second member takes `latent = 3` from [vae].
    assert_eq!(rows(&swept(sweep)), ["1 4 30", "1 5 30", "1 3 7", "2 5 30"]);
    assert_round_trip(&swept(sweep));
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
    ] {
        let problem = only(&with_csv("table = \"trials.csv\"", csv));
        let expected = format!("/home/someone/runs/trials.csv:{place}");
        assert_eq!(
            (problem.code, problem.origin.to_string()),
            (code, expected),
            "{csv}"
        );
    }
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

#[test]
fn plots_may_name_the_axes_of_members() {
    let plot = "[[plot]]\nname = \"p\"\ntable = \"patterns\"\nx = \"hidden\"\ny = \"overlap\"\n";
    assert_eq!(good(&swept(&format!("{UNION}{plot}"))).plots[0].x, "hidden");
}

#[test]
fn too_many_points_are_refused_before_they_are_made() {
    let start = Instant::now();
    let range = "{ start = 100, stop = 100_099, step = 1 }";
    let member = format!("[[sweep.union]]\nsampling.samples = {range}\n");
    for sweep in [
        // 100,000 points are allowed, one more is not.
        format!("{member}[[sweep.union]]\nvae.latent = [5]\n"),
        format!(
            "sampling.samples = {range}\n[[sweep.when]]\nif = {{ \"model.kind\" = \"hopfield\" }}\n\
                 sampling.test_samples = {range}\n"
        ),
        format!(
            "[[sweep.union]]\nsampling.samples = {range}\n[[sweep.union.when]]\n\
                 if = {{ \"model.kind\" = \"hopfield\" }}\nsampling.test_samples = [10, 11]\n"
        ),
        // Ranges are short to write and long to read.
        member.repeat(10_000),
    ] {
        let problems = bad(&swept(&sweep));
        let here = problems
            .iter()
            .all(|it| it.code == "manifest::too_many_points");
        assert!(here, "{problems:#?}");
    }
    // Equal points count once, but only after they are made.
    let problem = only(&swept(&format!("{member}{member}")));
    assert!(
        problem.found.starts_with("200000 x 1 replicates"),
        "{problem}"
    );
    assert!(
        start.elapsed() < Duration::from_mins(1),
        "{:?}",
        start.elapsed()
    );
}

/// Parameters with three values each; the first is that of the table or the default.
const KEYS: [(&str, [&str; 3]); 5] = [
    ("model.temperature", ["0.9", "1.0", "2.5"]),
    ("vae.latent", ["3", "4", "5"]),
    ("vae.activation", ["\"tanh\"", "\"relu\"", "\"softplus\""]),
    ("vae.training.epochs", ["30", "40", "50"]),
    ("vae.training.batch", ["512", "64", "32"]),
];

/// A value of each key, or none.
type Assignment = [Option<usize>; 5];

/// A grid as the reference sees it.
#[derive(Debug, Clone, Default)]
struct Reference {
    /// Key and values; the first two are zipped if `zipped`.
    axes: Vec<(usize, Vec<usize>)>,
    zipped: bool,
    /// Keys and rows of a table.
    table: Option<(Vec<usize>, Vec<Vec<usize>>)>,
    members: Vec<Reference>,
    /// Condition, key and values.
    whens: Vec<((usize, usize), usize, Vec<usize>)>,
    exclusion: Option<(usize, usize)>,
}

/// Choices out of random bytes.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, limit: usize) -> usize {
        self.0.next().map_or(0, |byte| usize::from(*byte)) % limit
    }

    /// Some values of a key, in some order.
    fn values(&mut self) -> Vec<usize> {
        let mut values = vec![0, 1, 2];
        values.rotate_left(self.below(3));
        values.truncate(1 + self.below(3));
        values
    }

    fn grid(&mut self, keys: &mut Vec<usize>, is_whole: bool) -> Reference {
        let mut grid = Reference::default();
        for _ in 0..self.below(3) {
            if let Some(key) = keys.pop() {
                grid.axes.push((key, self.values()));
            }
        }
        let equal = grid.axes.len() == 2 && grid.axes[0].1.len() == grid.axes[1].1.len();
        grid.zipped = equal && self.below(2) == 0;
        if self.below(3) == 0 && !keys.is_empty() {
            let width = 1 + self.below(keys.len());
            let columns: Vec<usize> = keys.drain(..width).collect();
            let rows: BTreeSet<Vec<usize>> = (0..=self.below(4))
                .map(|_| columns.iter().map(|_| self.below(3)).collect())
                .collect();
            grid.table = Some((columns, rows.into_iter().collect()));
        }
        if is_whole && self.below(3) > 0 {
            let left = std::mem::take(keys);
            for _ in 0..=self.below(3) {
                let mut keys = left.clone();
                let turn = self.below(keys.len().max(1));
                keys.rotate_left(turn);
                grid.members.push(self.grid(&mut keys, false));
            }
        }
        grid
    }
}

impl Reference {
    fn keys(&self) -> BTreeSet<usize> {
        let mut keys: BTreeSet<usize> = self.axes.iter().map(|(key, _)| *key).collect();
        keys.extend(self.table.iter().flat_map(|(columns, _)| columns));
        keys.extend(self.members.iter().flat_map(Self::keys));
        keys
    }

    /// Pairs of a key and a value that occur in the grid without its conditions.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for (key, values) in &self.axes {
            pairs.extend(values.iter().map(|value| (*key, *value)));
        }
        if let Some((columns, rows)) = &self.table {
            for row in rows {
                pairs.extend(columns.iter().copied().zip(row.iter().copied()));
            }
        }
        pairs.extend(self.members.iter().flat_map(Self::pairs));
        pairs
    }

    /// Whether the grid has the combination, without conditions and exclusions; keys
    /// that are not of the grid do not count.
    fn has(&self, all: &Assignment) -> bool {
        let axes = if self.zipped {
            let (first, second) = (&self.axes[0], &self.axes[1]);
            let mut rows = first.1.iter().zip(&second.1);
            rows.any(|(a, b)| all[first.0] == Some(*a) && all[second.0] == Some(*b))
        } else {
            let mut axes = self.axes.iter();
            axes.all(|(key, values)| all[*key].is_some_and(|value| values.contains(&value)))
        };
        let table = self.table.as_ref().is_none_or(|(columns, rows)| {
            let row: Option<Vec<usize>> = columns.iter().map(|key| all[*key]).collect();
            row.is_some_and(|row| rows.contains(&row))
        });
        let union_keys: BTreeSet<usize> = self.members.iter().flat_map(Self::keys).collect();
        let union = self.members.is_empty()
            || self.members.iter().any(|member| {
                let keys = member.keys();
                let mut others = union_keys.difference(&keys);
                member.has(all) && others.all(|key| all[*key].is_none())
            });
        axes && table && union
    }

    fn text(&self) -> String {
        let list = |key: usize, values: &[usize]| {
            let values: Vec<&str> = values.iter().map(|value| KEYS[key].1[*value]).collect();
            format!("{} = [{}]", KEYS[key].0, values.join(", "))
        };
        let mut parts: Vec<String> = self.axes.iter().map(|(key, it)| list(*key, it)).collect();
        if self.zipped {
            let (a, b) = (KEYS[self.axes[0].0].0, KEYS[self.axes[1].0].0);
            parts.push(format!("zip = [[\"{a}\", \"{b}\"]]"));
        }
        if let Some((columns, rows)) = &self.table {
            let row = |row: &Vec<usize>| {
                let cells = columns.iter().zip(row);
                let cells =
                    cells.map(|(key, it)| format!("\"{}\" = {}", KEYS[*key].0, KEYS[*key].1[*it]));
                format!("{{ {} }}", cells.collect::<Vec<_>>().join(", "))
            };
            let rows: Vec<String> = rows.iter().map(row).collect();
            parts.push(format!("table = [{}]", rows.join(", ")));
        }
        if !self.members.is_empty() {
            let members: Vec<String> = self
                .members
                .iter()
                .map(|it| format!("{{ {} }}", it.text().replace('\n', ", ")))
                .collect();
            parts.push(format!("union = [{}]", members.join(", ")));
        }
        if !self.whens.is_empty() {
            let rule = |((key, value), axis, values): &((usize, usize), usize, Vec<usize>)| {
                let condition = format!("\"{}\" = {}", KEYS[*key].0, KEYS[*key].1[*value]);
                format!("{{ if = {{ {condition} }}, {} }}", list(*axis, values))
            };
            let rules: Vec<String> = self.whens.iter().map(rule).collect();
            parts.push(format!("when = [{}]", rules.join(", ")));
        }
        if let Some((key, value)) = self.exclusion {
            parts.push(format!(
                "exclude = [{{ \"{}\" = {} }}]",
                KEYS[key].0, KEYS[key].1[value]
            ));
        }
        parts.join("\n")
    }

    /// All points by brute force: every assignment is held against the rules. `given`
    /// says whether a key has a value in its own table.
    ///
    /// `None` if the exclusion leaves out nothing or everything.
    fn points(&self, given: [bool; 5]) -> Option<BTreeSet<[usize; 5]>> {
        let meets = |all: &Assignment, key: usize, value: usize| {
            all[key].or(given[key].then_some(0)) == Some(value)
        };
        let own = self.keys();
        let conditional: BTreeSet<usize> = self.whens.iter().map(|(_, axis, _)| *axis).collect();
        let mut kept = BTreeSet::new();
        let mut dropped = 0;
        for number in 0..4_usize.pow(5) {
            let all: Assignment =
                std::array::from_fn(|key| (number / 4_usize.pow(key as u32) % 4).checked_sub(1));
            let mut foreign = (0..5).filter(|key| !own.contains(key) && !conditional.contains(key));
            let fits = foreign.all(|key| all[key].is_none()) && self.has(&all);
            let mut whens = self.whens.iter();
            let conditions = whens.all(|((key, value), axis, values)| match all[*axis] {
                Some(chosen) => meets(&all, *key, *value) && values.contains(&chosen),
                None => !meets(&all, *key, *value),
            });
            if fits && conditions {
                match self.exclusion {
                    Some((key, value)) if meets(&all, key, value) => dropped += 1,
                    _ => drop(kept.insert(all.map(|value| value.unwrap_or(0)))),
                }
            }
        }
        let sensible = self.exclusion.is_none() || (dropped > 0 && !kept.is_empty());
        sensible.then_some(kept)
    }
}

/// A random sweep, and which keys stand in their own tables.
fn reference(bytes: &[u8]) -> (Reference, [bool; 5]) {
    let mut choices = Choices(bytes.iter());
    let mut keys: Vec<usize> = (0..5).collect();
    keys.rotate_left(choices.below(5));
    let reserved: Vec<usize> = keys.drain(..choices.below(3)).collect();
    let mut grid = choices.grid(&mut keys, true);
    let mut pairs = grid.pairs();
    let written = choices.below(2) == 0;
    for key in reserved {
        if !pairs.is_empty() {
            let condition = pairs[choices.below(pairs.len())];
            let values = choices.values();
            pairs.extend(values.iter().map(|value| (key, *value)));
            grid.whens.push((condition, key, values));
        }
    }
    if choices.below(3) == 0 && !pairs.is_empty() {
        grid.exclusion = Some(pairs[choices.below(pairs.len())]);
    }
    (grid, [true, true, written, written, written])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_sweep_has_exactly_the_points_of_its_rules(
        bytes in prop::collection::vec(any::<u8>(), 80),
    ) {
        let (grid, given) = reference(&bytes);
        let mut base = MODEL.to_owned();
        if given[2] {
            base += "activation = \"tanh\"\n[vae.training]\nepochs = 30\nbatch = 512\n";
        }
        let source = sources(&format!("{base}[sweep]\n{}\n", grid.text()));
        let Some(expected) = grid.points(given) else {
            let problem = only(&source);
            prop_assert_eq!(problem.code, "manifest::bad_exclude");
            return Ok(());
        };
        let manifest = good(&source);
        let found: Vec<[usize; 5]> = manifest.points.iter().map(|point| {
            std::array::from_fn(|key| {
                let name = KEYS[key].0.rsplit('.').next().unwrap();
                let coordinate = point.coordinates.iter().find(|(known, _)| known == name);
                coordinate.map_or(0, |(_, value)| {
                    let value = value.to_string();
                    let same = |text: &&str| {
                        let text = text.trim_matches('"');
                        text == value || text.parse::<f64>().ok() == value.parse::<f64>().ok()
                            && text.parse::<f64>().is_ok()
                    };
                    KEYS[key].1.iter().position(same).unwrap()
                })
            })
        }).collect();
        let set: BTreeSet<[usize; 5]> = found.iter().copied().collect();
        prop_assert_eq!(set.len(), found.len(), "each point once\n{}", source.text);
        prop_assert_eq!(&set, &expected, "{}", source.text);
        assert_round_trip(&source);
    }
}
