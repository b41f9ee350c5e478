//! Every path and file name below the results.

use std::path::{Path, PathBuf};

use crate::plan::Key;

/// Format of the store; a part of its folder names.
pub(crate) const STORE_FORMAT: u32 = 1;

/// Name of the file in which an entry describes itself.
pub(crate) const ENTRY_FILE: &str = "entry.json";

/// Names of the files in the results folder of an experiment.
pub(crate) const MANIFEST: &str = "manifest.toml";
pub(crate) const RUN_FILE: &str = "run.json";
pub(crate) const INDEX: &str = "index.md";
pub(crate) const EVENT_LOG: &str = "log.jsonl";

/// End of the name of a file that is being written.
pub(crate) const PARTIAL: &str = ".partial";

/// Longest name of an output, in bytes.
const NAME_LENGTH: usize = 100;

/// Longest part of a log file's name that comes from a label.
const LOG_NAME_LENGTH: usize = 80;

/// Paths within a store.
#[derive(Debug, Clone)]
pub(crate) struct StoreLayout {
    root: PathBuf,
}

impl StoreLayout {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Holds the number of the newest format that was used here.
    pub(crate) fn format_file(&self) -> PathBuf {
        self.root.join("FORMAT")
    }

    /// Tells backup programs that the folder can be made again.
    pub(crate) fn cache_tag(&self) -> PathBuf {
        self.root.join("CACHEDIR.TAG")
    }

    /// The folder of this format: one folder a stage, and the areas.
    pub(crate) fn versioned(&self) -> PathBuf {
        self.root.join(format!("v{STORE_FORMAT}"))
    }

    pub(crate) fn stage(&self, stage: &str) -> PathBuf {
        self.versioned().join(stage)
    }

    pub(crate) fn entry(&self, stage: &str, key: &Key) -> PathBuf {
        self.stage(stage).join(key.as_str())
    }

    pub(crate) fn work_area(&self) -> PathBuf {
        self.area("work")
    }

    pub(crate) fn work(&self, key: &Key) -> PathBuf {
        self.work_area().join(key.as_str())
    }

    pub(crate) fn claim(&self, key: &Key) -> PathBuf {
        self.claim_area().join(key.as_str())
    }

    /// Held while what is common to the whole store is written.
    pub(crate) fn store_claim(&self) -> PathBuf {
        self.claim_area().join("store")
    }

    /// Held by who collects, and so needs the store alone.
    pub(crate) fn collecting_claim(&self) -> PathBuf {
        self.claim_area().join("collecting")
    }

    /// One file a task on which somebody works.
    pub(crate) fn claim_area(&self) -> PathBuf {
        self.area("claims")
    }

    /// One file a process that may hold claims.
    pub(crate) fn owner_area(&self) -> PathBuf {
        self.area("owners")
    }

    /// Where programs of an earlier version kept their locks; of no use any more.
    pub(crate) fn old_lock_area(&self) -> PathBuf {
        self.area("locks")
    }

    /// The records of what each results folder needs.
    pub(crate) fn root_area(&self) -> PathBuf {
        self.area("roots")
    }

    pub(crate) fn root_file(&self, name: &str) -> PathBuf {
        self.root_area().join(format!("{name}.json"))
    }

    /// What has been collected, a line an entry.
    pub(crate) fn collected(&self) -> PathBuf {
        self.versioned().join("_collected.jsonl")
    }

    pub(crate) fn private_area(&self) -> PathBuf {
        self.area("tmp")
    }

    /// A folder for a task on its way into the store; `unique` tells it from others.
    pub(crate) fn private(&self, key: &Key, unique: &str) -> PathBuf {
        self.private_area().join(format!("{key}-{unique}"))
    }

    /// The key of the task that a private folder belongs to.
    pub(crate) fn key_of_private(name: &str) -> Option<Key> {
        Key::parse(name.get(..64)?).filter(|_| name[64..].starts_with('-'))
    }

    pub(crate) fn damaged(&self, stage: &str, key: &Key, unique: &str) -> PathBuf {
        self.area("damaged").join(format!("{stage}-{key}-{unique}"))
    }

    pub(crate) fn damaged_area(&self) -> PathBuf {
        self.area("damaged")
    }

