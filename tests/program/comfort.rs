//! What helps with a manifest: effective values, the schema, completions, manual pages.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Experiment, POINT};

/// A manifest with a sweep, so that there are coordinates to complete.
fn swept() -> Experiment {
    Experiment::new(&format!(
        "{POINT}\n[sweep]\nvae.training.epochs = [3, 4]\nvae.latent = [1, 2]\n"
    ))
}

#[test]
fn every_effective_value_is_shown_with_its_origin() {
    let experiment = Experiment::new(POINT);
    let arguments = [
        "show-config",
        "manifest.toml",
        "--origin",
        "--set",
        "vae.prior=mixture",
    ];
    let shown = experiment.call(&arguments).with_code(0).stdout;
    let line = |path: &str| {
        let start = format!("{path} ");
        let found = shown.lines().find(|line| line.starts_with(&start));
        found
            .unwrap_or_else(|| panic!("no `{path}`\n{shown}"))
            .to_owned()
    };
    assert!(line("vae.prior").ends_with("# --set `vae.prior=mixture`"));
    assert!(line("vae.training.patience").ends_with("# built-in default"));
    assert!(line("experiment.name").contains("# manifest.toml:"));
    assert!(shown.contains("\n# threads: "), "{shown}");
    assert_eq!(
        line("store.code").split("  ").next(),
        Some("store.code = \"digest\"")
    );

    let plain = experiment
        .call(&["show-config", "manifest.toml"])
        .with_code(0)
        .stdout;
    // Without origins the values are TOML again.
    let table: toml::Table = plain
        .parse()
        .unwrap_or_else(|error| panic!("{error}\n{plain}"));
    assert_eq!(
        table["vae"]["training"]["patience"],
        toml::Value::Integer(0)
    );
}

#[test]
fn effective_values_are_data_for_programs() {
    let experiment = Experiment::new(POINT);
    let mut command = experiment.command(&["show-config", "manifest.toml", "--format", "json"]);
    let output = command
        .env("LATENTFIELD_VAE__LATENT", "3")
        .output()
        .expect("it runs");
    let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(shown["format"], 1);
    let values = shown["values"].as_array().expect("a list");
    let latent = values
        .iter()
        .find(|value| value["path"] == "vae.latent")
        .expect("there");
    assert_eq!(latent["value"], 3);
    let origin = serde_json::json!({ "kind": "environment", "name": "LATENTFIELD_VAE__LATENT" });
    assert_eq!(latent["origin"], origin);
    experiment
        .call(&["show-config", "manifest.toml", "--set", "vae.latent=0"])
        .with_code(2);
}

#[test]
fn the_schema_is_printed() {
    let experiment = Experiment::new(POINT);
    let shown = experiment.call(&["schema"]).with_code(0).stdout;
    let schema: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(schema, latentfield::manifest::schema());
}

