//! Who may name whom: the rules that keep the modules apart.
//!
//! Every file below `src` is read and the paths it names are held against the
//! tables here. Tests inside the crate may name what they like.

#[path = "architecture/examples.rs"]
mod examples;
#[path = "../build/source.rs"]
#[expect(dead_code, reason = "the build script shares it and reads more")]
mod source;

use std::path::Path;

use examples::{RIGHT, WRONG};
use source::Source;

/// What each module of the top level may name of the others.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("bits", &[]),
    ("configurations", &["bits"]),
    ("directional", &["random"]),
    ("random", &[]),
    ("elementary", &[]),
    ("fields", &["bits", "random"]),
    ("manifest", &["bits", "configurations", "random"]),
    ("plan", &["manifest", "bits", "configurations", "random"]),
    // The manifest for the profiles of clusters alone.
    (
        "engine",
        &["plan", "manifest", "bits", "configurations", "random"],
    ),
    (
        "physics",
        &["directional", "fields", "bits", "configurations", "random"],
    ),
    (
        "inference",
        &["elementary", "fields", "bits", "configurations", "random"],
    ),
    (
        "information",
        &[
            "directional",
            "fields",
            "physics",
            "inference",
            "bits",
            "configurations",
            "random",
        ],
    ),
    (
        "vae",
        &[
            "elementary",
            "directional",
            "inference",
            "bits",
            "configurations",
            "random",
        ],
    ),
    ("recording", &["bits"]),
    ("tables", &["bits", "configurations", "random"]),
    // A comparison is of tables; figures and reports of it are drawn from its own table.
    ("comparison", &["tables"]),
    ("plots", &["tables"]),
    (
        "stages",
        &[
            "manifest",
            "plan",
            "engine",
            "physics",
            "inference",
            "information",
            "vae",
            "recording",
            "tables",
            "plots",
            "fields",
            "bits",
            "configurations",
            "random",
        ],
    ),
    (
        "cli",
        &[
            "manifest",
            "plan",
            "engine",
            "physics",
            "inference",
            "information",
            "vae",
            "recording",
            "tables",
            "comparison",
            "plots",
            "stages",
            "bits",
            "configurations",
            "random",
        ],
    ),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Where a foreign crate may be named.
const CRATES: &[(&str, &[&str])] = &[
    ("burn", &["vae/"]),
    ("polars", &["tables/"]),
    ("plotters", &["plots/"]),
    ("clap", &["cli/"]),
    ("miette", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("comfy_table", &["cli/"]),
    ("figment", &["manifest/layers.rs"]),
    ("tracing_subscriber", &["main.rs"]),
];

/// Modules that are functions of their arguments and nothing else.
const PURE: &[&str] = &[
    "elementary",
    "bits",
    "configurations",
    "directional",
    "fields",
    "random",
    "physics",
    "inference",
    "comparison",
    "plan",
];

/// What these never name.
const IMPURE: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "time"],
    &["std", "env"],
    &["std", "thread"],
    &["std", "process"],
    &["tracing"],
];

/// Where `std::fs` may be named at all: the store, and those who read what a
/// user points at.
const NAMES_FILES: &[&str] = &[
    "engine/store/",
    "engine/log.rs",
    "manifest/sources.rs",
    "recording/read.rs",
    "cli/machine.rs",
    "cli/memory.rs",
];

/// The only code that makes, changes, renames or removes files.
const WRITES_FILES: &str = "engine/store/";

/// Functions and types by which files are changed, with their module or type.
const WRITING: &[[&str; 2]] = &[
    ["fs", "write"],
    ["fs", "rename"],
    ["fs", "copy"],
    ["fs", "hard_link"],
    ["fs", "remove_file"],
    ["fs", "remove_dir"],
    ["fs", "remove_dir_all"],
    ["fs", "create_dir"],
    ["fs", "create_dir_all"],
    ["fs", "set_permissions"],
    ["fs", "OpenOptions"],
    ["fs", "DirBuilder"],
    ["File", "create"],
    ["File", "create_new"],
    ["File", "options"],
    ["OpenOptions", "new"],
    ["DirBuilder", "new"],
    ["BitMapBackend", "new"],
];

/// Macros that print.
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Where printing is allowed; `main.rs` sends diagnostics of libraries to stderr.
const PRINTS: &[&str] = &["cli/", "main.rs"];

