//! Cases T1, T2, T4, T5 and T6 of docs/trust.md, with the real program.
//!
//! T3, changed code, is in `tests/code.rs`: a program cannot change its own code.

use std::collections::BTreeSet;

use latentfield::random;

use crate::support::{
    Experiment, Files, POINT, assert_same, files, flip, names, paths, wait_until,
};

/// Two recordings, each with a network and two analyses.
const RECORDINGS: &str = r#"
[experiment]
name = "trial"

[recording]
path = "a.csv"
repeats = 6
bin_ms = 20.0
split = { by = "repeat", every = 3, offset = 2 }

[vae]
latent = 2
hidden = [8]
prior = "normal"

[vae.training]
epochs = 3
batch = 16

[sweep]
recording.path = ["a.csv", "b.csv"]

[analysis]
likelihood = { importance_samples = 16 }
statistics = { triplet_sites = 4 }
"#;

/// A recording of 6 repeats of 20 bins of 5 cells that are active at random; each number
/// is another one.
fn recording(number: usize) -> Vec<u8> {
    let mut generator = random::stream("recording", &[&number.to_string()]);
    let mut row = |_| {
        let bits = (0..5).map(|cell| {
            let rate = 0.2 + 0.1 * f64::from(cell);
            let active = random::uniform(&mut generator) < rate;
            if active { "1" } else { "0" }
        });
        bits.collect::<Vec<&str>>().join(",") + "\n"
    };
    (0..120).map(&mut row).collect::<String>().into_bytes()
}

/// An experiment on the recordings of these two numbers.
fn recorded(a: usize, b: usize) -> Experiment {
    let experiment = Experiment::new(RECORDINGS);
    experiment.write("a.csv", &recording(a));
    experiment.write("b.csv", &recording(b));
    experiment
}

/// The tables of such an experiment in a folder and a store that nobody has used.
fn undisturbed(a: usize, b: usize) -> Files {
    let experiment = recorded(a, b);
    experiment.run(&[]).with_code(0);
    experiment.tables("results")
}

/// Rates of the cells of one recording in the data, from the table `rates`.
#[track_caller]
fn rates(experiment: &Experiment, path: &str) -> Vec<f64> {
    let table = experiment.table("rates");
    let texts = |column: &str| table.texts(column).expect("texts").to_vec();
    let (paths, sources) = (texts("path"), texts("source"));
    let values = table.numbers("rate").expect("numbers");
    let rows = (0..table.rows()).filter(|&row| paths[row] == path && sources[row] == "data");
    let rates: Vec<f64> = rows.map(|row| values[row].expect("a rate")).collect();
    assert_eq!(rates.len(), 5, "{path}");
    rates
}

#[test]
fn t1_recordings_that_exchange_their_contents_exchange_their_results() {
    let experiment = recorded(1, 2);
    experiment.run(&[]).with_code(0);
    let (a, b) = (rates(&experiment, "a.csv"), rates(&experiment, "b.csv"));
    assert_ne!(a, b);
    let finished = experiment.finished("results").len();
    experiment.write("a.csv", &recording(2));
    experiment.write("b.csv", &recording(1));
    experiment.run(&[]).with_code(0);
    assert_eq!(rates(&experiment, "a.csv"), b);
    assert_eq!(rates(&experiment, "b.csv"), a);
    assert_same(&experiment.tables("results"), &undisturbed(2, 1));
    // What was learned of each content is used again: only what gathers is made anew.
    let after = experiment.finished("results").split_off(finished);
    assert!(
        after.iter().all(|label| label.contains("[name=")),
        "{after:?}"
    );
}

#[test]
fn t1_named_inputs_that_exchange_their_contents_exchange_their_results() {
    let point = RECORDINGS.replace("[sweep]\nrecording.path = [\"a.csv\", \"b.csv\"]\n", "");
    let named = "models = { rivals = [], triplet_sites = 4, samples = [\
                 { name = \"first\", path = \"b.csv\" }, { name = \"second\", path = \"c.csv\" }] }";
    let experiment = Experiment::new(&format!("{point}{named}\n"));
    let values = || {
        let table = experiment.table("models");
        let names = table.texts("model").expect("texts").to_vec();
        let value = table.numbers("correlation_rmse").expect("numbers");
        let of = |name: &str| value[names.iter().position(|it| it == name).expect("a model")];
        [of("first"), of("second")]
    };
    for (name, number) in [("a.csv", 1), ("b.csv", 2), ("c.csv", 3)] {
        experiment.write(name, &recording(number));
    }
    experiment.run(&[]).with_code(0);
    let [first, second] = values();
    assert_ne!(first, second);
    experiment.write("b.csv", &recording(3));
    experiment.write("c.csv", &recording(2));
    experiment.run(&[]).with_code(0);
    assert_eq!(values(), [second, first]);
}

