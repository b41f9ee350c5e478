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
    experiment.stored("table", "sampling.parquet")
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

fn bytes_of(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

const DAMAGED_ENTRIES: [Damage; 10] = [
    ("`sampling.parquet`: found", |e| {
        let bytes = bytes_of(&entry(e));
        write(&entry(e), &bytes[..bytes.len() / 2]);
    }),
    ("`sampling.parquet`: found digest", |e| {
        let mut bytes = bytes_of(&entry(e));
        let middle = bytes.len() / 2;
        bytes[middle] ^= 16;
        write(&entry(e), &bytes);
    }),
    ("`sampling.parquet`: found 0 bytes", |e| {
        write(&entry(e), b"");
    }),
    ("`sampling.parquet`: it is missing", |e| {
        remove(&entry(e));
    }),
    ("`stranger` does not belong there", |e| {
        write(&sibling(e, "stranger"), b"");
    }),
    ("`entry.json` is missing", |e| {
        remove(&sibling(e, "entry.json"));
    }),
    ("`entry.json` is not an entry", |e| {
        write(&sibling(e, "entry.json"), b"\xff\x00{]");
    }),
    ("entry.json`: Is a directory", |e| {
        remove(&sibling(e, "entry.json"));
        std::fs::create_dir(sibling(e, "entry.json")).expect("a folder");
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

#[test]
fn a_damaged_result_is_copied_again_and_told_once() {
    let experiment = Experiment::new(TINY);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    let path = experiment.path("results/trial/tables/sampling.parquet");
    let whole = std::fs::read(&path).unwrap();
    let damages: [(&str, &dyn Fn()); 4] = [
        ("found", &|| write(&path, &whole[..whole.len() / 2])),
        ("found 0 bytes", &|| write(&path, b"")),
        ("it is missing", &|| std::fs::remove_file(&path).unwrap()),
        ("found", &|| inflate(&path)),
    ];
    for (said, damage) in damages {
        damage();
        let ended = experiment.run(&["--expect-cached"]).with_code(0);
        let [line] = &mended(&ended)[..] else {
            panic!("not told once:\n{}", ended.stderr)
        };
        for part in [
            "results/trial/tables/sampling.parquet",
            "copied again",
            said,
        ] {
            assert!(line.contains(part), "no `{part}` in {line}");
        }
        assert!(
            ended.summary().ends_with("1 files changed"),
            "{}",
            ended.summary()
        );
        assert_same(&experiment.tables("results"), &tables);
    }
}

#[test]
fn a_claim_that_is_a_folder_is_moved_away() {
    let experiment = Experiment::new(TINY);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    let key = experiment.entries("results", "train").remove(0);
    let claim = experiment.path("results/.store/v1/_claims").join(&key);
    std::fs::create_dir(&claim).unwrap();
    let ended = experiment.run(&["--force", "train"]).with_code(0);
    let [line] = &mended(&ended)[..] else {
        panic!("not told once:\n{}", ended.stderr)
    };
    assert!(line.contains(&format!("_damaged/claim-{key}-")), "{line}");
    assert_same(&experiment.tables("results"), &tables);
}

#[test]
fn a_torn_log_goes_on_in_a_line_of_its_own() {
    let experiment = Experiment::new(TINY);
    experiment.run(&["--only", "sample"]).with_code(0);
    let log = experiment.path("results/trial/log.jsonl");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.truncate(bytes.len() - 10);
    write(&log, &bytes);
    experiment.run(&[]).with_code(0);
    let lines = std::fs::read_to_string(&log).unwrap();
    let torn = lines
        .lines()
        .filter(|line| serde_json::from_str::<Value>(line).is_err());
    assert_eq!(torn.count(), 1);
    assert_eq!(experiment.events("results", "run_started").len(), 2);
}

#[test]
fn an_older_store_is_taken_over_and_what_older_programs_left_stays() {
    let experiment = Experiment::new(TINY);
    experiment.run(&[]).with_code(0);
    let older = experiment.path("results/.store/v0/sample/something");
    std::fs::create_dir_all(&older).unwrap();
    write(&older.join("samples.bin"), b"of an older program");
    write(&experiment.path("results/.store/FORMAT"), b"0\n");
    // A plan only looks.
    experiment.call(&["plan", "manifest.toml"]).with_code(0);
    let format = || std::fs::read_to_string(experiment.path("results/.store/FORMAT")).unwrap();
    assert_eq!(format(), "0\n");
    experiment.run(&["--expect-cached"]).with_code(0);
    assert_eq!(format(), "1\n");
    assert_eq!(
        std::fs::read(older.join("samples.bin")).unwrap(),
        b"of an older program"
    );
}

/// Runs with the clock of the program wrong, as `FAILPOINTS` says.
fn run_at(experiment: &Experiment, results: &str, clock: &str) -> Ended {
    let mut command = experiment.command(&["run", "manifest.toml", "--results", results]);
    Ended::of(
        command
            .env("FAILPOINTS", format!("clock={clock}"))
            .output()
            .expect("the program starts"),
    )
}

#[test]
fn a_clock_that_is_wrong_or_goes_backwards_decides_nothing() {
    let experiment = Experiment::new(TINY);
    run_at(&experiment, "results", "return(1e9)").with_code(0);
    let tables = experiment.tables("results");
    let started = &experiment.events("results", "run_started")[0];
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert!(
        started["time_unix"].as_f64().unwrap() > now.as_secs_f64() + 0.9e9,
        "the clock was right: {started}"
    );
    // Entries of the future are as good as any.
    experiment.run(&["--expect-cached"]).with_code(0);
    run_at(&experiment, "results", "return(-1.5e9)").with_code(0);
    assert_eq!(
        experiment.finished("results").len(),
        experiment.plan(&[]).len()
    );
    // Back by thirty years in the middle of a run.
    run_at(&experiment, "backwards", "5*off->return(-1e9)").with_code(0);
    assert_same(&experiment.tables("backwards"), &tables);
    let seconds = experiment.events("backwards", "finished");
    assert!(
        seconds
            .iter()
            .all(|event| event["seconds"].as_f64().unwrap() >= 0.0),
        "{seconds:?}"
    );
}

#[test]
fn two_manifests_at_once_share_what_they_have_in_common() {
    let experiment = Experiment::new(POINT);
    let other = POINT
        .replace("name = \"trial\"", "name = \"other\"")
        .replace(
            "statistics = { triplet_sites = 5, vae_samples = 500 }",
            "statistics = { triplet_sites = 6, vae_samples = 500 }",
        );
    experiment.write("other.toml", other.as_bytes());
    experiment.run(&["--results", "alone"]).with_code(0);
    experiment
        .call(&["run", "other.toml", "--results", "alone_too"])
        .with_code(0);
    let mut second = experiment.command(&["run", "other.toml"]);
    let first = experiment.start(&[]);
    let second = second.output().expect("the program starts");
    first.end().with_code(0);
    Ended::of(second).with_code(0);
    let log = |name: &str| {
        let path = experiment.path("results").join(name).join("log.jsonl");
        let text = std::fs::read_to_string(path).unwrap();
        let events = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.collect::<Vec<Value>>()
    };
    let (one, two) = (log("trial"), log("other"));
    let time = |events: &[Value], kind: &str| {
        let event = events.iter().find(|event| event["event"] == kind);
        event.expect(kind)["time_unix"].as_f64().unwrap()
    };
    assert!(
        time(&one, "run_started") < time(&two, "run_finished")
            && time(&two, "run_started") < time(&one, "run_finished"),
        "they did not run at the same time"
    );
    // Labels of points are the same in both, and so are their tasks, but for one.
    let finished = |events: &[Value]| -> Vec<String> {
        let finished = events.iter().filter(|event| event["event"] == "finished");
        let labels = finished.map(|event| text(&event["label"]));
        labels.filter(|label| !label.contains("[name=")).collect()
    };
    let all: Vec<String> = [finished(&one), finished(&two)].concat();
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert!(distinct.len() >= 5, "{all:?}");
    assert_eq!(all.len(), distinct.len() + 1, "{all:?}");
    assert_eq!(
        all.iter().filter(|label| *label == "statistics").count(),
        2,
        "{all:?}"
    );
    assert_same(&experiment.tables("results"), &experiment.tables("alone"));
    assert_same(
        &files(&experiment.path("results/other/tables")),
        &files(&experiment.path("alone_too/other/tables")),
    );
    experiment.assert_clean("results");
}

/// Runs a sweep and removes a folder once the first task is done.
fn removing(experiment: &Experiment, folder: &str) -> Ended {
    let mut running = experiment.start(&[&SWEEP[..], &["-j", "1"]].concat());
    running.wait_for_task(1);
    let folder = experiment.path(folder);
    // What is written meanwhile may keep a folder from being removed at the first go.
    wait_until("the folder to go", || {
        std::fs::remove_dir_all(&folder).is_ok()
    });
    running.end()
}

#[test]
fn results_that_are_deleted_during_the_run_are_made_at_its_end() {
    let experiment = Experiment::new(TINY);
    experiment
        .run(&[&SWEEP[..], &["--results", "whole"]].concat())
        .with_code(0);
    let ended = removing(&experiment, "results/trial").with_code(0);
    let [line] = &mended(&ended)[..] else {
        panic!("not told once:\n{}", ended.stderr)
    };
    for part in [
        "results/trial/log.jsonl",
        "removed during the run",
        "is lost",
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert_same(&experiment.tables("results"), &experiment.tables("whole"));
    assert_eq!(experiment.events("results", "run_finished").len(), 1);
    let again = experiment
        .run(&[&SWEEP[..], &["--expect-cached"]].concat())
        .with_code(0);
    assert!(
        again.summary().ends_with(" 0 files changed"),
        "{}",
        again.summary()
    );
}

#[test]
fn a_store_that_is_deleted_during_the_run_is_missed_by_name_and_made_again() {
    let experiment = Experiment::new(TINY);
    experiment
        .run(&[&SWEEP[..], &["--results", "whole"]].concat())
        .with_code(0);
    let ended = removing(&experiment, "results/.store");
    let code = ended.status.code();
    assert!(
        code == Some(1) || code == Some(3),
        "{code:?}: {}",
        ended.stderr
    );
    let ended = ended.saying(&["results/.store/v1/", "run again"]);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    experiment.run(&SWEEP).with_code(0);
    assert_same(&experiment.tables("results"), &experiment.tables("whole"));
    experiment.assert_clean("results");
}

/// Steps that a file system that is only read refuses.
const WRITING: [&str; 5] = ["create", "create_folder", "rename", "remove", "open_log"];

/// What `FAILPOINTS` says for a file system that refuses all writing.
fn only_read() -> String {
    let places = [
        "folder",
        "area",
        "root",
        "crate",
        "warned",
        "format",
        "tag",
        "store_claim",
        "claim",
        "owner",
        "private",
        "output",
        "entry",
        "published",
        "stage",
        "work",
        "checkpoint",
        "damaged",
        "results_claim",
        "results_part",
        "table",
        "figure",
        "log",
        "manifest",
        "index",
        "run",
        "failure_log",
        "versioned",
        "stored",
    ];
    let all = places
        .iter()
        .flat_map(|place| WRITING.map(|action| format!("{place}::{action}=return(erofs)")));
    all.collect::<Vec<String>>().join(";")
}

/// What the program does where nothing can be written; `call` gives it the words.
fn assert_readable(experiment: &Experiment, call: &dyn Fn(&[&str]) -> Ended) {
    let before = files(&experiment.path("results"));
    let ended = call(&["run", "manifest.toml", "--expect-cached"]).with_code(0);
    let said = ["Read-only file system", "results are as the store has them"];
    let ended = ended.saying(&said);
    assert!(
        ended.summary().ends_with(" 0 files changed"),
        "{}",
        ended.summary()
    );
    let cached = call(&["plan", "manifest.toml"]).with_code(0);
    assert!(cached.stdout.contains(" 0 to run"), "{}", cached.stdout);
    call(&["check", "manifest.toml"]).with_code(0);
    let table = "results/trial/tables/sampling.parquet";
    let shown = call(&["show", table]).with_code(0);
    assert!(shown.stdout.contains("replicate"), "{}", shown.stdout);
    // What would have to run cannot, and says why and what can be done.
    let other = ["run", "manifest.toml", "--set", "experiment.seed=4"];
    call(&other)
        .with_code(3)
        .saying(&["Read-only file system", "results/", "--results"]);
    assert_same(&files(&experiment.path("results")), &before);
}

#[test]
fn results_and_store_that_cannot_be_written_are_still_read() {
    let experiment = Experiment::new(TINY);
    experiment.run(&[]).with_code(0);
    let faults = only_read();
    assert_readable(&experiment, &|arguments| {
        let mut command = experiment.command(arguments);
        Ended::of(
            command
                .env("FAILPOINTS", &faults)
                .output()
                .expect("the program starts"),
        )
    });
    // Not even a store that has to be put right.
    std::fs::remove_dir(experiment.path("results/.store/v1/_damaged")).unwrap();
    let mut command = experiment.command(&["run", "manifest.toml"]);
    let ended = Ended::of(
        command
            .env("FAILPOINTS", &faults)
            .output()
            .expect("the program starts"),
    );
    ended
        .with_code(0)
        .saying(&["the store is only read", "_damaged"]);
    // A table that is not what the store has cannot be put right there.
    let table = experiment.path("results/trial/tables/sampling.parquet");
    write(&table, b"something else");
    let mut command = experiment.command(&["run", "manifest.toml"]);
    let ended = Ended::of(
        command
            .env("FAILPOINTS", &faults)
            .output()
            .expect("the program starts"),
    );
    ended
        .with_code(3)
        .saying(&["results/trial/.claim", "Read-only file system"]);
    assert_eq!(std::fs::read(&table).unwrap(), b"something else");
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn a_read_only_mount_is_still_read() {
    let experiment = Experiment::new(TINY);
    experiment.run(&[]).with_code(0);
    let script = "mount --bind results results && mount -o remount,ro,bind results && \
                  ! touch results/x 2>/dev/null && exec \"$@\"";
    let inside = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ]);
        command.args(words).current_dir(experiment.path(""));
        command
    };
    let able = inside(&["true"]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this machine lets nobody mount");
        return;
    }
    assert_readable(&experiment, &|arguments| {
        let program = env!("CARGO_BIN_EXE_latentfield");
        let mut command = inside(&[&[program], arguments].concat());
        command
            .env("HOME", experiment.path(""))
            .env("XDG_CONFIG_HOME", experiment.path("config"));
        Ended::of(command.output().expect("the program starts"))
    });
}

#[test]
fn a_full_disk_in_one_task_leaves_the_others_their_results() {
    let experiment = Experiment::new(TINY);
    experiment
        .run(&[&SWEEP[..], &["--results", "whole"]].concat())
        .with_code(0);
    // The second training finds no space, and has no more of it for the log.
    let faults = "checkpoint::create=return(enospc);stored::read=off;\
                  failure_log::create=return(enospc);output::write=6*off->1*return(enospc)";
    let options = [&["run", "manifest.toml", "--keep-going"], &SWEEP[..]].concat();
    let mut command = experiment.command(&options);
    let ended = Ended::of(
        command
            .env("FAILPOINTS", faults)
            .output()
            .expect("the program starts"),
    );
    let ended = ended.with_code(1).saying(&[
        "No space left on device",
        "free some space",
        ".store/v1/_tmp/",
    ]);
    assert!(
        ended.summary().contains(", 1 failed"),
        "{}",
        ended.summary()
    );
    assert!(!ended.stderr.contains("; log: "), "{}", ended.stderr);
    let done = experiment.finished("results");
    assert!(done.len() >= 8, "{done:?}");
    let again = experiment.run(&SWEEP).with_code(0);
    assert!(again.summary().contains(" 0 failed"), "{}", again.summary());
    let after = experiment.finished("results");
    let distinct: BTreeSet<&String> = after.iter().collect();
    assert_eq!(after.len(), distinct.len(), "a task ran twice: {after:?}");
    assert_same(&experiment.tables("results"), &experiment.tables("whole"));
    experiment.assert_clean("results");
    assert!(names(&experiment.path("results/trial/logs")).is_empty());
}
