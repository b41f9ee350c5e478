//! Entries that are whole, and entries that are not.

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::plan::{CodeDigests, FORMAT, Key, KeyParts};

use super::*;

fn parts(number: u32) -> KeyParts {
    KeyParts {
        format: FORMAT,
        stage: "sample".to_owned(),
        stage_version: 1,
        code: CodeDigests::default(),
        parameters: json!({ "number": number, "temperature": 0.1 + 0.2 }),
        needs: [].into(),
    }
}

fn record<'a>(key: &'a Key, key_parts: &'a KeyParts) -> Record<'a> {
    Record {
        key,
        key_parts,
        label: "sample[number=1]",
        warnings: vec!["short".to_owned()],
        started_unix: 1_700_000_000.125,
        finished_unix: 1_700_000_001.3,
        seconds: 1.1,
        threads: 2,
    }
}

fn publish(store: &Store, parts: &KeyParts, files: &[(&str, &[u8])]) -> Publication {
    let key = parts.key();
    let private = store.private_folder(&key).unwrap();
    for (name, bytes) in files {
        private.write(name, bytes).unwrap();
    }
    store.publish(&private, record(&key, parts)).unwrap()
}

const FILES: &[(&str, &[u8])] = &[("a.bin", b"some bytes"), ("b.bin", b"")];

/// A store with one entry, and the folder of that entry.
fn filled() -> (TempDir, Key, std::path::PathBuf) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(publish(&store, &parts(1), FILES), Publication::New);
    let key = parts(1).key();
    let entry = folder.path().join("v1/sample").join(key.as_str());
    (folder, key, entry)
}

fn look(folder: &TempDir, key: &Key) -> Lookup {
    Store::open(folder.path())
        .unwrap()
        .lookup("sample", key)
        .unwrap()
}

#[test]
fn an_entry_comes_back_as_it_was_published() {
    let (folder, key, _) = filled();
    let Lookup::Present(found) = look(&folder, &key) else {
        panic!("not present")
    };
    assert_eq!(found.read("a.bin").unwrap(), b"some bytes");
    assert_eq!(found.entry.files["a.bin"].bytes, 10);
    assert_eq!(found.entry.warnings, ["short"]);
    assert_eq!(found.entry.key_parts, parts(1));
    assert!(matches!(look(&folder, &parts(2).key()), Lookup::Missing));
}

#[test]
fn checkpoints_of_published_tasks_go_and_those_of_others_stay() {
    let (folder, published, _) = filled();
    let unfinished = parts(2).key();
    let store = Store::open(folder.path()).unwrap();
    for key in [&published, &unfinished] {
        store.work_folder(key).write("state", b"half-way").unwrap();
    }
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let read = |key: &Key| store.work_folder(key).read("state").unwrap();
    assert_eq!(read(&published), None);
    assert_eq!(read(&unfinished).as_deref(), Some(&b"half-way"[..]));
}

/// Damages the entry in the given folder, and names how.
type Damage = (&'static str, fn(&Path));

fn flip(path: &Path, position: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[position] ^= 4;
    fs::write(path, bytes).unwrap();
}

/// Makes a file of a terabyte that takes no room.
fn inflate(path: &Path) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(1 << 40).unwrap();
}

const DAMAGES: [Damage; 16] = [
    ("a.bin", |e| {
        fs::write(e.join("a.bin"), b"some bytes and more").unwrap();
    }),
    ("a.bin", |e| fs::write(e.join("a.bin"), b"some").unwrap()),
    ("a.bin", |e| flip(&e.join("a.bin"), 3)),
    ("b.bin", |e| fs::remove_file(e.join("b.bin")).unwrap()),
    ("stray", |e| fs::write(e.join("stray"), b"").unwrap()),
    ("entry.json", |e| {
        fs::remove_file(e.join("entry.json")).unwrap();
    }),
    ("entry.json", |e| {
        fs::write(e.join("entry.json"), b"{").unwrap();
    }),
    ("entry.json", |e| {
        let text = fs::read_to_string(e.join("entry.json")).unwrap();
        fs::write(e.join("entry.json"), text.replace("\"short\"", "\"shirt\"")).unwrap();
    }),
    ("a.bin", |e| {
        fs::remove_file(e.join("a.bin")).unwrap();
        fs::create_dir(e.join("a.bin")).unwrap();
    }),
    ("entry.json", |e| {
        fs::remove_file(e.join("entry.json")).unwrap();
        fs::create_dir(e.join("entry.json")).unwrap();
    }),
    ("entry.json", |e| inflate(&e.join("entry.json"))),
    ("entry.json", |e| {
        fs::write(e.join("entry.json"), "[".repeat(1 << 20)).unwrap();
    }),
    ("entry.json", |e| {
        fs::write(e.join("entry.json"), b"").unwrap();
    }),
    ("a.bin", |e| fs::write(e.join("a.bin"), b"").unwrap()),
    ("a.bin", |e| inflate(&e.join("a.bin"))),
    ("sample", |e| {
        fs::remove_dir_all(e).unwrap();
        fs::write(e, b"a file in the place of a folder").unwrap();
    }),
];