/// One task after the other, depth first: all of the first recording, then the second.
const ALONE: [&str; 2] = ["-j", "1"];

#[test]
fn t2_a_recording_edited_before_it_is_read_is_refused_and_then_read_anew() {
    let experiment = recorded(1, 2);
    let mut running = experiment.start(&ALONE);
    running.wait_for_task(1);
    experiment.write("b.csv", &recording(3));
    let ended = running.end().with_code(1);
    ended.saying(&[
        "task `recording[path=b.csv]` failed: ",
        "b.csv` changed since the run began; run again to use its new content",
    ]);
    experiment.run(&ALONE).with_code(0);
    assert_same(&experiment.tables("results"), &undisturbed(1, 3));
    experiment.assert_clean("results");
}

#[test]
fn t2_a_recording_edited_after_it_was_read_is_another_input_of_the_next_run() {
    let experiment = recorded(1, 2);
    let mut running = experiment.start(&ALONE);
    running.wait_for_task(1);
    experiment.write("a.csv", &recording(3));
    // What the run says is of the content that it has read, and is stored as that.
    running.end().with_code(0);
    assert_same(&experiment.tables("results"), &undisturbed(1, 2));
    experiment.run(&["--expect-cached"]).with_code(1);
    experiment.run(&ALONE).with_code(0);
    assert_same(&experiment.tables("results"), &undisturbed(3, 2));
    experiment.write("a.csv", &recording(1));
    experiment.run(&["--expect-cached"]).with_code(0);
    assert_same(&experiment.tables("results"), &undisturbed(1, 2));
}

/// Runs a manifest whose model comes from files that `put` writes for a number; they are
/// edited during the run.
#[track_caller]
fn edited_during_the_run(text: &str, put: impl Fn(&Experiment, usize)) {
    let fresh = |number: usize| {
        let experiment = Experiment::new(text);
        put(&experiment, number);
        experiment.run(&[]).with_code(0);
        experiment.tables("results")
    };
    let (old, new) = (fresh(1), fresh(2));
    assert!(old != new, "the files decide nothing");
    let experiment = Experiment::new(text);
    put(&experiment, 1);
    let mut running = experiment.start(&ALONE);
    running.wait_for_task(0);
    put(&experiment, 2);
    running.end().with_code(0);
    assert_same(&experiment.tables("results"), &old);
    experiment.run(&[]).with_code(0);
    assert_same(&experiment.tables("results"), &new);
}

#[test]
fn t2_a_model_file_edited_during_the_run_is_another_input_of_the_next_run() {
    let text = POINT
        .replace(
            "kind = \"hopfield\"",
            "kind = \"generalised_hopfield\"\nfile = \"cells.json\"",
        )
        .replace(
            "sites = 24\npatterns = 2\ntemperature = 0.6\n",
            "sites = 6\n",
        )
        .replace("patterns = { prior_draws = 512, encoded = 512 }\n", "");
    edited_during_the_run(&text, |experiment, number| {
        let model = format!(
            "{{\"format\": \"latentfield generalised Hopfield model\", \"version\": 1, \
             \"sites\": 6, \"fields\": 1, \"biases\": [{number}, 0, 0, 0, 0, -1], \
             \"patterns\": [[1], [1], [1], [-1], [-1], [1]], \
             \"field_values\": [[-1], [1]], \"field_weights\": [0.5, 0.5]}}"
        );
        experiment.write("cells.json", model.as_bytes());
    });
}