    /// Stage and key of an entry that was set aside as `name`.
    pub(crate) fn set_aside_as(name: &str) -> Option<(&str, Key)> {
        // The name of a stage may hold a `-`, a key does not.
        name.match_indices('-').find_map(|(dash, _)| {
            let rest = name.get(dash + 1..)?;
            let key = Key::parse(rest.get(..64)?)?;
            rest[64..].starts_with('-').then(|| (&name[..dash], key))
        })
    }

    /// Holds an empty file for each entry that has warnings.
    pub(crate) fn warned_area(&self) -> PathBuf {
        self.area("warned")
    }

    pub(crate) fn warned(&self, key: &Key) -> PathBuf {
        self.warned_area().join(key.as_str())
    }

    /// The folders that every store has.
    pub(crate) fn areas(&self) -> [PathBuf; 6] {
        ["work", "claims", "owners", "tmp", "damaged", "roots"].map(|name| self.area(name))
    }

    /// Areas are named so that no stage's name can clash with them.
    fn area(&self, name: &str) -> PathBuf {
        self.versioned().join(format!("_{name}"))
    }
}

/// What a path below the results is, in the names of fault points.
#[cfg_attr(not(test), allow(dead_code, reason = "only fault points ask"))]
pub(super) fn place_of(path: &Path) -> &'static str {
    let names: Vec<String> = path
        .components()
        .rev()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let name = |up: usize| names.get(up).map_or("", String::as_str);
    // `.NAME.UNIQUE.partial` is on its way to NAME.
    let own = match name(0).strip_suffix(PARTIAL) {
        Some(partial) => partial
            .trim_start_matches('.')
            .rsplit_once('.')
            .map_or(partial, |(target, _)| target),
        None => name(0),
    };
    let versioned = format!("v{STORE_FORMAT}");
    match (own, name(1), name(2)) {
        ("FORMAT", ..) => "format",
        ("CACHEDIR.TAG", ..) => "tag",
        (ENTRY_FILE, ..) => "entry",
        ("run.json", ..) => "run",
        ("log.jsonl", ..) => "log",
        ("manifest.toml", ..) => "manifest",
        ("index.md", ..) => "index",
        ("ro-crate-metadata.json", ..) => "crate",
        (".claim", ..) => "results_claim",
        ("_work" | "_claims" | "_owners" | "_tmp" | "_damaged" | "_roots" | "_warned", ..) => {
            "area"
        }
        (_, "_roots", _) => "root",
        (_, "_warned", _) => "warned",
        ("store", "_claims", _) => "store_claim",
        ("collecting", "_claims", _) => "collecting_claim",
        (_, "_claims", _) => "claim",
        (_, "_owners", _) => "owner",
        (_, "_tmp", _) => "private",
        (_, _, "_tmp") => "output",
        (_, "_work", _) => "work",
        (_, _, "_work") => "checkpoint",
        (_, "_damaged", _) => "damaged",
        (_, above, _) if above == versioned => "stage",
        (_, _, above) if above == versioned => "published",
        _ if name(3) == versioned => "stored",
        (_, "tables", _) => "table",
        (_, "plots", _) => "figure",
        (_, "logs", _) => "failure_log",
        ("tables" | "plots" | "logs", ..) => "results_part",
        (own, ..) if own == versioned => "versioned",
        _ => "folder",
    }
}

/// Paths within the results of one experiment.
#[derive(Debug, Clone)]
pub(crate) struct ResultsLayout {
    folder: PathBuf,
}

impl ResultsLayout {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn table(name: &str) -> String {
        format!("tables/{}", Self::table_file(name))
    }

    pub(crate) fn plot(name: &str) -> String {
        format!("plots/{}", Self::plot_file(name))
    }

    /// Name of a table's file, in its entry as in the results.
    pub(crate) fn table_file(name: &str) -> String {
        format!("{name}.parquet")
    }

    /// Name of a figure's file, in its entry as in the results.
    pub(crate) fn plot_file(name: &str) -> String {
        format!("{name}.png")
    }

    pub(crate) fn provenance(&self) -> PathBuf {
        self.folder.join(RUN_FILE)
    }

    pub(crate) fn event_log(&self) -> PathBuf {
        self.folder.join(EVENT_LOG)
    }