#[test]
fn every_damage_is_found_named_set_aside_and_healed() {
    for (number, (file, damage)) in DAMAGES.into_iter().enumerate() {
        let (folder, key, entry) = filled();
        damage(&entry);
        let Lookup::Damaged(problem) = look(&folder, &key) else {
            panic!("damage {number} is not found")
        };
        assert!(problem.contains(file), "damage {number}: {problem}");
        let store = Store::open(folder.path()).unwrap();
        store.set_aside("sample", &key, &problem).unwrap();
        let [mended] = &store.take_mended()[..] else {
            panic!("set aside, and not told once")
        };
        assert!(
            mended.path.exists() && mended.what.contains(&problem),
            "{mended:?}"
        );
        assert!(matches!(
            store.lookup("sample", &key).unwrap(),
            Lookup::Missing
        ));
        assert_eq!(publish(&store, &parts(1), FILES), Publication::New);
        assert!(
            matches!(look(&folder, &key), Lookup::Present(_)),
            "damage {number}"
        );
    }
}

#[test]
fn the_entry_of_another_task_is_not_believed() {
    let (folder, key, entry) = filled();
    let other = parts(2).key();
    fs::rename(&entry, entry.with_file_name(other.as_str())).unwrap();
    assert!(matches!(look(&folder, &other), Lookup::Damaged(_)));
    assert!(matches!(look(&folder, &key), Lookup::Missing));
}

#[test]
fn damage_after_the_lookup_is_found_on_reading() {
    let (folder, key, entry) = filled();
    let Lookup::Present(found) = look(&folder, &key) else {
        panic!("not present")
    };
    flip(&entry.join("a.bin"), 0);
    assert!(matches!(
        found.read("a.bin"),
        Err(StoreError::Damaged { .. })
    ));
    fs::remove_file(entry.join("a.bin")).unwrap();
    assert!(matches!(
        found.read("a.bin"),
        Err(StoreError::Damaged { .. })
    ));
}

#[test]
fn the_first_of_two_equal_results_stays_and_another_one_replaces_it() {
    let (folder, key, entry) = filled();
    let store = Store::open(folder.path()).unwrap();
    let before = fs::read(entry.join("entry.json")).unwrap();
    assert_eq!(publish(&store, &parts(1), FILES), Publication::Same);
    assert_eq!(fs::read(entry.join("entry.json")).unwrap(), before);
    let changed: &[(&str, &[u8])] = &[("a.bin", b"other bytes"), ("b.bin", b"")];
    assert_eq!(
        publish(&store, &parts(1), changed),
        Publication::Differed(vec!["a.bin".to_owned()])
    );
    let Lookup::Present(found) = look(&folder, &key) else {
        panic!("not present")
    };
    assert_eq!(found.read("a.bin").unwrap(), b"other bytes");
    let private = folder.path().join("v1/_tmp");
    assert_eq!(fs::read_dir(private).unwrap().count(), 0);
}

#[test]
fn a_claim_excludes_others_until_it_is_dropped() {
    let (folder, key, _) = filled();
    let (one, two) = (
        Store::open(folder.path()).unwrap(),
        Store::open(folder.path()).unwrap(),
    );
    let claim = one.claim(&key).unwrap();
    assert!(claim.is_some());
    assert!(two.claim(&key).unwrap().is_none());
    assert!(two.claim(&parts(2).key()).unwrap().is_some());
    drop(claim);
    assert!(two.claim(&key).unwrap().is_some());
}

#[test]
fn a_newer_store_is_refused_and_an_older_one_taken_over() {
    let (folder, key, _) = filled();
    fs::write(folder.path().join("FORMAT"), "2\n").unwrap();
    assert!(matches!(
        Store::open(folder.path()),
        Err(StoreError::Newer {
            found: 2,
            expected: 1,
            ..
        })
    ));
    fs::write(folder.path().join("FORMAT"), "0\n").unwrap();
    assert!(matches!(look(&folder, &key), Lookup::Present(_)));
    assert_eq!(
        fs::read_to_string(folder.path().join("FORMAT")).unwrap(),
        "1\n"
    );
    // Emptied in a folder that is marked as ours; elsewhere it is no store of ours.
    fs::write(folder.path().join("FORMAT"), "").unwrap();
    assert!(matches!(look(&folder, &key), Lookup::Present(_)));
    let strange = TempDir::new().unwrap();
    fs::write(strange.path().join("FORMAT"), "").unwrap();
    assert!(matches!(
        Store::open(strange.path()),
        Err(StoreError::FormatFile { .. })
    ));
    fs::write(folder.path().join("FORMAT"), "my holiday pictures").unwrap();
    assert!(matches!(
        Store::open(folder.path()),
        Err(StoreError::FormatFile { .. })
    ));
}