#[test]
fn t2_a_pattern_image_edited_during_the_run_is_another_input_of_the_next_run() {
    let text = POINT
        .replace(
            "sites = 24\npatterns = 2",
            "sites = 24\npatterns = \"images\"",
        )
        .replace("triplet_sites = 5", "triplet_sites = 4");
    edited_during_the_run(&text, |experiment, number| {
        let folder = experiment.path("images");
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, step) in [("x.png", 2), ("y.png", 3 + number)] {
            let pixel = |at: usize| if at.is_multiple_of(step) { 255 } else { 0 };
            let pixels: Vec<u8> = (0..24).map(pixel).collect();
            std::fs::write(folder.join(name), image(6, 4, &pixels)).expect("an image");
        }
    });
}

/// A PNG image of grey pixels.
fn image(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(pixels).expect("pixels");
    writer.finish().expect("an image");
    bytes
}

#[test]
fn t2_an_entry_overwritten_while_a_dependent_runs_decides_no_result() {
    let experiment = Experiment::new(POINT);
    experiment.run(&["--results", "whole"]).with_code(0);
    let mut running = experiment.start(&["-j", "1", "--set", "vae.training.epochs=400"]);
    running.wait_for_task(1);
    wait_until("the training to start", || {
        experiment.events("results", "started").len() == 2
    });
    flip(&experiment.stored("sample", "train.parquet"));
    let ended = running.end().with_code(1);
    // Before or after the training has read it: in both cases nothing is published.
    assert!(
        ended
            .stderr
            .contains("task `train` failed: input `data` changed while the task ran")
            || ended
                .stderr
                .contains("train.parquet` is damaged: found digest"),
        "{}",
        ended.stderr
    );
    ended.saying(&["run again"]);
    assert!(experiment.entries("results", "train").is_empty());
    experiment.run(&[]).with_code(0);
    assert_eq!(experiment.entries("results", "_damaged").len(), 1);
    assert_same(&experiment.tables("results"), &experiment.tables("whole"));
}

/// The stages of an experiment that have entries, in the order of the data's flow.
fn stages(experiment: &Experiment, options: &[&str]) -> Vec<String> {
    let mut stages: Vec<String> = Vec::new();
    for task in experiment.plan(options) {
        let stage = task["stage"].as_str().expect("a name").to_owned();
        if !stages.contains(&stage) {
            stages.push(stage);
        }
    }
    stages
}

/// A file of an entry of each stage is corrupted and all that may depend on it is
/// deleted, so that the corrupted file would be read.
#[test]
fn t4_a_corrupted_output_of_any_stage_is_found_and_made_again() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    let figures = files(&experiment.path("results/trial/plots"));
    let stages = stages(&experiment, &[]);
    assert!(stages.len() >= 7, "{stages:?}");
    let mut damaged = 0;
    for (place, stage) in stages.iter().enumerate() {
        let folder = experiment.path("results/.store/v1").join(stage);
        let entry = folder.join(&names(&folder)[0]);
        for name in names(&entry) {
            flip(&entry.join(&name));
            for later in &stages[place + 1..] {
                let folder = experiment.path("results/.store/v1").join(later);
                std::fs::remove_dir_all(folder).expect("a folder of entries");
            }
            damaged += 1;
            experiment.run(&[]).with_code(0);
            let found = experiment.entries("results", "_damaged");
            assert_eq!(found.len(), damaged, "{stage}/{name}: {found:?}");
            assert_same(&experiment.tables("results"), &tables);
            assert_same(&files(&experiment.path("results/trial/plots")), &figures);
        }
    }
    assert!(damaged > 2 * stages.len(), "{damaged}");
    experiment.run(&["--expect-cached"]).with_code(0);
}

#[test]
fn t4_a_corrupted_table_in_the_results_is_written_again() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    for name in tables.keys() {
        flip(&experiment.path("results/trial/tables").join(name));
    }
    let again = experiment.run(&["--expect-cached"]).with_code(0);
    let changed = format!("{} files changed", tables.len());
    assert!(again.summary().ends_with(&changed), "{}", again.summary());
    assert_same(&experiment.tables("results"), &tables);
}

