//! `cache ls`: what the store holds.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::args::OutputFormat;
use super::super::quantity::{SECONDS_A_DAY, age, bytes, grid, now_unix};
use super::super::{Outcome, diagnostic::put};
use super::{By, ListArguments, put_json, stored};
use crate::engine::store::{Inventory, Item, Root};
use crate::plan::Key;

/// Entries that are shown of all, the largest first; JSON has all.
const SHOWN: usize = 40;

/// Days up to which an entry is of an age, and what that is called.
const AGES: [(f64, &str); 5] = [
    (1.0, "up to a day"),
    (7.0, "up to a week"),
    (30.0, "up to 30 days"),
    (365.0, "up to a year"),
    (f64::INFINITY, "older"),
];

pub(super) fn list(arguments: &ListArguments) -> Result<Outcome, Outcome> {
    let store = arguments.store.open()?;
    let inventory = stored(store.inventory())?;
    let groups = match arguments.by {
        By::Stage => by_stage(&inventory),
        By::Age => by_age(&inventory),
        By::Experiment => by_experiment(&inventory, &stored(store.roots())?),
        By::Size => Vec::new(),
    };
    let path = store.path().display().to_string();
    match (arguments.store.format, arguments.by) {
        (OutputFormat::Json, By::Size) => put_json(&json!({
            "format": 1, "store": path, "entries": entries_json(&inventory),
            "total": total_json(&inventory),
        })),
        (OutputFormat::Json, _) => put_json(&json!({
            "format": 1, "store": path,
            "groups": groups.iter().map(Group::json).collect::<Vec<_>>(),
            "total": total_json(&inventory),
        })),
        (OutputFormat::Text, By::Size) => put_entries(&inventory),
        (OutputFormat::Text, _) => put_groups(&groups),
    }
    if arguments.store.format == OutputFormat::Text {
        put(&summary(&path, &inventory));
    }
    Ok(Outcome::Done)
}

/// Some entries under a name.
struct Group {
    name: String,
    entries: usize,
    bytes: u64,
    oldest_unix: Option<f64>,
    newest_unix: Option<f64>,
    /// What else is known of them, such as where their results are.
    note: String,
}

impl Group {
    fn of<'i>(name: &str, items: impl IntoIterator<Item = &'i Item>) -> Self {
        let mut group = Self {
            name: name.to_owned(),
            entries: 0,
            bytes: 0,
            oldest_unix: None,
            newest_unix: None,
            note: String::new(),
        };
        for item in items {
            group.entries += 1;
            group.bytes += item.bytes;
            if let Some(at) = finished(item) {
                group.oldest_unix = Some(group.oldest_unix.map_or(at, |oldest| at.min(oldest)));
                group.newest_unix = Some(group.newest_unix.map_or(at, |newest| at.max(newest)));
            }
        }
        group
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "entries": self.entries, "bytes": self.bytes,
            "oldest_unix": self.oldest_unix, "newest_unix": self.newest_unix, "note": self.note,
        })
    }
}

fn finished(item: &Item) -> Option<f64> {
    item.entry.as_ref().map(|entry| entry.finished_unix)
}

fn by_stage(inventory: &Inventory) -> Vec<Group> {
    let stages = inventory.items.chunk_by(|a, b| a.stage == b.stage);
    stages
        .map(|items| Group::of(&items[0].stage, items))
        .collect()
}

fn by_age(inventory: &Inventory) -> Vec<Group> {
    let now = now_unix();
    let days = |item: &&Item| finished(item).map(|at| (now - at) / SECONDS_A_DAY);
    let mut youngest = f64::NEG_INFINITY;
    let mut groups = Vec::new();
    for (oldest, name) in AGES {
        let items = inventory.items.iter();
        let fitting = items.filter(|item| days(item).is_some_and(|d| d > youngest && d <= oldest));
        groups.push(Group::of(name, fitting));
        youngest = oldest;
    }
    let unread = inventory.items.iter().filter(|item| item.entry.is_none());
    groups.push(Group::of("cannot be read", unread));
    groups.retain(|group| group.entries > 0);
    groups
}

