//! The code that decides what a stage writes, and a digest of each part of it.
//!
//! A part is a module of the top level (`physics`), or a file of `src/stages` with
//! its folder (`stages/train`). A part depends on those that it names, and so on.
//! Keys hold the digests of a stage's part and of all that it depends on, so that a
//! result of other code is another result, without anybody raising a version.
//!
//! A digest is over the tokens: comments, white space and tests do not count. It
//! takes in the foreign crates that the part names and all that these need: name,
//! version and origin as `Cargo.lock` has them, and the features asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io;
use std::path::Path;

use super::source::{self, Source};

/// Parts that are no code of a result: what they say reaches a stage as parameters,
/// inputs and streams, all of which are in its key.
const NO_RESULT: &[&str] = &["engine", "plan", "manifest", "cli", "main", "lib"];

/// What the engine hands to every stage without being named there.
const ALWAYS: &str = "random";

/// The folder of stages, and the part that is its `mod.rs`.
const STAGES: &str = "stages";

/// The constant under which a stage tells its name. A stage that is named by it alone
/// is needed, and its result has a key of its own.
const NAME: &str = "NAME";

/// Hexadecimal digits of a digest.
const DIGITS: usize = 32;

/// Digests of parts, by part.
pub(super) type Digests = BTreeMap<String, String>;

/// A part of the code.
#[derive(Default)]
struct Part {
    /// Path and tokens of each file, by path.
    files: BTreeMap<String, String>,
    /// The parts that it names.
    names: BTreeSet<String>,
    /// The foreign crates that it names.
    crates: BTreeSet<String>,
}

/// What a package was built with.
struct Foreign {
    /// How the manifest asks for each crate, by its name in code.
    asked: BTreeMap<String, String>,
    /// Each package of the lock file: how it is called there, and what it needs.
    locked: BTreeMap<String, Vec<String>>,
}

/// For each file or folder of `src/stages` in the package at `root`, the digests of
/// all parts on which it depends, itself among them.
pub(super) fn digests(root: &Path) -> io::Result<BTreeMap<String, Digests>> {
    let sources = source::read_all(&root.join("src"))?;
    let foreign = Foreign::read(root)?;
    let parts = parts(&sources, &foreign);
    let digests: Digests = parts
        .iter()
        .map(|(name, part)| (name.clone(), part.digest(&foreign)))
        .collect();
    let stage = |name: &String| {
        let stage = name.strip_prefix(STAGES)?.strip_prefix('/')?;
        let reached = reached(&parts, name).into_iter();
        let reached = reached.map(|part| (part.clone(), digests[part].clone()));
        Some((stage.to_owned(), reached.collect()))
    };
    Ok(parts.keys().filter_map(stage).collect())
}

/// The digests as Rust: a list of stages' files, each with its list of parts.
pub(super) fn generated(digests: &BTreeMap<String, Digests>) -> String {
    let mut text = "&[\n".to_owned();
    for (stage, parts) in digests {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "    ({stage:?}, &[");
        for (part, digest) in parts {
            let _ = writeln!(text, "        ({part:?}, {digest:?}),");
        }
        text.push_str("    ]),\n");
    }
    text + "]\n"
}

/// The part to which a file belongs.
fn part_of(source: &Source) -> String {
    let mut folders = source.path.split('/');
    match (folders.next(), folders.next()) {
        (Some(STAGES), Some("mod.rs")) => STAGES.to_owned(),
        (Some(STAGES), Some(stage)) => format!("{STAGES}/{}", stage.trim_end_matches(".rs")),
        _ => source.part().to_owned(),
    }
}

fn parts(sources: &[Source], foreign: &Foreign) -> BTreeMap<String, Part> {
    let counted = |source: &&Source| !NO_RESULT.contains(&source.part());
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for source in sources.iter().filter(counted) {
        let part = parts.entry(part_of(source)).or_default();
        part.files.insert(source.path.clone(), source.code.clone());
        for name in &source.names {
            if let [first, _, ..] = name.segments.as_slice()
                && foreign.asked.contains_key(first)
            {
                part.crates.insert(first.clone());
            }
        }
    }
    let known: BTreeSet<String> = parts.keys().cloned().collect();
    let handed_on = handed_on(sources, &known);
    for source in sources.iter().filter(counted) {
        let own = part_of(source);
        let names = source.names.iter();
        let names: BTreeSet<String> = names
            .filter_map(|name| named(&name.segments, &known, &handed_on))
            .filter(|name| *name != own)
            .collect();
        parts.entry(own).or_default().names.extend(names);
    }
    parts
}