#[test]
fn t5_whatever_is_deleted_is_made_again() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let tables = experiment.tables("results");
    let stages = stages(&experiment, &[]);
    let store = experiment.path("results/.store/v1");
    // A file of each entry, then the entries of each stage, then all results.
    for stage in &stages {
        let folder = store.join(stage);
        let entry = folder.join(&names(&folder)[0]);
        let file = names(&entry).into_iter().find(|name| name != "entry.json");
        std::fs::remove_file(entry.join(file.expect("an output"))).expect("a file");
        experiment.run(&["--only", stage]).with_code(0);
        assert_eq!(
            experiment.entries("results", stage).len(),
            names(&folder).len()
        );
        experiment.run(&[]).with_code(0);
        assert_same(&experiment.tables("results"), &tables);
    }
    for (place, stage) in stages.iter().enumerate() {
        std::fs::remove_dir_all(store.join(stage)).expect("a folder");
        for later in &stages[place + 1..] {
            std::fs::remove_dir_all(store.join(later)).expect("a folder");
        }
        experiment.run(&[]).with_code(0);
        assert_same(&experiment.tables("results"), &tables);
    }
    std::fs::remove_dir_all(experiment.path("results/trial")).expect("a folder");
    experiment.run(&["--expect-cached"]).with_code(0);
    assert_same(&experiment.tables("results"), &tables);
    std::fs::remove_dir_all(experiment.path("results")).expect("a folder");
    experiment.run(&[]).with_code(0);
    assert_same(&experiment.tables("results"), &tables);
}

#[test]
fn t5_an_edited_value_is_run_again_with_all_that_follows_and_nothing_else() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let finished = experiment.finished("results").len();
    let edited = ["--set", "analysis.statistics.triplet_sites=4"];
    experiment.run(&edited).with_code(0);
    let after = experiment.finished("results").split_off(finished);
    let of_points: Vec<&String> = after
        .iter()
        .filter(|label| !label.contains("[name="))
        .collect();
    assert_eq!(of_points, ["statistics"]);
    let fresh = [&edited[..], &["--results", "fresh"]].concat();
    experiment.run(&fresh).with_code(0);
    assert_same(&experiment.tables("results"), &experiment.tables("fresh"));
}

/// Keys with digests of the code and keys without are others: results of the one are
/// never taken for those of the other.
#[test]
fn t5_whether_code_counts_is_a_part_of_every_key() {
    let experiment = Experiment::new(POINT);
    experiment.run(&[]).with_code(0);
    let keys = |options: &[&str]| -> BTreeSet<String> {
        let plan = experiment.plan(options);
        let keys = plan
            .iter()
            .map(|task| task["key"].as_str().expect("a key").to_owned());
        keys.collect()
    };
    let by_version = ["--set", "store.code=version"];
    assert!(keys(&[]).is_disjoint(&keys(&by_version)));
    let explain = ["plan", "manifest.toml", "--explain"];
    let explained = experiment
        .call(&[&explain[..], &by_version].concat())
        .with_code(0);
    let reason = "the program's code counts no more, as `store.code` says";
    assert!(explained.stdout.contains(reason), "{}", explained.stdout);
    experiment.run(&by_version).with_code(0);
    for options in [&[][..], &by_version] {
        let cached = [options, &["--expect-cached"]].concat();
        experiment.run(&cached).with_code(0);
    }
    // Each entry says what its key was made from.
    let entry = experiment.path("results/.store/v1/table");
    let entries = names(&entry);
    let counted = entries.iter().filter(|name| {
        let text = std::fs::read_to_string(entry.join(name).join("entry.json")).expect("an entry");
        text.contains("\"code\"")
    });
    assert_eq!(2 * counted.count(), entries.len());
}

/// Each kill finds an output that is only half there.
#[test]
fn t6_a_kill_of_the_whole_group_with_a_half_written_output_is_not_seen() {
    let experiment = Experiment::new(POINT);
    experiment.run(&["--results", "whole"]).with_code(0);
    let tables = experiment.tables("whole");
    let mut halfway = 0;
    for attempt in 0..100 {
        let results = format!("killed{attempt}");
        let mut running = experiment.start(&["--results", &results]);
        let private = experiment.path(&results).join(".store/v1/_tmp");
        let half = || {
            let written = paths(&private);
            !written.is_empty() && !written.iter().any(|path| path.ends_with("entry.json"))
        };
        wait_until("an output", || half() || !running.lives());
        running.kill_group();
        halfway += usize::from(half());
        experiment.run(&["--results", &results]).with_code(0);
        assert_same(&experiment.tables(&results), &tables);
        experiment.assert_clean(&results);
        if halfway >= 3 {
            return;
        }
    }
    panic!("only {halfway} kills left a half-written output");
}
