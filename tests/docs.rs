//! What the pages for users say is true: manifests load, commands exist, links lead somewhere.

use std::path::{Path, PathBuf};
use std::process::Command;

use latentfield::manifest::{self, Sources};
use latentfield::tables;

/// The pages for users, from the root of the package.
const PAGES: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "docs/clusters.md",
    "docs/command-line.md",
    "docs/compare.md",
    "docs/devices.md",
    "docs/faults.md",
    "docs/manifest.md",
    "docs/models.md",
    "docs/recordings.md",
    "docs/results.md",
    "docs/retina.md",
    "docs/store.md",
    "docs/tables.md",
    "docs/trust.md",
    "docs/verdict.md",
    "results/README.md",
];

/// How a command line of the program begins.
const PROGRAM: &[&str] = &["cargo run --release -- ", "latentfield "];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    let path = root().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The code blocks of a page, each with the word behind its fence.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let inside = text.split("```").skip(1).step_by(2);
    inside.filter_map(|block| block.split_once('\n')).collect()
}

/// The code blocks with this word behind their fence.
fn of_language<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let blocks = blocks(text).into_iter();
    blocks
        .filter_map(|(found, text)| (found == language).then_some(text))
        .collect()
}

/// The command lines of the code blocks and of the code inside the text, without
/// the name of the program.
fn command_lines(text: &str) -> Vec<String> {
    let code = text.split('`');
    code.flat_map(str::lines)
        .filter_map(|line| {
            PROGRAM
                .iter()
                .find_map(|start| line.trim().strip_prefix(start))
        })
        .map(str::to_owned)
        .collect()
}

/// What the program says to `arguments`, if it takes them.
fn help(arguments: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_latentfield"))
        .args(arguments)
        .arg("--help")
        .output()
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}

/// The options among `words`: `--set`, `-j`.
fn options(words: &str) -> impl Iterator<Item = &str> {
    words
        .split_whitespace()
        .filter(|word| word.len() > 1 && word.starts_with('-'))
        .map(|word| word.split('=').next().unwrap_or(word))
}

/// Whether a help text explains `option`; `--on` is not explained by `--only`.
fn explains(help: &str, option: &str) -> bool {
    let words = help.split(|c: char| !c.is_alphanumeric() && c != '-');
    words.into_iter().any(|word| word == option)
}

#[test]
fn the_manifests_of_the_pages_load() {
    for name in ["README.md", "docs/recordings.md"] {
        let page = page(name);
        let manifests = of_language(&page, "toml");
        assert!(!manifests.is_empty(), "{name} shows no manifest");
        for text in manifests {
            let sources = Sources {
                path: PathBuf::from(name),
                text: text.to_owned(),
                ..Sources::default()
            };
            manifest::load(&sources, tables::column_names())
                .unwrap_or_else(|error| panic!("{error}\n{text}"));
        }
    }
}

#[test]
fn the_profile_of_the_page_on_clusters_is_read() {
    let page = page("docs/clusters.md");
    let profile = of_language(&page, "toml");
    assert_eq!(profile.len(), 1, "one profile");
    let indented: Vec<&str> = profile[0].lines().map(str::trim_start).collect();
    let sources = Sources {
        user_file: Some(("latentfield.toml".into(), indented.join("\n"))),
        ..Sources::default()
    };
    let machine = manifest::load_machine(&sources).expect("a profile that makes sense");
    assert_eq!(machine.clusters.len(), 1);
    assert_eq!(machine.clusters[0].seconds, Some(7200));
    let keys = page
        .split("## The keys of a profile")
        .nth(1)
        .expect("a table");
    let named: usize = keys.matches("\n| `").count();
    // The first row names four.
    assert_eq!(named + 3, manifest::PROFILE_KEYS.len(), "a key is missing");
    for key in manifest::PROFILE_KEYS {
        assert!(
            keys.contains(&format!("`{key}`")),
            "`{key}` is not explained"
        );
    }
}

#[test]
fn the_spikes_of_the_page_on_recordings_are_binned_as_it_says() {
    let page = page("docs/recordings.md");
    let example = of_language(&page, "csv");
    assert_eq!(example.len(), 1, "one table of spikes");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("spikes.csv"), example[0]).expect("a file");
    let lines = command_lines(&page);
    let line = lines.iter().find(|line| line.contains(" spikes.csv "));
    let words = line.expect("a command that reads it").split_whitespace();
    let output = Command::new(env!("CARGO_BIN_EXE_latentfield"))
        .args(words)
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(
        of_language(&page, "text").contains(&&*shown),
        "the page does not show\n{shown}"
    );
}

