//! `cache gc`: what nobody needs.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::args::{ManifestArguments, OutputFormat};
use super::super::quantity::{SECONDS_A_DAY, bytes, now_unix};
use super::super::{Outcome, diagnostic::put, prepare};
use super::{CollectArguments, put_json, stored};
use crate::engine::Store;
use crate::engine::store::{Collection, Garbage, Keep, Removal};

/// Removals that are told one by one; of more, each reason is told with a count.
const TOLD: usize = 40;

pub(super) fn collect(arguments: &CollectArguments) -> Result<Outcome, Outcome> {
    let mut keep = Keep::default();
    for manifest in &arguments.manifests {
        let manifest = ManifestArguments {
            manifest: manifest.clone(),
            sets: arguments.sets.clone(),
        };
        keep.add(&prepare::prepare(&manifest)?.plan);
    }
    let days = arguments.keep_days.map(f64::from);
    keep.finished_after = days.map(|days| now_unix() - days * SECONDS_A_DAY);
    let store = if arguments.delete {
        // From here to the end nobody else can begin to use it.
        arguments.store.open_by(Store::open_alone)?
    } else {
        arguments.store.open()?
    };
    let collection = stored(store.garbage(keep))?;
    if arguments.delete {
        stored(store.collect(&collection, now_unix()))?;
    }
    match arguments.store.format {
        OutputFormat::Json => json(&collection, arguments.delete),
        OutputFormat::Text => text(&collection, arguments.delete),
    }
    Ok(Outcome::Done)
}

fn json(collection: &Collection, deleted: bool) {
    let removal = |removal: &Removal| {
        json!({
            "kind": removal.kind.name(), "name": removal.name, "stage": removal.stage,
            "key": removal.key, "bytes": removal.bytes, "reason": removal.reason,
        })
    };
    put_json(&json!({
        "format": 1,
        "deleted": deleted,
        "removals": collection.removals.iter().map(removal).collect::<Vec<_>>(),
        "bytes": collection.bytes(),
        "kept": { "entries": collection.kept, "bytes": collection.kept_bytes },
    }));
}

fn text(collection: &Collection, deleted: bool) {
    if collection.removals.len() <= TOLD {
        for removal in &collection.removals {
            put(&format!(
                "{:<10} {}, {}: {}",
                removal.kind.name(),
                removal.name,
                bytes(removal.bytes),
                removal.reason
            ));
        }
    } else {
        grouped(collection);
    }
    let count = |kind| {
        collection
            .removals
            .iter()
            .filter(|r| r.kind == kind)
            .count()
    };
    let what = format!(
        "{} entries and {} other things, {}",
        count(Garbage::Entry),
        collection.removals.len() - count(Garbage::Entry),
        bytes(collection.bytes()),
    );
    let kept = format!(
        "{} entries stay, {}",
        collection.kept,
        bytes(collection.kept_bytes)
    );
    put(&if deleted {
        format!("{what} removed; {kept}")
    } else {
        format!("{what} would be removed, with --delete they are; {kept}")
    });
}

/// A line a stage and reason, with one example.
fn grouped(collection: &Collection) {
    let mut groups: BTreeMap<(&str, &str, &str), (usize, u64, &str)> = BTreeMap::new();
    for removal in &collection.removals {
        let stage = removal.stage.as_deref().unwrap_or_default();
        let group = groups
            .entry((removal.kind.name(), stage, &removal.reason))
            .or_insert((0, 0, &removal.name));
        group.0 += 1;
        group.1 += removal.bytes;
    }
    for ((kind, stage, reason), (count, size, example)) in groups {
        let space = if stage.is_empty() { "" } else { " " };
        put(&format!(
            "{kind:<10} {count} ×{space}{stage} such as {example}, {}: {reason}",
            bytes(size)
        ));
    }
}
