//! Lays the layers over one another; the only file that names figment.
//!
//! Figment merges handles: each value of a layer that is not a table goes into
//! a list, and figment sees its position there. So every value keeps its place.
//! Defaults lie below all layers; each section applies its own when it is read.

use figment::value::{Dict, Map, Value as Handle};
use figment::{Error, Figment, Metadata, Profile, Provider};

use super::node::{Entry, Node, Place, Value};
use super::overrides::Override;

/// The layers of a manifest, weakest first.
#[derive(Debug)]
pub(super) struct Layers {
    /// The user file, the files that the manifest extends, and the manifest.
    pub(super) files: Vec<Node>,
    /// The environment and `--set`.
    pub(super) overrides: Vec<Override>,
}

/// Bits of a byte's position in a file; files are far shorter.
const FILE_BITS: u32 = 32;

struct Provided(Dict);

impl Provider for Provided {
    fn metadata(&self) -> Metadata {
        Metadata::named("layer")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.0.clone()))
    }
}

impl Layers {
    /// The merged table.
    ///
    /// Tables merge key by key, later layers win, arrays are replaced whole. A
    /// table given whole by the environment or `--set` replaces what was there.
    pub(super) fn merge(&self) -> Node {
        let mut values: Vec<&Node> = Vec::new();
        let mut layers: Vec<Dict> = Vec::new();
        for file in &self.files {
            layers.push(handles(file, &mut values));
        }
        for over in &self.overrides {
            if matches!(over.value.value, Value::Table(_)) {
                for layer in &mut layers {
                    remove(layer, &over.path);
                }
            }
            layers.push(nested(&over.path, handle(&over.value, &mut values)));
        }
        let figment = layers.into_iter().fold(Figment::new(), |figment, layer| {
            figment.merge(Provided(layer))
        });
        // An empty path names the whole; the merge of plain tables cannot fail.
        let merged = figment
            .find_value("")
            .ok()
            .and_then(Handle::into_dict)
            .unwrap_or_default();
        let place = self.files.last().map_or(
            Place {
                layer: 0,
                start: 0,
                end: 0,
            },
            |file| file.place,
        );
        Node {
            place,
            value: Value::Table(self.entries(&merged, &[], &values)),
        }
    }

    fn entries(&self, dict: &Dict, path: &[&str], values: &[&Node]) -> Vec<Entry> {
        let mut entries: Vec<Entry> = dict
            .iter()
            .filter_map(|(key, handle)| {
                let path = [path, &[key.as_str()]].concat();
                let mut found = self.locate(&path)?;
                let node = match handle {
                    Handle::Dict(_, inner) => Node {
                        place: found.table,
                        value: Value::Table(self.entries(inner, &path, values)),
                    },
                    _ => (*values.get(usize::try_from(handle.to_u128()?).ok()?)?).clone(),
                };
                // A key that several files have is shown in the one whose value wins.
                let winner = self
                    .files
                    .iter()
                    .find(|file| file.place.layer == node.place.layer);
                if let Some(entry) = winner.and_then(|file| exact(file, &path)) {
                    found.key = entry.key_place;
                }
                let same_layer = node.place.layer == found.key.layer;
                Some(Entry {
                    key: key.clone(),
                    key_place: if same_layer { found.key } else { node.place },
                    order: found.order,
                    node,
                })
            })
            .collect();
        entries.sort_by_key(|entry| entry.order);
        entries
    }

    /// Where a key stands: in the last file that has it, else in the latest layer.
    ///
    /// Its order is that of the first file that has it; files come one after the other.
    fn locate(&self, path: &[&str]) -> Option<Located> {
        let mut files = self.files.iter().enumerate();
        let first = files.find_map(|(rank, file)| Some((rank, exact(file, path)?)));
        if let Some((rank, first)) = first {
            let later = files.rev().find_map(|(_, file)| exact(file, path));
            let entry = later.unwrap_or(first);
            return Some(Located {
                key: entry.key_place,
                table: entry.node.place,
                order: (rank << FILE_BITS) + first.order,
            });
        }
        let touches = |over: &&Override| {
            over.path
                .split('.')
                .zip(path)
                .all(|(over, &key)| over == key)
        };
        let over = self.overrides.iter().rev().find(touches)?;
        let place = over.value.place;
        Some(Located {
            key: place,
            table: place,
            order: usize::MAX / 2 + place.layer,
        })
    }
}

struct Located {
    key: Place,
    table: Place,
    order: usize,
}

fn exact<'a>(node: &'a Node, path: &[&str]) -> Option<&'a Entry> {
    let (first, rest) = path.split_first()?;
    let entry = node.entries().iter().find(|entry| entry.key == *first)?;
    if rest.is_empty() {
        Some(entry)
    } else {
        exact(&entry.node, rest)
    }
}

fn handles<'a>(node: &'a Node, values: &mut Vec<&'a Node>) -> Dict {
    node.entries()
        .iter()
        .map(|entry| (entry.key.clone(), handle(&entry.node, values)))
        .collect()
}

fn handle<'a>(node: &'a Node, values: &mut Vec<&'a Node>) -> Handle {
    if matches!(node.value, Value::Table(_)) {
        return Handle::from(handles(node, values));
    }
    values.push(node);
    Handle::from(values.len() - 1)
}

/// A table that holds `value` at a dotted path and nothing else.
fn nested(path: &str, value: Handle) -> Dict {
    let (first, value) = match path.split_once('.') {
        Some((first, rest)) => (first, Handle::from(nested(rest, value))),
        None => (path, value),
    };
    Dict::from([(first.to_owned(), value)])
}

fn remove(dict: &mut Dict, path: &str) {
    match path.split_once('.') {
        None => drop(dict.remove(path)),
        Some((first, rest)) => {
            if let Some(Handle::Dict(_, inner)) = dict.get_mut(first) {
                remove(inner, rest);
            }
        }
    }
}