/// What the program offers for the last of `words`.
fn offered(experiment: &Experiment, words: &[&str]) -> Vec<String> {
    let arguments: Vec<&str> = ["--", "latentfield"]
        .into_iter()
        .chain(words.iter().copied())
        .collect();
    let output = experiment
        .command(&arguments)
        .env("_COMPLETE_LATENTFIELD", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn stages_coordinates_and_values_are_completed_from_the_manifest() {
    let experiment = swept();
    let ask = |words: &[&str]| offered(&experiment, &[&["run", "manifest.toml"], words].concat());
    let stages = ask(&["--only", ""]);
    assert!(
        stages.contains(&"train".to_owned()) && stages.contains(&"table".to_owned()),
        "{stages:?}"
    );
    assert!(
        !stages.contains(&"recording".to_owned()),
        "there is none: {stages:?}"
    );
    assert_eq!(
        ask(&["--only", "train["]),
        ["train[epochs=", "train[vae.latent=", "train[replicate="]
    );
    assert_eq!(
        ask(&["--force", "train[epochs="]),
        ["train[epochs=3]", "train[epochs=4]"]
    );
    assert_eq!(
        ask(&["--force", "sample;train[epochs=3, vae.lat"]),
        ["sample;train[epochs=3, vae.latent="]
    );
    // Axes and values are those that the `--set`s before come to.
    let axis = ["--set", "vae.latent=[5, 6]", "--set=vae.hidden=[[3],[4]]"];
    assert_eq!(
        ask(&[&axis[..], &["--only", "train[vae.latent="]].concat()),
        ["train[vae.latent=5]", "train[vae.latent=6]"]
    );
    assert_eq!(
        ask(&["--set", "'vae.latent=[5,6]'", "--only", "train[vae.latent="]),
        ["train[vae.latent=5]", "train[vae.latent=6]"]
    );
    assert!(
        ask(&[&axis[..], &["--only", "train["]].concat()).contains(&"train[hidden=".to_owned())
    );
    // With one that makes no sense, those of the manifest alone.
    assert_eq!(
        ask(&["--set", "vae.latnet=3", "--only", "train[vae.latent="]),
        ["train[vae.latent=1]", "train[vae.latent=2]"]
    );
    // What is offered is a selector: a plan takes it.
    let plan = ["plan", "manifest.toml", "--only", "train[epochs=3]"];
    experiment.call(&plan).with_code(0);
}

#[test]
fn keys_and_words_of_set_are_completed() {
    let experiment = swept();
    let ask = |word: &str| offered(&experiment, &["plan", "manifest.toml", "--set", word]);
    assert_eq!(ask("vae.pri"), ["vae.prior="]);
    assert_eq!(ask("vae.prior="), ["vae.prior=normal", "vae.prior=mixture"]);
    assert_eq!(ask("sweep.vae.lat"), ["sweep.vae.latent="]);
    assert!(ask("recording.").is_empty(), "there is none");
    // What says something of a file is no value; what belongs to the machine is one.
    for (word, expected) in [
        ("extend", &[][..]),
        ("required", &[]),
        ("thr", &["threads="]),
        ("store.", &["store.code=", "store.path="]),
        ("store.code=v", &["store.code=version"]),
    ] {
        assert_eq!(ask(word), expected, "{word}");
    }
    for taken in ["threads=2", "store.path=there", "store.code=version"] {
        let check = ["check", "manifest.toml", "--set", taken];
        experiment.call(&check).with_code(0);
    }
    // Without a manifest that can be read there are all keys, and no stages.
    let all = offered(
        &experiment,
        &["plan", "nowhere.toml", "--set", "recording.pa"],
    );
    assert_eq!(all, ["recording.path="]);
    assert!(offered(&experiment, &["plan", "nowhere.toml", "--only", ""]).is_empty());
}

#[test]
fn completions_answer_at_once() {
    let experiment = swept();
    let fastest = (0..10)
        .map(|_| {
            let start = Instant::now();
            offered(&experiment, &["run", "manifest.toml", "--only", "tr"]);
            start.elapsed()
        })
        .min();
    // A few milliseconds where nothing else runs; a person notices a tenth of a second.
    assert!(fastest < Some(Duration::from_millis(100)), "{fastest:?}");
}

#[test]
fn every_shell_has_a_script() {
    let experiment = Experiment::new(POINT);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = experiment.call(&["completions", shell]).with_code(0).stdout;
        assert!(
            script.contains("_COMPLETE_LATENTFIELD") && script.contains("latentfield"),
            "{script}"
        );
    }
    experiment.call(&["completions", "csh"]).with_code(2);
}

/// What bash itself comes to, whose words break at `=`.
#[test]
fn bash_completes_behind_an_equals_sign() {
    let experiment = swept();
    let ask = |line: &str, words: &str| {
        let script = format!(
            "source <(latentfield completions bash)\nCOMP_LINE='{line}'\nCOMP_WORDS=({words})\n\
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n_clap_complete_latentfield latentfield '' ''\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_latentfield"));
        let folder = program.parent().expect("a folder").display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(experiment.path("."))
            .env("PATH", format!("{folder}:{path}"))
            .stdin(Stdio::null())
            .output()
            .expect("bash runs");
        let shown = String::from_utf8_lossy(&output.stdout);
        shown.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let set = ask(
        "latentfield run manifest.toml --set vae.prior=mi",
        "latentfield run manifest.toml --set vae.prior = mi",
    );
    assert_eq!(set, ["mixture"]);
    let only = ask(
        "latentfield run manifest.toml --only train[epochs=",
        "latentfield run manifest.toml --only 'train[epochs' =",
    );
    assert_eq!(only, ["3]", "4]"]);
    assert_eq!(
        ask("latentfield show-c", "latentfield show-c"),
        ["show-config"]
    );
}

/// The commands that the program lists.
fn commands(experiment: &Experiment) -> Vec<String> {
    let help = experiment.call(&["--help"]).with_code(0).stdout;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| line.starts_with(' '));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_is_completed_and_has_a_page() {
    let experiment = Experiment::new(POINT);
    let commands = commands(&experiment);
    assert!(commands.len() >= 9, "{commands:?}");
    let offered = offered(&experiment, &[""]);
    let page = experiment.call(&["man"]).with_code(0).stdout;
    std::fs::create_dir(experiment.path("pages")).expect("a folder");
    experiment.call(&["man", "--output", "pages"]).with_code(0);
    for command in commands {
        assert!(offered.contains(&command), "no `{command}` in {offered:?}");
        let named = format!("latentfield\\-{}(1)", command.replace('-', "\\-"));
        assert!(page.contains(&named), "no {named} in\n{page}");
        let path = experiment.path(&format!("pages/latentfield-{command}.1"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(text.contains(".SH SYNOPSIS"), "{text}");
    }
    let missing = experiment
        .call(&["man", "--output", "nowhere"])
        .with_code(2);
    missing.saying(&["`--output`: found `nowhere`, expected an existing folder"]);
}
