//! `completions`: scripts for shells, and the answers to what they ask.
//!
//! A script calls the program with the words typed so far; clap completes commands and
//! options, and this file the values: selectors of `--only` and `--force` and keys of
//! `--set`, from the manifest on the command line. Nothing is read but the manifest.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter};
use clap_complete::env::{Bash, EnvCompleter, Shells};
use serde_json::Value;

use super::args::Arguments;
use super::{Outcome, diagnostic, prepare};
use crate::manifest::{self, ClusterProfile, Manifest};
use crate::plan::{FIGURE_STAGE, StageDefinition, TABLE_STAGE};
use crate::stages;

/// The variable by which a script asks. It does not begin like those that set keys.
const VARIABLE: &str = "_COMPLETE_LATENTFIELD";

/// Most values of one coordinate that are offered.
const MOST_VALUES: usize = 200;

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell to write the script for
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

/// Writes the script of a shell.
pub(super) fn main(arguments: &CompletionsArguments) -> Outcome {
    let name = match arguments.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Elvish => "elvish",
        Shell::Powershell => "powershell",
    };
    let mut script = Vec::new();
    let written = SHELLS
        .completer(name)
        .map(|shell| shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script));
    match written {
        Some(Ok(())) => diagnostic::written(&script),
        Some(Err(error)) => {
            diagnostic::error(&error);
            Outcome::Failed
        }
        // The names above are those of the crate; a test asks for each.
        None => Outcome::Failed,
    }
}

const PROGRAM: &str = "latentfield";

const SHELLS: Shells<'static> = Shells(&[
    &JoinedBash,
    &clap_complete::env::Zsh,
    &clap_complete::env::Fish,
    &clap_complete::env::Elvish,
    &clap_complete::env::Powershell,
]);

/// Answers a script, if one asks.
pub(super) fn answer() -> Option<Outcome> {
    let asked = CompleteEnv::with_factory(Arguments::command)
        .var(VARIABLE)
        .shells(SHELLS)
        .try_complete(std::env::args_os(), std::env::current_dir().ok().as_deref());
    match asked {
        Ok(true) => Some(Outcome::Done),
        Ok(false) => None,
        Err(error) => {
            let _ = error.print();
            Some(Outcome::Wrong)
        }
    }
}

/// Bash, whose words break at `=` and `:`: they are joined before the program is asked, and
/// the answers cut again.
struct JoinedBash;

const BASH: &str = r#"_clap_complete_NAME() {
    local line=$COMP_LINE word gap candidate index words=()
    for ((index = 0; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        gap=${line%%[![:space:]]*}
        line=${line#"$gap"}
        line=${line#"$word"}
        if ((index > 0)) && [[ -z $gap ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
    done
    local current=${words[${#words[@]} - 1]}
    local before=${current%"${current##*[=:]}"}
    COMPREPLY=()
    while IFS= read -r candidate || [[ -n $candidate ]]; do
        [[ -n $candidate ]] && COMPREPLY+=("${candidate#"$before"}")
    done < <(
        _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((${#words[@]} - 1)) VAR=bash \
            "COMPLETER" -- "${words[@]}" 2>/dev/null
    )
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} != *[=/:,[] ]]; then
        compopt +o nospace 2>/dev/null
    fi
}
complete -o nospace -o bashdefault -F _clap_complete_NAME BIN
"#;

impl EnvCompleter for JoinedBash {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn io::Write,
    ) -> Result<(), io::Error> {
        let script = BASH
            .replace("NAME", &name.replace('-', "_"))
            .replace("BIN", bin)
            .replace("COMPLETER", completer)
            .replace("VAR", var);
        buf.write_all(script.as_bytes())
    }

    fn write_complete(
        &self,
        cmd: &mut clap::Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn io::Write,
    ) -> Result<(), io::Error> {
        Bash.write_complete(cmd, args, current_dir, buf)
    }
}

/// Completes a path to folders and TOML files.
pub(super) fn manifests() -> ArgValueCompleter {
    ArgValueCompleter::new(PathCompleter::any().filter(|path| {
        path.is_dir()
            || path
                .extension()
                .is_some_and(|extension| extension == "toml")
    }))
}

/// Completes `--only` and `--force`.
pub(super) fn selectors() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let (Some(current), Some(manifest)) = (current.to_str(), manifest_at_hand(current)) else {
            return Vec::new();
        };
        offer(selector(&manifest, current), current)
    })
}

/// Completes `--cluster` with the names in the user's file.
pub(super) fn clusters() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some(current) = current.to_str() else {
            return Vec::new();
        };
        let known = prepare::quiet_machine().map_or_else(Vec::new, |machine| machine.clusters);
        let partition = |profile: &ClusterProfile| profile.partition.clone().unwrap_or_default();
        let named = known
            .iter()
            .map(|profile| (profile.name.clone(), partition(profile)));
        offer(named.collect(), current)
    })
}

/// Completes `--set`.
pub(super) fn keys() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some(current) = current.to_str() else {
            return Vec::new();
        };
        let manifest = manifest_at_hand(OsStr::new(current));
        offer(assignments(manifest.as_ref(), current), current)
    })
}

