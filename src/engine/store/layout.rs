//! Every path and file name below the results.

use std::path::{Path, PathBuf};

use crate::plan::Key;

/// Format of the store; a part of its folder names.
pub(crate) const STORE_FORMAT: u32 = 1;

/// Name of the file in which an entry describes itself.
pub(crate) const ENTRY_FILE: &str = "entry.json";

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

    /// Held while a file of the store's own folder is written.
    pub(crate) fn own_lock(&self) -> PathBuf {
        self.root.join(".lock")
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

    pub(crate) fn lock(&self, key: &Key) -> PathBuf {
        self.area("locks").join(format!("{key}.lock"))
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

    /// The folders that every store has.
    pub(crate) fn areas(&self) -> [PathBuf; 4] {
        ["work", "locks", "tmp", "damaged"].map(|name| self.area(name))
    }

    /// Areas are named so that no stage's name can clash with them.
    fn area(&self, name: &str) -> PathBuf {
        self.versioned().join(format!("_{name}"))
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

    pub(crate) fn manifest(&self) -> PathBuf {
        self.folder.join("manifest.toml")
    }

    pub(crate) fn provenance(&self) -> PathBuf {
        self.folder.join("run.json")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.folder.join("index.md")
    }

    pub(crate) fn event_log(&self) -> PathBuf {
        self.folder.join("log.jsonl")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join(".lock")
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