/// The only file with code that the compiler cannot check.
const UNSAFE: &str = "vae/kernel.rs";

/// A broken rule: where, and what.
type Violation = String;

/// All rules; each looks at one file.
const RULES: &[fn(&Source) -> Vec<Violation>] = &[
    imports, crates, purity, files, writing, printing, unsafety, headings,
];

fn violation(source: &Source, line: usize, what: &str, rule: &str) -> Violation {
    format!("src/{}:{line}: `{what}`: {rule}", source.path)
}

fn imports(source: &Source) -> Vec<Violation> {
    let part = source.part();
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == part) else {
        let rule = "expected a module of the table MAY_IMPORT in tests/architecture.rs";
        return vec![violation(source, 1, part, rule)];
    };
    let mut found = Vec::new();
    for name in &source.names {
        let [root, module, ..] = name.segments.as_slice() else {
            continue;
        };
        let known = MAY_IMPORT.iter().any(|(known, _)| known == module);
        if root == "crate" && known && module != part && !allowed.contains(&module.as_str()) {
            let rule = format!("`{part}` may name {} only", list(allowed));
            found.push(violation(
                source,
                name.line,
                &name.segments.join("::"),
                &rule,
            ));
        }
    }
    found
}

fn list(names: &[&str]) -> String {
    match names {
        [] => "itself".to_owned(),
        names => names.join(", "),
    }
}

/// Whether `word` is the crate `name` or one of its family, as `polars_core` is.
fn is_crate(word: &str, name: &str) -> bool {
    let after = word.strip_prefix(name);
    after.is_some_and(|after| after.is_empty() || after.starts_with('_'))
}

fn crates(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for name in &source.names {
        // One word alone is a variable or a module; `use burn;` is not needed since 2018.
        let [root, _, ..] = name.segments.as_slice() else {
            continue;
        };
        for (known, places) in CRATES {
            if is_crate(root, known) && !places.iter().any(|place| source.lies_in(place)) {
                let rule = format!("only {} may name this crate", list(places));
                found.push(violation(
                    source,
                    name.line,
                    &name.segments.join("::"),
                    &rule,
                ));
            }
        }
    }
    found
}

fn purity(source: &Source) -> Vec<Violation> {
    if !PURE.contains(&source.part()) {
        return Vec::new();
    }
    let impure = |segments: &[String]| {
        let begins = |start: &[&str]| segments.iter().zip(start).all(|(a, b)| a == b);
        IMPURE
            .iter()
            .any(|start| segments.len() >= start.len() && begins(start))
    };
    let rule = format!(
        "`{}` knows no files, clocks, threads or logs",
        source.part()
    );
    let names = source.names.iter().filter(|name| impure(&name.segments));
    names
        .map(|name| violation(source, name.line, &name.segments.join("::"), &rule))
        .collect()
}

fn files(source: &Source) -> Vec<Violation> {
    if NAMES_FILES.iter().any(|place| source.lies_in(place)) {
        return Vec::new();
    }
    let rule = format!("only {} may name files", list(NAMES_FILES));
    let names = source
        .names
        .iter()
        .filter(|name| pair(&name.segments, ["std", "fs"]));
    names
        .map(|name| violation(source, name.line, &name.segments.join("::"), &rule))
        .collect()
}

/// Whether two words follow one another in a path.
fn pair(segments: &[String], words: [&str; 2]) -> bool {
    segments.windows(2).any(|pair| pair == words)
}

fn writing(source: &Source) -> Vec<Violation> {
    if source.lies_in(WRITES_FILES) {
        return Vec::new();
    }
    let rule = format!("only {WRITES_FILES} changes files");
    let writes = |segments: &[String]| WRITING.iter().any(|words| pair(segments, *words));
    let names = source.names.iter().filter(|name| writes(&name.segments));
    names
        .map(|name| violation(source, name.line, &name.segments.join("::"), &rule))
        .collect()
}