/// What `src/stages/mod.rs` names of its files: others find it there by its last word.
fn handed_on(sources: &[Source], known: &BTreeSet<String>) -> BTreeMap<String, String> {
    let files = sources.iter().filter(|source| part_of(source) == STAGES);
    let names = files.flat_map(|source| &source.names);
    let named = names.filter_map(|name| {
        let part = format!("{STAGES}/{}", name.segments.first()?);
        let last = name.segments.last()?.clone();
        known.contains(&part).then_some((last, part))
    });
    named.collect()
}

/// The part that a path from the crate's root names.
fn named(
    segments: &[String],
    known: &BTreeSet<String>,
    handed_on: &BTreeMap<String, String>,
) -> Option<String> {
    let [root, part, rest @ ..] = segments else {
        return None;
    };
    if root != "crate" || segments.last().is_some_and(|last| last == NAME) {
        return None;
    }
    if part != STAGES {
        return known.contains(part).then(|| part.clone());
    }
    let word = rest.first()?;
    let file = format!("{STAGES}/{word}");
    if known.contains(&file) {
        return Some(file);
    }
    let found = handed_on.get(word).cloned();
    Some(found.unwrap_or_else(|| STAGES.to_owned()))
}

/// A part and all that it depends on.
fn reached<'p>(parts: &'p BTreeMap<String, Part>, from: &'p String) -> BTreeSet<&'p String> {
    let always = parts.keys().find(|name| *name == ALWAYS);
    let mut open: Vec<&String> = always.into_iter().chain([from]).collect();
    let mut reached = BTreeSet::new();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(&parts[next].names);
        }
    }
    reached
}

impl Part {
    fn digest(&self, foreign: &Foreign) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut framed = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        for (path, code) in &self.files {
            framed(path);
            framed(code);
        }
        for name in &self.crates {
            framed(&foreign.asked[name]);
        }
        for package in foreign.needed(&self.crates) {
            framed(package);
        }
        let digest = hasher.finalize().to_hex();
        digest.as_str()[..DIGITS].to_owned()
    }
}

impl Foreign {
    fn read(root: &Path) -> io::Result<Self> {
        let manifest = std::fs::read_to_string(root.join("Cargo.toml"))?;
        let lock = match std::fs::read_to_string(root.join("Cargo.lock")) {
            // Built as a part of another package, whose lock file is elsewhere.
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            lock => lock?,
        };
        Ok(Self {
            asked: asked(&manifest),
            locked: locked(&lock),
        })
    }

    /// The locked packages of these crates and of all that they need.
    fn needed(&self, crates: &BTreeSet<String>) -> BTreeSet<&String> {
        let called = |package: &&String| {
            let name = package.split(' ').next().unwrap_or_default();
            crates.contains(&name.replace('-', "_"))
        };
        let mut open: Vec<&String> = self.locked.keys().filter(called).collect();
        let mut needed = BTreeSet::new();
        while let Some(package) = open.pop() {
            if needed.insert(package) {
                open.extend(self.locked[package].iter().flat_map(|need| self.find(need)));
            }
        }
        needed
    }

    /// Packages by name, or by name and version where a name alone would be two.
    fn find<'f>(&'f self, need: &'f str) -> impl Iterator<Item = &'f String> {
        let is_it = move |package: &&String| {
            package
                .strip_prefix(need)
                .is_some_and(|rest| rest.starts_with(' '))
        };
        self.locked.keys().filter(is_it)
    }
}

/// The lines of `[dependencies]`, by the crate's name in code.
fn asked(manifest: &str) -> BTreeMap<String, String> {
    let lines = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]");
    let lines = lines.skip(1).take_while(|line| !line.starts_with('['));
    let lines = lines.filter_map(|line| line.split(" #").next()?.split_once('='));
    lines
        .filter(|(name, _)| !name.starts_with('#'))
        .map(|(name, value)| (name.trim().replace('-', "_"), value.replace(' ', "")))
        .collect()
}

/// The packages of a lock file as `name version origin`, with their needs.
fn locked(lock: &str) -> BTreeMap<String, Vec<String>> {
    let package = |block: &str| {
        let value = |key: &str| {
            let mut lines = block.lines();
            let line = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            line.unwrap_or_default().trim_matches('"').to_owned()
        };
        let called = ["name", "version", "source"].map(value).join(" ");
        let needs = block.lines().filter_map(|line| {
            let need = line.strip_prefix(" \"")?.trim_end_matches([',', '"']);
            // An origin in brackets tells apart what name and version do not.
            Some(need.split(" (").next().unwrap_or(need).to_owned())
        });
        (called, needs.collect())
    };
    lock.split("[[package]]").skip(1).map(package).collect()
}
