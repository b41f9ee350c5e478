//! What happens to the files of a run while nobody looks, or while it runs, is
//! found, told once and put right.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::faults::TINY;
use crate::support::{
    Ended, Experiment, POINT, SWEEP, assert_same, files, names, text, wait_until,
};

/// Lines of stderr that tell what was put right.
fn mended(ended: &Ended) -> Vec<&str> {
    ended
        .stderr
        .lines()
        .filter(|line| line.contains("mended "))
        .collect()
}

/// Damages something below the results; the text names it in what is told.
type Damage = (&'static str, fn(&Experiment));

/// The table of the sampler in the store.
fn entry(experiment: &Experiment) -> std::path::PathBuf {
    let folder = experiment.path("results/.store/v1/table");
    let mut found: Vec<_> = files(&folder).into_keys().collect();
    found.retain(|path| path.ends_with("sampling.parquet"));
    assert_eq!(found.len(), 1, "{found:?}");
    folder.join(&found[0])
}

fn sibling(experiment: &Experiment, name: &str) -> std::path::PathBuf {
    entry(experiment).with_file_name(name)
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

fn inflate(path: &Path) {
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .expect("a file");
    // A terabyte that takes no room.
    file.set_len(1 << 40).expect("a longer file");
}

const DAMAGED_ENTRIES: [Damage; 10] = [
    ("`sampling.parquet`: found", |e| {
        let bytes = std::fs::read(entry(e)).unwrap();
        write(&entry(e), &bytes[..bytes.len() / 2]);
    }),
    ("`sampling.parquet`: found digest", |e| {
        let mut bytes = std::fs::read(entry(e)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 16;
        write(&entry(e), &bytes);
    }),
    ("`sampling.parquet`: found 0 bytes", |e| {
        write(&entry(e), b"")
    }),
    ("`sampling.parquet`: it is missing", |e| {
        std::fs::remove_file(entry(e)).unwrap()
    }),
    ("`stranger` does not belong there", |e| {
        write(&sibling(e, "stranger"), b"")
    }),
    ("`entry.json` is missing", |e| {
        std::fs::remove_file(sibling(e, "entry.json")).unwrap()
    }),
    ("`entry.json` is not an entry", |e| {
        write(&sibling(e, "entry.json"), b"\xff\x00{]")
    }),
    ("entry.json`: Is a directory", |e| {
        std::fs::remove_file(sibling(e, "entry.json")).unwrap();
        std::fs::create_dir(sibling(e, "entry.json")).unwrap();
    }),
    ("expected at most", |e| inflate(&sibling(e, "entry.json"))),
    ("`sampling.parquet`: found", |e| inflate(&entry(e))),
];

#[test]
fn a_damaged_entry_is_set_aside_told_once_and_made_again() {
    let experiment = Experiment::new(TINY);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    for (number, (said, damage)) in DAMAGED_ENTRIES.into_iter().enumerate() {
        damage(&experiment);
        let ended = experiment.run(&[]).with_code(0);
        let told = mended(&ended);
        let [line] = &told[..] else {
            panic!("damage {number} ({said}):\n{}", ended.stderr)
        };
        assert!(line.contains(said) && line.contains("set aside"), "{line}");
        let aside = experiment.entries("results", "_damaged");
        assert_eq!(aside.len(), number + 1, "{aside:?}");
        assert!(
            aside
                .iter()
                .any(|name| line.contains(&format!("results/.store/v1/_damaged/{name}"))),
            "{line}"
        );
        assert!(ended.summary().starts_with("1 done"), "{}", ended.summary());
        assert_same(&experiment.tables("results"), &tables);
        let again = experiment.run(&["--expect-cached"]).with_code(0);
        assert!(mended(&again).is_empty(), "{}", again.stderr);
    }
}