fn printing(source: &Source) -> Vec<Violation> {
    if PRINTS.iter().any(|place| source.lies_in(place)) {
        return Vec::new();
    }
    let rule = format!("only {} may print", list(PRINTS));
    let streams = [["io", "stdout"], ["io", "stderr"]];
    let names = source.names.iter();
    let streams = names.filter(|name| streams.iter().any(|words| pair(&name.segments, *words)));
    let macros = source
        .tokens
        .windows(2)
        .filter(|pair| PRINTING.contains(&pair[0].text.as_str()) && pair[1].text == "!");
    streams
        .map(|name| violation(source, name.line, &name.segments.join("::"), &rule))
        .chain(macros.map(|pair| violation(source, pair[0].line, &pair[0].text, &rule)))
        .collect()
}

fn unsafety(source: &Source) -> Vec<Violation> {
    if source.lies_in(UNSAFE) {
        return Vec::new();
    }
    let rule = format!("only {UNSAFE} may");
    let tokens = source.tokens.iter().filter(|token| token.text == "unsafe");
    tokens
        .map(|token| violation(source, token.line, &token.text, &rule))
        .collect()
}

fn headings(source: &Source) -> Vec<Violation> {
    if source.first_line.starts_with("//!") {
        return Vec::new();
    }
    let rule = "expected a line `//!` that says what the file is for";
    vec![violation(source, 1, &source.first_line, rule)]
}

fn check(source: &Source) -> Vec<Violation> {
    RULES.iter().flat_map(|rule| rule(source)).collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    source::read_all(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()))
}

#[test]
fn every_file_keeps_every_rule() {
    let found: Vec<Violation> = sources().iter().flat_map(check).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn each_rule_has_a_subject() {
    let sources = sources();
    let named = |crate_name: &str, place: &str| {
        let mut names = sources
            .iter()
            .filter(|source| source.lies_in(place))
            .flat_map(|source| &source.names);
        names.any(|name| name.segments.len() > 1 && is_crate(&name.segments[0], crate_name))
    };
    for (crate_name, places) in CRATES {
        for place in *places {
            assert!(
                named(crate_name, place),
                "{place} does not name {crate_name}"
            );
        }
    }
    for (part, _) in MAY_IMPORT {
        assert!(
            sources.iter().any(|source| source.part() == *part),
            "no module {part}"
        );
    }
    for place in NAMES_FILES.iter().chain(PRINTS).chain([&UNSAFE]) {
        assert!(
            sources.iter().any(|source| source.lies_in(place)),
            "no file {place}"
        );
    }
    let unchecked = sources.iter().find(|source| source.lies_in(UNSAFE));
    assert!(unchecked.is_some_and(|source| source.tokens.iter().any(|t| t.text == "unsafe")));
}

/// A heading, then the text: its first line is line 2.
fn wrong(path: &str, text: &str) -> Vec<Violation> {
    check(&Source::parse(path, &format!("//! A file.\n{text}")))
}

#[test]
fn a_broken_rule_is_found_with_its_line() {
    for &(path, text, line, name) in WRONG {
        let found = wrong(path, text);
        let expected = format!("src/{path}:{line}: `{name}`: ");
        assert!(
            found
                .iter()
                .any(|violation| violation.starts_with(&expected)),
            "{text}\nexpected {expected}\nfound {found:#?}",
        );
    }
    let heading = check(&Source::parse("plan/mod.rs", "mod a;\n"));
    assert_eq!(heading.len(), 1, "{heading:?}");
}

#[test]
fn what_keeps_the_rules_is_let_be() {
    for &(path, text) in RIGHT {
        let found = wrong(path, text);
        assert!(found.is_empty(), "{path}: {text}\n{found:#?}");
    }
    // What follows a test is looked at again.
    let after = "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::vae::Vae;";
    assert_eq!(wrong("plan/a.rs", after).len(), 1);
}

#[test]
fn test_modules_in_files_of_their_own_are_left_out() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("architecture");
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "plan/mod.rs",
        "mod a;\n#[cfg(test)]\npub(crate) mod world;\n",
    );
    write("plan/a.rs", "#[cfg(test)]\nmod tests;\n");
    write("plan/world.rs", "");
    write("plan/a/tests.rs", "");
    write("plan/tests.rs", "");
    let read = source::read_all(&folder).unwrap();
    let paths: Vec<&str> = read.iter().map(|source| source.path.as_str()).collect();
    // `plan/tests.rs` is no test module: nothing declares it as one.
    assert_eq!(paths, ["plan/a.rs", "plan/mod.rs", "plan/tests.rs"]);
}