/// Entries that several folders need are counted with each.
fn by_experiment(inventory: &Inventory, roots: &[Root]) -> Vec<Group> {
    let by_key: HashMap<&Key, &Item> = inventory
        .items
        .iter()
        .map(|item| (&item.key, item))
        .collect();
    let mut uses: HashMap<&Key, usize> = HashMap::new();
    for key in roots.iter().flat_map(Root::keys) {
        *uses.entry(key).or_default() += 1;
    }
    let mut groups = Vec::new();
    for root in roots {
        let items = || root.keys().filter_map(|key| by_key.get(key).copied());
        let mut group = Group::of(&root.experiment, items());
        let alone: u64 = items().filter(|i| uses[&i.key] == 1).map(|i| i.bytes).sum();
        let gone = if root.is_alive() {
            ""
        } else {
            ", which is gone"
        };
        let folder = root.results.display();
        group.note = format!("{} for it alone; {folder}{gone}", bytes(alone));
        groups.push(group);
    }
    let unneeded = inventory
        .items
        .iter()
        .filter(|item| !uses.contains_key(&item.key));
    let mut none = Group::of("(no results folder)", unneeded);
    "see `cache gc`".clone_into(&mut none.note);
    groups.push(none);
    groups.retain(|group| group.entries > 0);
    groups
}

fn put_groups(groups: &[Group]) {
    let now = now_unix();
    let shown = |at: Option<f64>| at.map_or(String::new(), |at| age(now - at));
    let rows = groups.iter().map(|group| {
        vec![
            group.name.clone(),
            group.entries.to_string(),
            bytes(group.bytes),
            shown(group.oldest_unix),
            shown(group.newest_unix),
            group.note.clone(),
        ]
    });
    let header = ["name", "entries", "size", "oldest", "newest", ""];
    put(&grid(&header, rows));
}

fn largest_first(inventory: &Inventory) -> Vec<&Item> {
    let mut items: Vec<&Item> = inventory.items.iter().collect();
    items.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.key.cmp(&b.key)));
    items
}

fn put_entries(inventory: &Inventory) {
    let now = now_unix();
    let items = largest_first(inventory);
    let rows = items.iter().take(SHOWN).map(|item| {
        vec![
            item.name(),
            item.key.short().to_owned(),
            bytes(item.bytes),
            finished(item).map_or(String::new(), |at| age(now - at)),
        ]
    });
    put(&grid(&["entry", "key", "size", "age"], rows));
    if items.len() > SHOWN {
        put(&format!("{SHOWN} of {} entries", items.len()));
    }
}

fn entries_json(inventory: &Inventory) -> Vec<Value> {
    let entry = |item: &&Item| {
        json!({
            "stage": item.stage, "key": item.key, "label": item.entry.as_ref().map(|e| &e.label),
            "bytes": item.bytes, "finished_unix": finished(item),
            "seconds": item.entry.as_ref().map(|e| e.seconds),
            "threads": item.entry.as_ref().and_then(|e| e.threads),
        })
    };
    largest_first(inventory).iter().map(entry).collect()
}

fn total_json(inventory: &Inventory) -> Value {
    let sum = |parts: &[crate::engine::store::Part]| parts.iter().map(|p| p.bytes).sum::<u64>();
    json!({
        "entries": inventory.items.len(),
        "bytes": inventory.items.iter().map(|item| item.bytes).sum::<u64>(),
        "damaged": { "count": inventory.damaged.len(), "bytes": sum(&inventory.damaged) },
        "checkpoints": { "count": inventory.checkpoints.len(), "bytes": sum(&inventory.checkpoints) },
        "unfinished": { "count": inventory.private.len(), "bytes": sum(&inventory.private) },
        "strangers": inventory.strangers,
    })
}

fn summary(path: &str, inventory: &Inventory) -> String {
    let total: u64 = inventory.items.iter().map(|item| item.bytes).sum();
    let mut text = format!(
        "{path}: {} entries, {}",
        inventory.items.len(),
        bytes(total)
    );
    for (parts, what) in [
        (&inventory.damaged, "set aside as damaged"),
        (&inventory.checkpoints, "checkpoints of unfinished tasks"),
        (&inventory.private, "unfinished results"),
    ] {
        if !parts.is_empty() {
            let size = parts.iter().map(|part| part.bytes).sum();
            text = format!("{text}; {} {what}, {}", parts.len(), bytes(size));
        }
    }
    if !inventory.strangers.is_empty() {
        text = format!("{text}; {} strangers", inventory.strangers.len());
    }
    text
}