#[test]
fn a_store_is_marked_as_a_cache() {
    let (folder, ..) = filled();
    let tag = fs::read_to_string(folder.path().join("CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55"));
}

/// Every file and folder below `root`.
fn everything(root: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for item in fs::read_dir(root).into_iter().flatten() {
        let path = item.unwrap().path();
        found.extend(everything(&path));
        found.push(path);
    }
    found.sort();
    found
}

#[test]
fn a_look_into_a_store_changes_nothing() {
    let (folder, key, entry) = filled();
    // What an opened store would put right: a leftover, a lost folder, a lost mark.
    let left = folder
        .path()
        .join("v1/_tmp")
        .join(format!("{}-1-0", parts(2).key()));
    fs::create_dir(&left).unwrap();
    fs::remove_dir(folder.path().join("v1/_damaged")).unwrap();
    fs::remove_file(folder.path().join("FORMAT")).unwrap();
    flip(&entry.join("a.bin"), 0);
    let before = everything(folder.path());
    let store = Store::open_existing(folder.path()).unwrap();
    assert!(matches!(
        store.lookup("sample", &key).unwrap(),
        Lookup::Damaged(_)
    ));
    assert_eq!(store.entries("sample").unwrap().len(), 1);
    assert_eq!(everything(folder.path()), before);
    assert!(store.take_mended().is_empty());

    let nowhere = folder.path().join("nowhere");
    let store = Store::open_existing(&nowhere).unwrap();
    assert!(matches!(
        store.lookup("sample", &key).unwrap(),
        Lookup::Missing
    ));
    assert!(!nowhere.exists());
}

#[test]
fn leftovers_are_removed_and_told_once() {
    let (folder, published, _) = filled();
    let store = Store::open(folder.path()).unwrap();
    let spent = store.work_folder(&published);
    spent.write("state", b"half-way").unwrap();
    let left = folder
        .path()
        .join("v1/_tmp")
        .join(format!("{}-1-0", parts(2).key()));
    fs::create_dir(&left).unwrap();
    let half = folder.path().join(".FORMAT.1-0.partial");
    fs::write(&half, b"1").unwrap();
    // Somebody works on the task of this one.
    let taken = store.claim(&parts(3).key()).unwrap().unwrap();
    let living = left.with_file_name(format!("{}-1-0", parts(3).key()));
    fs::create_dir(&living).unwrap();

    let store = Store::open(folder.path()).unwrap();
    let told: Vec<std::path::PathBuf> = store.take_mended().into_iter().map(|m| m.path).collect();
    let work = folder.path().join("v1/_work").join(published.as_str());
    assert_eq!(told, [half.clone(), left.clone(), work.clone()]);
    for gone in told {
        assert!(!gone.exists(), "{}", gone.display());
    }
    assert!(living.exists());
    drop(taken);
    let told = Store::open(folder.path()).unwrap().take_mended();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].path, living);
    assert!(Store::open(folder.path()).unwrap().take_mended().is_empty());
}

#[test]
fn a_folder_in_the_place_of_a_claim_is_moved_away() {
    let (folder, key, _) = filled();
    let store = Store::open(folder.path()).unwrap();
    let place = folder.path().join("v1/_claims").join(key.as_str());
    fs::create_dir(&place).unwrap();
    fs::write(place.join("something"), b"of somebody").unwrap();
    let claim = store.claim(&key).unwrap();
    assert!(claim.is_some());
    let [mended] = &store.take_mended()[..] else {
        panic!("not told once")
    };
    assert_eq!(
        fs::read(mended.path.join("something")).unwrap(),
        b"of somebody"
    );
    assert!(place.is_symlink());
}

#[test]
fn an_entry_from_before_threads_were_kept_still_fits_its_digest() {
    let (folder, key, entry) = filled();
    let path = entry.join("entry.json");
    let mut old = Entry::from_bytes(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(old.threads, Some(2));
    old.threads = None;
    let bytes = old.to_bytes();
    assert!(!String::from_utf8_lossy(&bytes).contains("threads"));
    fs::write(&path, bytes).unwrap();
    assert!(matches!(look(&folder, &key), Lookup::Present(_)));
}

#[test]
fn a_kill_while_a_store_is_marked_as_ours_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let partial = folder.path().join(".FORMAT.12-3.partial");
    fs::write(&partial, "").unwrap();
    Store::open(folder.path()).unwrap();
    assert!(!partial.exists());
    let format = fs::read_to_string(folder.path().join("FORMAT")).unwrap();
    assert_eq!(format, "1\n");
}