#[test]
fn every_command_line_names_a_command_and_its_options() {
    let mut seen = 0;
    for name in PAGES {
        for line in command_lines(&page(name)) {
            let words: Vec<&str> = line.split_whitespace().take(2).collect();
            let command = words.first().copied().unwrap_or_default();
            // The second word may be a command as well: `cache ls`.
            let help = help(&words).or_else(|| help(&[command]));
            let help = help.unwrap_or_else(|| panic!("{name}: no command `{command}`: {line}"));
            for option in options(&line) {
                assert!(explains(&help, option), "{name}: no `{option}`: {line}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen} command lines");
}

#[test]
fn the_readme_lists_every_command() {
    let help = help(&[]).expect("the program explains itself");
    let readme = page("README.md");
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.contains(&"run"), "{help}");
    for command in commands {
        assert!(
            readme.contains(&format!("\n| `{command} ")),
            "no `{command}`"
        );
    }
}

#[test]
fn the_readme_and_the_program_list_the_same_exit_codes() {
    let help = help(&[]).expect("the program explains itself");
    let words: Vec<&str> = help.split_whitespace().collect();
    let help = words.join(" ");
    let readme = page("README.md");
    let (_, table) = readme
        .split_once("| exit code | meaning |\n")
        .expect("a table of exit codes");
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let listed: Vec<String> = rows
        .filter_map(|row| {
            let mut cells = row.split('|').skip(1).map(str::trim);
            let (code, meaning) = (cells.next()?, cells.next()?);
            Some(format!("{code} {}", meaning.split(';').next()?))
        })
        .collect();
    let expected = format!("Exit codes: {}.", listed.join(", "));
    assert!(help.contains(&expected), "{expected}\n{help}");
}

#[test]
fn every_experiment_that_is_named_is_there() {
    for name in PAGES {
        let text = page(name);
        let words = text.split(|c: char| c.is_whitespace() || "`()".contains(c));
        for path in words.filter(|word| word.starts_with("experiments/")) {
            assert!(root().join(path).exists(), "{name} names `{path}`");
        }
    }
}

#[test]
fn every_link_leads_to_a_file() {
    for name in PAGES {
        let text = page(name);
        let folder = root().join(name);
        let folder = folder.parent().unwrap_or(root());
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if !target.starts_with("http") && !file.is_empty() {
                assert!(folder.join(file).is_file(), "{name} links to `{target}`");
            }
        }
    }
}

#[test]
fn the_options_that_the_readme_gives_to_run_exist() {
    let readme = page("README.md");
    let (_, after) = readme
        .split_once("All that take a manifest")
        .expect("the options");
    let paragraph = after.lines().next().unwrap_or_default();
    let help = help(&["run"]).expect("`run` explains itself");
    let code = paragraph.split('`').skip(1).step_by(2);
    let named: Vec<&str> = code.flat_map(options).collect();
    assert!(named.len() >= 6, "{named:?}");
    for option in named {
        assert!(explains(&help, option), "`run` has no `{option}`");
    }
}

#[test]
fn the_recipes_that_the_readme_names_are_in_the_justfile() {
    let justfile = page("justfile");
    let readme = page("README.md");
    let code = readme
        .split('`')
        .filter_map(|code| code.strip_prefix("just "));
    let named: Vec<&str> = code
        .filter_map(|words| words.split_whitespace().next())
        .collect();
    assert!(named.contains(&"run"), "{named:?}");
    for recipe in named {
        let found = justfile.lines().any(|line| {
            let head = line.split([' ', ':']).next();
            head == Some(recipe) && line.ends_with(':')
        });
        assert!(found, "no recipe `{recipe}`");
    }
}

#[test]
fn a_false_page_is_found() {
    let text =
        "Type `latentfield plot x`.\n```sh\ncargo run --release -- run a.toml --sett b=c\n```\n";
    let lines = command_lines(text);
    assert_eq!(lines, ["plot x", "run a.toml --sett b=c"]);
    assert!(help(&["plot"]).is_none());
    let run = help(&["run"]).expect("`run` explains itself");
    assert!(options(&lines[1]).eq(["--sett"]) && !explains(&run, "--sett"));
    assert!(explains(&run, "--set") && !explains(&run, "--on"));
}