/// What begins as the word does, in the order given.
fn offer(found: Vec<(String, String)>, current: &str) -> Vec<CompletionCandidate> {
    let fitting = found
        .into_iter()
        .filter(|(value, _)| value.starts_with(current));
    let candidates = fitting.enumerate().map(|(order, (value, help))| {
        CompletionCandidate::new(value)
            .help((!help.is_empty()).then(|| help.into()))
            .display_order(Some(order))
    });
    candidates.collect()
}

/// The manifest on the command line with its `--set`s, without them if it makes no sense
/// with them; `current` is what is being typed.
fn manifest_at_hand(current: &OsStr) -> Option<Manifest> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let start = words.iter().position(|word| word == "--")? + 1;
    let words = words.get(start..)?;
    // Scripts hand on `~` and quotes as they were typed; such a manifest is not found.
    let is_manifest = |word: &&OsString| {
        let path = Path::new(word);
        path.extension()
            .is_some_and(|extension| extension == "toml")
            && path.is_file()
    };
    let path = Path::new(words.iter().find(is_manifest)?);
    let sets = sets(words, current);
    prepare::quietly(path, sets).or_else(|| prepare::quietly(path, Vec::new()))
}

/// The values of `--set` among the words, but for the one that is being typed.
fn sets(words: &[OsString], current: &OsStr) -> Vec<String> {
    let mut words = words.iter().filter_map(|word| word.to_str());
    let mut sets = Vec::new();
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--set") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        let value = value.filter(|value| OsStr::new(value) != current);
        // Shells hand on quotes as they were typed.
        let unquoted = value.map(|value| {
            let quoted = |mark| value.strip_prefix(mark)?.strip_suffix(mark);
            quoted('\'').or_else(|| quoted('"')).unwrap_or(value)
        });
        sets.extend(unquoted.map(str::to_owned));
    }
    sets
}

/// Selectors that go on from `current`: stages, then coordinates, then their values.
fn selector(manifest: &Manifest, current: &str) -> Vec<(String, String)> {
    let (before, last) = match current.rfind(';') {
        Some(position) => current.split_at(position + 1),
        None => ("", current),
    };
    let Some((stage, conditions)) = last.split_once('[') else {
        let stages = stages_of(manifest).into_iter();
        let with = |stage: &str| (!manifest.axes.is_empty()).then(|| format!("{before}{stage}["));
        let plain = |stage: &str| (format!("{before}{stage}"), String::new());
        return stages
            .flat_map(|stage| {
                let bracket = with(stage).filter(|_| last == stage);
                let all = (plain(stage), bracket.map(|text| (text, String::new())));
                std::iter::once(all.0).chain(all.1)
            })
            .collect();
    };
    let (done, condition) = match conditions.rfind(',') {
        Some(position) => conditions.split_at(position + 1),
        None => ("", conditions),
    };
    let gap: String = condition.chars().take_while(|c| *c == ' ').collect();
    let start = format!("{before}{stage}[{done}{gap}");
    let coordinates = coordinates(manifest);
    let Some((name, _)) = condition.trim_start().split_once('=') else {
        let names = coordinates.into_iter().map(|(name, _)| name);
        return names
            .map(|name| (format!("{start}{name}="), String::new()))
            .collect();
    };
    let values = coordinates
        .into_iter()
        .find(|(known, _)| known == name.trim_end());
    let values = values.map_or_else(Vec::new, |(_, values)| values);
    let whole = |value: String| (format!("{start}{name}={value}]"), String::new());
    values.into_iter().take(MOST_VALUES).map(whole).collect()
}

