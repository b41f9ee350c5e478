//! Whatever is typed, the answer is a manifest or a list of problems.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const SWEPT: &str = r#"
[sweep]
model.temperature = { start = 0.4, stop = 1.5, step = 0.1 }
model.sites = [6, 7]
vae.hidden = [[8], [16, 16]]
zip = [["model.sites", "vae.hidden"]]
exclude = [{ "model.sites" = 6, "model.temperature" = 0.4 }]

[analysis]
likelihood = {}
patterns = { encoded = 64 }

[[plot]]
name = "p"
table = "patterns"
x = "temperature"
y = "overlap"
"#;

const UNIONS: &str = r#"
[sweep]
vae.prior = ["normal", "mixture"]
table = [{ "vae.latent" = 1 }, { "vae.latent" = 2 }]
exclude = [{ "vae.latent" = [2], "vae.prior" = "normal" }]

[[sweep.union]]
model.temperature = [1, 2]

[[sweep.union]]
table = "trials.csv"
model.sites = { start = 6, stop = 8, step = 1 }

[[sweep.when]]
if = { "vae.prior" = "mixture", "model.kind" = "hopfield" }
vae.components = [2, 4]
"#;

/// Pieces that a mutation may put anywhere.
const PIECES: &[&str] = &[
    "\"",
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "#",
    "-",
    "0",
    "9",
    "1e999",
    "nan",
    "inf",
    "true",
    "start",
    "sweep",
    "model",
    "vae",
    "é",
    "2026-11-23",
    "[[plot]]\n",
    "[store]\n",
    "threads = 3\n",
    "99999999999999999999",
    "\0",
    "'''",
    "0x",
    "union",
    "when",
    "table",
    "if = ",
    "extend = \"a.toml\"\n",
    "required-version = \">=0.1\"\n",
];

/// A load never panics, never reports nothing, and marks text that exists.
fn check(sources: &Sources) {
    let Err(problems) = load(sources, CATALOGUE) else {
        return;
    };
    assert!(
        !problems.0.is_empty(),
        "refused without a problem:\n{sources:?}"
    );
    for problem in &problems.0 {
        assert!(!problem.found.is_empty() && !problem.expected.is_empty());
        assert!(problem.code.starts_with("manifest::"));
        if let Origin::File { path, span, .. } = &problem.origin {
            let texts = sources.texts();
            let text = texts.iter().find(|(known, _)| known == path);
            let marked = text.and_then(|(_, text)| text.get(span.clone()));
            assert!(marked.is_some(), "{problem:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_gives_an_answer(text in "(?s).{0,200}") {
        check(&sources(&text));
    }

    #[test]
    fn any_mutation_of_a_good_manifest_gives_an_answer(
        edits in prop::collection::vec((0..2000_usize, 0..6_usize, 0..PIECES.len()), 1..6),
        base in 0..3_usize,
        csv in prop::sample::select(vec!["vae.training.epochs,model.field\n1,0\n", "", "\"", "a\n,\n"]),
    ) {
        let texts = [RECORDING.to_owned(), format!("{MODEL}{SWEPT}"), format!("{MODEL}{UNIONS}")];
        let mut text = texts[base].clone();
        for (position, removed, piece) in edits {
            let characters: Vec<char> = text.chars().collect();
            let start = position % (characters.len() + 1);
            let end = (start + removed).min(characters.len());
            text = characters[..start].iter().collect::<String>()
                + PIECES[piece]
                + &characters[end..].iter().collect::<String>();
        }
        let trials = TableFile {
            path: "/home/someone/runs/trials.csv".into(),
            content: Ok(TableContent::Csv(csv.to_owned())),
            blake3: [0; 32],
        };
        check(&Sources { tables: vec![trials], ..sources(&text) });
    }

    #[test]
    fn any_override_gives_an_answer(
        set in "(?s).{0,40}",
        key in prop::sample::select(catalogue::sweepable_paths()),
        value in "[-\\[\\]{}=\"',.0-9a-z ]{0,20}",
        name in "[A-Z_]{0,12}",
    ) {
        let mut sources = with_sets(&format!("{MODEL}{SWEPT}"), &[&set]);
        sources.sets.push(format!("{key}={value}"));
        sources.sets.push(format!("sweep.{key}={value}"));
        sources.environment = vec![(format!("LATENTFIELD_{name}"), value)];
        check(&sources);
    }
}

#[test]
fn deep_nesting_is_refused() {
    let text = format!("x = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(bad(&sources(&text))[0].code, "manifest::syntax");
    let set = format!("vae.hidden={}", "[".repeat(100_000));
    assert_eq!(only(&with_sets(MODEL, &[&set])).code, "manifest::syntax");
    let keys = format!("{}=1", vec!["a"; 50_000].join("."));
    assert_eq!(
        only(&with_sets(MODEL, &[&keys])).code,
        "manifest::bad_override"
    );
}

#[test]
fn the_largest_sweep_is_expanded_in_seconds() {
    let sweep = "[sweep]\nsampling.samples = { start = 100, stop = 100_099, step = 1 }\n";
    let start = Instant::now();
    assert_eq!(
        good(&sources(&format!("{MODEL}{sweep}"))).points.len(),
        100_000
    );
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

/// Found by broken input: each value of each axis was checked, two by two hundred thousand.
#[test]
fn a_sweep_that_is_too_large_is_refused_at_once() {
    let axes = [
        "model.field = { start = 0.1, stop = 10, count = 100000, scale = \"log\" }",
        "model.temperature = { start = 0.1, stop = 10, count = 100000, scale = \"log\" }",
        "vae.training.gradient_clip = { start = 1, stop = 100000, step = 1 }",
        "sampling.samples = { start = 100, stop = 100099, step = 1 }",
        "sampling.test_samples = { start = 100, stop = 100099, step = 1 }",
    ];
    let text = format!("{MODEL}[sweep]\n{}\n", axes.join("\n"));
    let start = Instant::now();
    let problem = only(&sources(&text));
    assert_eq!(problem.code, "manifest::too_many_points");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn tables_of_very_many_keys_are_refused_at_once() {
    let keys = |number: usize| (0..number).map(|key| format!("k{key} = 1\n"));
    let top: String = keys(100_000).collect();
    let problem = only(&sources(&format!("{top}{MODEL}")));
    assert_eq!(problem.code, "manifest::out_of_range");
    assert!(problem.found.contains("100004 keys"), "{problem}");
    let inner = format!("{MODEL}[vae.training]\n{top}");
    let problem = only(&sources(&inner));
    assert_eq!(
        (problem.key.as_str(), line(&problem)),
        ("vae.training", 17),
        "{problem}"
    );
    // As many as are allowed, in as many tables; each looked up takes some microseconds.
    let table: String = keys(1000).collect();
    for parent in ["vae", "sweep.vae"] {
        let tables = (0..200).map(|name| format!("[{parent}.t{name}]\n{table}"));
        let text = format!("{MODEL}{}", tables.collect::<String>());
        let start = Instant::now();
        bad(&sources(&text));
        let time = start.elapsed();
        assert!(time < Duration::from_secs(6), "{parent}: {time:?}");
    }
}