    /// The claim of who brings the folder up to date.
    pub(crate) fn claim(&self) -> PathBuf {
        self.folder.join(".claim")
    }

    pub(crate) fn failure_log(&self, label: &str, key: &Key) -> PathBuf {
        let plain = |c: char| match c {
            c if c.is_ascii_alphanumeric() || "._-=".contains(c) => c,
            _ => '_',
        };
        let name: String = label.chars().take(LOG_NAME_LENGTH).map(plain).collect();
        self.folder
            .join("logs")
            .join(format!("{name}-{}.log", key.short()))
    }
}

/// Whether `name` may name an output or a checkpoint.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    !name.is_empty()
        && name.len() <= NAME_LENGTH
        && !name.starts_with('.')
        && !name.ends_with(PARTIAL)
        && name != ENTRY_FILE
        && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_can_be_outputs() {
        for good in ["samples.parquet", "a", "best-1_2.safetensors", "x..y"] {
            assert!(is_plain_name(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            ".x",
            "a/b",
            "a\\b",
            "a b",
            "entry.json",
            "ä",
            "x.partial",
        ] {
            assert!(!is_plain_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_label_cannot_leave_the_folder_of_logs() {
        let key = Key::parse(&"ab".repeat(32)).unwrap();
        let layout = ResultsLayout::new(PathBuf::from("results/x"));
        let path = layout.failure_log("train[a=../../é, b=1]", &key);
        assert_eq!(
            path,
            Path::new("results/x/logs/train_a=.._..____b=1_-abababab.log")
        );
    }

    #[test]
    fn every_path_says_what_it_is() {
        let key = Key::parse(&"0f".repeat(32)).unwrap();
        let store = StoreLayout::new(Path::new("results/.store"));
        let results = ResultsLayout::new(PathBuf::from("results/trial"));
        let places = [
            (store.root().to_owned(), "folder"),
            (store.format_file(), "format"),
            (store.private_area(), "area"),
            (store.stage("table"), "stage"),
            (store.entry("table", &key), "published"),
            (store.entry("table", &key).join("x.parquet"), "stored"),
            (store.entry("table", &key).join(ENTRY_FILE), "entry"),
            (store.private(&key, "7-1"), "private"),
            (store.private(&key, "7-1").join("x.parquet"), "output"),
            (store.work(&key).join("state"), "checkpoint"),
            (store.work(&key).join(".state.7-1.partial"), "checkpoint"),
            (store.claim(&key), "claim"),
            (store.store_claim(), "store_claim"),
            (store.collecting_claim(), "collecting_claim"),
            (store.owner_area().join("0f"), "owner"),
            (store.damaged("train", &key, "7-1"), "damaged"),
            (
                results.folder().join("tables/.x.parquet.7-1.partial"),
                "table",
            ),
            (results.folder().join("plots"), "results_part"),
            (results.folder().join(".run.json.7-1.partial"), "run"),
            (results.failure_log("train", &key), "failure_log"),
            (results.claim(), "results_claim"),
            (store.root_file("trial"), "root"),
            (store.root_area(), "area"),
            (store.warned(&key), "warned"),
            (results.folder().join("ro-crate-metadata.json"), "crate"),
        ];
        for (path, expected) in places {
            assert_eq!(place_of(&path), expected, "{}", path.display());
        }
    }

    #[test]
    fn what_was_set_aside_names_its_stage_and_key() {
        let key = Key::parse(&"0f".repeat(32)).unwrap();
        let path = StoreLayout::new(Path::new("s")).damaged("a-b", &key, "7-1");
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(StoreLayout::set_aside_as(name), Some(("a-b", key)));
        for other in ["", "-", "train-7", "train-0f0f"] {
            assert_eq!(StoreLayout::set_aside_as(other), None, "{other}");
        }
    }

    #[test]
    fn a_private_folder_names_its_key() {
        let key = Key::parse(&"0f".repeat(32)).unwrap();
        let path = StoreLayout::new(Path::new("s")).private(&key, "7-1");
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(StoreLayout::key_of_private(name), Some(key));
        for other in [
            "",
            "abc",
            &"0f".repeat(32),
            &format!("{}x1", "0f".repeat(32)),
        ] {
            assert_eq!(StoreLayout::key_of_private(other), None, "{other}");
        }
    }
}
