//! Case T3 of docs/trust.md: other code, other keys, without anybody raising a version.
//!
//! The digests are taken as the build script takes them, of this package and of copies
//! in which one thing was changed.

#[path = "../build/code.rs"]
mod code;
#[path = "../build/source.rs"]
#[expect(
    dead_code,
    reason = "the test of the architecture shares it and reads more"
)]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use code::Digests;
use latentfield::stages;
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A package in a folder of its own, of which single files are changed.
struct Package {
    folder: TempDir,
    before: BTreeMap<String, Digests>,
}

impl Package {
    /// A copy of what decides the digests of this package.
    fn copied() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        copy(&root().join("src"), &folder.path().join("src"));
        for name in ["Cargo.toml", "Cargo.lock"] {
            std::fs::copy(root().join(name), folder.path().join(name)).expect("a file");
        }
        let before = code::digests(folder.path()).expect("digests");
        Self { folder, before }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The stages whose digests are others once `file` is edited and, of those that
    /// are named, the parts that differ. The file is put back.
    fn edited(
        &self,
        file: &str,
        edit: impl Fn(&str) -> String,
    ) -> BTreeMap<String, BTreeSet<String>> {
        let path = self.path(file);
        let text = std::fs::read_to_string(&path).expect("a file");
        let new = edit(&text);
        assert_ne!(new, text, "{file}: nothing was edited");
        std::fs::write(&path, new).expect("a file");
        let after = code::digests(self.folder.path()).expect("digests");
        std::fs::write(&path, text).expect("a file");
        assert!(after.keys().eq(self.before.keys()));
        let changed = after.iter().filter_map(|(stage, digests)| {
            let before = &self.before[stage];
            let parts: BTreeSet<String> = before
                .keys()
                .chain(digests.keys())
                .filter(|part| before.get(*part) != digests.get(*part))
                .cloned()
                .collect();
            (!parts.is_empty()).then(|| (stage.clone(), parts))
        });
        changed.collect()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a file");
    for item in std::fs::read_dir(from).expect("a file") {
        let item = item.expect("a file");
        let target = to.join(item.file_name());
        if item.file_type().expect("a file").is_dir() {
            copy(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), target).expect("a file");
        }
    }
}

fn append(line: &'static str) -> impl Fn(&str) -> String {
    move |text| format!("{text}\n{line}\n")
}

fn names(changed: &BTreeMap<String, BTreeSet<String>>) -> Vec<&str> {
    changed.keys().map(String::as_str).collect()
}

const MORE: &str = "fn something_else() -> u32 { 1 }";

#[test]
fn an_edited_module_changes_the_stages_that_depend_on_it_and_no_others() {
    let package = Package::copied();
    // What each stage says with a picture, a recording or a network, by the meaning of
    // the stages; `tables` and `random` are below all of them.
    let plots = package.edited("src/plots/style.rs", append(MORE));
    assert_eq!(names(&plots), ["figure"]);
    assert_eq!(plots["figure"], BTreeSet::from(["plots".to_owned()]));

    let vae = package.edited("src/vae/kernel/signs.rs", append(MORE));
    let vae = names(&vae);
    for stage in ["train", "likelihood", "patterns", "models"] {
        assert!(vae.contains(&stage), "{vae:?}");
    }
    for stage in ["sample", "recording", "table", "figure"] {
        assert!(!vae.contains(&stage), "{vae:?}");
    }
    // A helper of a helper: `sample` names neither of them.
    let directional = package.edited("src/directional/bessel.rs", append(MORE));
    assert!(directional.contains_key("sample") && !directional.contains_key("figure"));

    let reader = package.edited("src/recording/npy.rs", append(MORE));
    assert!(reader.contains_key("recording") && !reader.contains_key("sample"));

    let all = names(&package.edited("src/random.rs", append(MORE))).len();
    assert_eq!(all, package.before.len());
}

#[test]
fn an_edited_stage_changes_itself_and_what_uses_its_code() {
    let package = Package::copied();
    let sample = package.edited("src/stages/sample.rs", append(MORE));
    assert_eq!(names(&sample), ["sample"]);
    let join = package.edited("src/stages/table.rs", append(MORE));
    assert_eq!(names(&join), ["table"]);
    // A file of the stage's folder, and a file that all stages share.
    let rivals = package.edited("src/stages/models/rivals.rs", append(MORE));
    assert!(rivals.contains_key("models") && !rivals.contains_key("train"));
    let shared = package.edited("src/stages/outputs.rs", append(MORE));
    for stage in ["sample", "train", "table", "figure", "models"] {
        assert!(shared.contains_key(stage), "{stage}");
    }
    // The list of stages is no code of theirs: a further analysis costs no other.
    let registry = package.edited("src/stages/mod.rs", append(MORE));
    assert_eq!(names(&registry), Vec::<&str>::new());
}