/// The stages that the manifest's first point asks for, and those that gather.
fn stages_of(manifest: &Manifest) -> Vec<&'static str> {
    let registry = stages::registry(Vec::new());
    let point = manifest.points.first();
    let asked = stages::definitions(&registry).into_iter().filter(|stage| {
        let gathers = [TABLE_STAGE, FIGURE_STAGE].contains(&stage.name());
        gathers || point.is_some_and(|point| stage.request(point).is_some())
    });
    asked.map(StageDefinition::name).collect()
}

/// Names of the swept parameters and of the replicate, with their values.
fn coordinates(manifest: &Manifest) -> Vec<(String, Vec<String>)> {
    let axes = manifest.axes.iter().map(|axis| {
        let values = axis.values.iter().map(ToString::to_string);
        (axis.name.clone(), values.collect())
    });
    let replicates = 0..manifest.experiment.replicates;
    let replicates = replicates.map(|replicate| replicate.to_string()).collect();
    axes.chain([("replicate".to_owned(), replicates)]).collect()
}

/// `key=` for every key that may be set, or `key=word` for a key that is typed already.
fn assignments(manifest: Option<&Manifest>, current: &str) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    collect("", &manifest::schema(), &mut keys);
    keys.retain(|(path, _)| !manifest::FILE_KEYS.contains(&path.as_str()));
    collect("", &manifest::machine_schema(), &mut keys);
    if let Some((key, _)) = current.split_once('=') {
        let schema = keys.into_iter().find(|(path, _)| path == key);
        return schema.map_or_else(Vec::new, |(path, schema)| words(&path, &schema));
    }
    let unused = manifest.and_then(|manifest| manifest.points.first());
    let unused: &[&str] = match unused.map(|point| &point.system) {
        Some(manifest::System::Model { .. }) => &["recording"],
        Some(manifest::System::Recording(_)) => &["model", "sampling"],
        None => &[],
    };
    keys.retain(|(path, _)| {
        let path = path.strip_prefix("sweep.").unwrap_or(path);
        !unused
            .iter()
            .any(|table| path.split('.').next() == Some(table))
    });
    let described = keys.into_iter().map(|(path, schema)| {
        let help = schema["description"].as_str().unwrap_or_default();
        (
            format!("{path}="),
            help.lines().next().unwrap_or_default().to_owned(),
        )
    });
    described.collect()
}

/// All keys below a table of the schema that are no tables, those of every kind of model.
fn collect(path: &str, table: &Value, found: &mut Vec<(String, Value)>) {
    let choices = table["oneOf"].as_array().into_iter().flatten();
    let tables = std::iter::once(table).chain(choices);
    for (key, schema) in tables
        .filter_map(|it| it["properties"].as_object())
        .flatten()
    {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if schema["properties"].is_object() {
            collect(&path, schema, found);
        } else if found.iter().all(|(known, _)| *known != path) {
            found.push((path, schema.clone()));
        }
    }
}

fn words(path: &str, schema: &Value) -> Vec<(String, String)> {
    let flags = [Value::Bool(false), Value::Bool(true)];
    let words: Vec<Value> = match (&schema["enum"], schema["type"].as_str()) {
        (Value::Array(words), _) => words.clone(),
        (_, Some("boolean")) => flags.to_vec(),
        _ => schema.get("default").cloned().into_iter().collect(),
    };
    let text = |word: &Value| {
        word.as_str()
            .map_or_else(|| word.to_string(), str::to_owned)
    };
    let default = schema.get("default");
    let help = |word: &Value| {
        if default == Some(word) {
            "the default"
        } else {
            ""
        }
    };
    words
        .iter()
        .map(|word| (format!("{path}={}", text(word)), help(word).to_owned()))
        .collect()
}
