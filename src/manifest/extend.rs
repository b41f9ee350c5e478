//! `extend`: manifests that lie below a manifest, and `required-version`.
//!
//! Which files there are is read off texts; reading them is the part of `sources`.

use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use toml::de::{DeTable, DeValue};

use super::node::{Entry, Node, Value, quoted};
use super::parse;
use super::report::{Layer, Message, Report};
use super::sources::Sources;

/// Most files that a manifest extends, directly or through one another.
pub(super) const MOST_FILES: usize = 64;

/// Longest chain of files, each extending the next.
const LONGEST_CHAIN: usize = 16;

/// Most bytes of all texts together.
pub(super) const MOST_BYTES: usize = 16 << 20;

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Paths of the files that the text of `file` extends; none if it is not sound, which
/// is told when it is loaded.
pub(super) fn named_paths(file: &Path, text: &str) -> Vec<PathBuf> {
    let Ok(table) = DeTable::parse(text) else {
        return Vec::new();
    };
    let named = table.into_inner().remove("extend");
    let texts = match named.map(toml::Spanned::into_inner) {
        Some(DeValue::String(name)) => vec![name.into_owned()],
        Some(DeValue::Array(names)) => names
            .into_iter()
            .filter_map(|name| match name.into_inner() {
                DeValue::String(name) => Some(name.into_owned()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    texts.iter().map(|name| beside(file, name)).collect()
}

/// A path that counts from the folder of `file`.
fn beside(file: &Path, name: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(name)
}

/// Layers of the files that a manifest extends.
#[derive(Debug)]
pub(super) struct Extended {
    /// Layer of each file of the sources that could be read.
    layers: Vec<Option<usize>>,
}

impl Extended {
    /// Adds a layer for each file that the sources hold.
    pub(super) fn new<'a>(sources: &'a Sources, report: &mut Report<'a>) -> Self {
        let files = sources.extended.iter();
        let layers = files
            .map(|file| {
                let text = file.text.as_ref().ok()?;
                let path = &file.path;
                Some(report.add_layer(Layer::File { path, text }))
            })
            .collect();
        Self { layers }
    }

    /// The documents of all files, weakest first, without the manifest itself.
    ///
    /// A file that several extend counts once, below the first of them. Problems are
    /// reported; `None` if there are any.
    pub(super) fn documents(
        &self,
        sources: &Sources,
        manifest: &Node,
        report: &Report<'_>,
    ) -> Option<Vec<Node>> {
        let bytes = sources
            .extended
            .iter()
            .filter_map(|file| file.text.as_ref().ok());
        let bytes: usize = bytes.map(String::len).sum();
        let mut walk = Walk {
            layers: &self.layers,
            sources,
            report,
            chain: vec![sources.path.clone()],
            done: Vec::new(),
            documents: Vec::new(),
            sound: true,
        };
        if bytes + sources.text.len() > MOST_BYTES {
            if let Some(entry) = manifest.at("extend") {
                let found = format!("{bytes} bytes of extended files");
                walk.refuse(entry, &entry.node, found, format!("at most {MOST_BYTES}"));
            }
            return None;
        }
        walk.below(&sources.path, manifest);
        walk.sound.then_some(walk.documents)
    }
}

struct Walk<'a> {
    layers: &'a [Option<usize>],
    sources: &'a Sources,
    report: &'a Report<'a>,
    /// Paths of the files from the manifest to the one that is read.
    chain: Vec<PathBuf>,
    /// Paths of the files whose documents are there.
    done: Vec<PathBuf>,
    documents: Vec<Node>,
    sound: bool,
}

impl Walk<'_> {
    fn refuse(&mut self, entry: &Entry, node: &Node, found: String, expected: String) {
        let message = Message {
            code: "manifest::bad_extend",
            key: entry.key.clone(),
            found,
            expected,
            help: None,
        };
        self.report.push(node.place, message);
        self.sound = false;
    }

    /// Adds the documents of the files that `document` extends.
    fn below(&mut self, file: &Path, document: &Node) {
        let Some(entry) = document.at("extend") else {
            return;
        };
        let nodes = match &entry.node.value {
            Value::Text(_) => std::slice::from_ref(&entry.node),
            Value::Array(nodes) => nodes.as_slice(),
            _ => &[],
        };
        let all_texts = nodes
            .iter()
            .all(|node| matches!(node.value, Value::Text(_)));
        if nodes.is_empty() || !all_texts {
            let expected = "the path of a manifest, or a list of such paths".to_owned();
            return self.refuse(entry, &entry.node, entry.node.describe(), expected);
        }
        for node in nodes {
            if let Value::Text(name) = &node.value {
                self.file(entry, node, name, &beside(file, name));
            }
        }
    }

    fn file(&mut self, entry: &Entry, node: &Node, name: &str, path: &Path) {
        let path = self.sources.known_as(path);
        let identity = path.to_owned();
        if self.chain.contains(&identity) {
            let found = format!("{}, which extends this file in turn", quoted(name));
            let expected = "files that do not extend one another in a circle".to_owned();
            return self.refuse(entry, node, found, expected);
        }
        if self.done.contains(&identity) {
            return;
        }
        if self.chain.len() > LONGEST_CHAIN {
            let found = format!("a chain of more than {LONGEST_CHAIN} files");
            let expected = format!("at most {LONGEST_CHAIN} files, each extending the next");
            return self.refuse(entry, node, found, expected);
        }
        let files = &self.sources.extended;
        let Some(position) = files.iter().position(|file| file.path == path) else {
            let found = format!("{}, which was not read", quoted(name));
            let expected = format!("at most {MOST_FILES} files that a manifest extends");
            return self.refuse(entry, node, found, expected);
        };
        let (text, layer) = match (&files[position].text, self.layers[position]) {
            (Ok(text), Some(layer)) => (text, layer),
            (text, _) => {
                let reason = text.as_ref().err().map_or("not read", String::as_str);
                let found = format!("{}, which cannot be read: {reason}", quoted(name));
                let expected = format!("a manifest at `{}`", path.display());
                return self.refuse(entry, node, found, expected);
            }
        };
        let Some(document) = parse::document(text, layer, self.report) else {
            self.sound = false;
            return;
        };
        self.chain.push(identity.clone());
        self.below(path, &document);
        self.chain.pop();
        self.done.push(identity);
        self.documents.push(document);
    }
}

/// Whether this program has the version that a document asks for.
///
/// What does not is reported.
pub(super) fn check_version(document: &Node, report: &Report<'_>) -> bool {
    let Some(entry) = document.at("required-version") else {
        return true;
    };
    let refuse = |code, found: String, expected: String, help: String| {
        let message = Message {
            code,
            key: entry.key.clone(),
            found,
            expected,
            help: Some(help),
        };
        report.push(entry.node.place, message);
        false
    };
    let example = "write, for example, `required-version = \">=0.1, <0.3\"`".to_owned();
    let Value::Text(text) = &entry.node.value else {
        let expected = "a text that tells versions".to_owned();
        return refuse(
            "manifest::bad_version",
            entry.node.describe(),
            expected,
            example,
        );
    };
    let (required, version) = match (VersionReq::parse(text), Version::parse(VERSION)) {
        (Ok(required), Ok(version)) => (required, version),
        (Err(error), _) | (_, Err(error)) => {
            let expected = format!("a requirement on the version ({error})");
            return refuse("manifest::bad_version", quoted(text), expected, example);
        }
    };
    if required.matches(&version) {
        return true;
    }
    refuse(
        "manifest::required_version",
        format!("latentfield {VERSION}"),
        format!("a version that is `{text}`"),
        "install such a version, or change `required-version` if the manifest is meant for this \
         one"
        .to_owned(),
    )
}