#[test]
fn what_says_the_same_to_the_compiler_has_the_same_digest() {
    let package = Package::copied();
    let harmless: [fn(&str) -> String; 4] = [
        |text| format!("// A word.\n/* Another, /* nested */ one. */\n{text}"),
        |text| text.replace("fn ", "fn  ").replace("{\n", "{\n\n"),
        |text| text.replace("\n//! ", "\n//! It is said that "),
        |text| format!("{text}\n#[cfg(test)]\nmod more_tests {{\n    fn f() {{}}\n}}\n"),
    ];
    for (number, edit) in harmless.iter().enumerate() {
        let changed = package.edited("src/stages/train.rs", edit);
        assert_eq!(names(&changed), Vec::<&str>::new(), "edit {number}");
    }
    for file in [
        "src/engine/worker.rs",
        "src/plan/build.rs",
        "src/cli/run.rs",
    ] {
        let changed = package.edited(file, append(MORE));
        assert_eq!(names(&changed), Vec::<&str>::new(), "{file}");
    }
    let tests = package.edited("src/vae/tests.rs", append(MORE));
    assert_eq!(names(&tests), Vec::<&str>::new());
}

#[test]
fn every_token_counts() {
    let package = Package::copied();
    let file = "src/physics/curie_weiss.rs";
    let unchanged = "pub fn f(s: &str) -> (f64, char) { (0.5, 'a') } fn g() { f(\"a b\"); }";
    let original = std::fs::read_to_string(package.path(file)).unwrap();
    std::fs::write(package.path(file), format!("{original}\n{unchanged}\n")).unwrap();
    let package = Package {
        before: code::digests(package.folder.path()).unwrap(),
        ..package
    };
    for (from, to) in [
        ("0.5, 'a'", "0.25, 'a'"),
        ("0.5, 'a'", "0.5, 'b'"),
        ("\"a b\"", "\"a  b\""),
        ("f(s: &str)", "f(t: &str)"),
        ("f64, char", "f32, char"),
    ] {
        let changed = package.edited(file, |text| text.replacen(from, to, 1));
        assert!(changed.contains_key("sample"), "{from} to {to}");
        assert!(!changed.contains_key("figure"), "{from} to {to}");
    }
    // Moving a line from one file to another is a change as well.
    let moved = package.edited(file, |text| text.replacen(unchanged, "", 1));
    assert!(moved.contains_key("sample"));
}

#[test]
fn a_foreign_crate_counts_for_those_who_need_it() {
    let package = Package::copied();
    // The version of one crate, as `cargo update` changes it.
    let updated = |name: &str| {
        let start = format!("name = \"{name}\"\nversion = \"");
        move |lock: &str| lock.replacen(&start, &format!("{start}9"), 1)
    };
    let plotters = package.edited("Cargo.lock", updated("plotters"));
    assert_eq!(names(&plotters), ["figure"]);
    assert_eq!(plotters["figure"], BTreeSet::from(["plots".to_owned()]));
    let generator = package.edited("Cargo.lock", updated("rand_xoshiro"));
    assert_eq!(generator.len(), package.before.len());
    // `vae` names `gemm`, which needs `gemm-common`; `physics` does neither.
    let below = package.edited("Cargo.lock", updated("gemm-common"));
    assert!(below["train"].contains("vae") && !below["train"].contains("physics"));
    assert!(!below.contains_key("figure"));
    // The command line decides no result.
    let clap = package.edited("Cargo.lock", updated("clap"));
    assert_eq!(names(&clap), Vec::<&str>::new());
    // Other features of a crate are other code.
    let feature = |text: &str| text.replacen("[\"x86-v4\"]", "[]", 1);
    let features = package.edited("Cargo.toml", feature);
    assert!(features.contains_key("train") && !features.contains_key("table"));
}

#[test]
fn the_program_was_built_with_these_digests() {
    let digests = code::digests(root()).unwrap();
    let built = include_str!(concat!(env!("OUT_DIR"), "/code.rs"));
    assert_eq!(built, code::generated(&digests));
    let stages = stages::registry(Vec::new());
    for stage in &stages {
        let of_stage: Digests = stage
            .code()
            .iter()
            .map(|&(part, digest)| (part.to_owned(), digest.to_owned()))
            .collect();
        let name = stage.name();
        assert!(!of_stage.is_empty(), "{name} does not say its code");
        assert!(
            digests.values().any(|known| *known == of_stage),
            "{name} has the code of no file of src/stages"
        );
    }
    let part_of = |name: &str, part: &str| {
        let stage = stages.iter().find(|stage| stage.name() == name).unwrap();
        stage.code().iter().any(|(known, _)| *known == part)
    };
    assert!(part_of("sample", "stages/sample") && !part_of("sample", "vae"));
    assert!(part_of("train_further", "stages/train") && part_of("train", "vae"));
    assert!(part_of("figure", "plots") && !part_of("table", "plots"));
}
