//! How often a job asks a file system for names and attributes, which is what a shared one is
//! slow at: counted by strace.

use std::process::Command;

use crate::support::{Ended, Experiment, POINT};

/// File calls that a task may cost on average, its checkpoints included.
///
/// Counted by hand: 22 to look whether it is there, before and after it is claimed, to claim it, to
/// make its folder, to write and sync its entry, to rename that into place and to tidy up; 1 an output, of which
/// there are two on average; 3 an input, of which there are less than two; and 4 a checkpoint,
/// of which the training, one of the five tasks of a point, writes three.
const OF_A_TASK: f64 = 22.0 + 2.0 + 2.0 * 3.0 + 3.0 * 4.0 / 5.0;

/// File calls more that a job may make in a large sweep than in a small one: the listings of
/// areas that hold nothing of other jobs.
const SLACK: usize = 10;

#[expect(
    clippy::print_stderr,
    reason = "what was measured, or skipped, is said"
)]
fn say(text: &str) {
    eprintln!("{text}");
}

/// A sweep of this many temperatures.
fn sweep(points: usize) -> Experiment {
    let temperatures: Vec<String> = (0..points)
        .map(|at| format!("{:.3}", 0.4 + 0.01 * at as f64))
        .collect();
    let point = POINT.replace("temperature = 0.6", "");
    Experiment::new(&format!(
        "{point}\n[sweep]\nmodel.temperature = [{}]\n",
        temperatures.join(", ")
    ))
}

/// Calls that name something below the results, of a job that works on `points`; and how many
/// tasks it ran.
fn calls(experiment: &Experiment, points: &str) -> (usize, usize) {
    let work = ["work", "manifest.toml", "--points", points, "-j", "1"];
    let inner = experiment.command(&work);
    let trace = experiment.path("trace");
    let mut strace = Command::new("strace");
    experiment
        .at_home(&mut strace)
        .args(["-f", "-e", "trace=%file", "-o"])
        .arg(&trace)
        .arg(inner.get_program())
        .args(inner.get_args());
    let ended = Ended::of(strace.output().expect("strace")).with_code(0);
    let done = ended.summary().split(' ').next().expect("a number");
    let trace = std::fs::read_to_string(trace).expect("a trace");
    // The program itself and its libraries, and what the system says of itself, lie elsewhere;
    // a call that names nothing looks at a file that is open.
    let ours = trace.lines().filter(|line| line.contains("\"results"));
    (ours.count(), done.parse().expect("a number"))
}

/// Whether calls can be counted here; where that is asked for they must be.
fn can_count() -> bool {
    let output = Command::new("strace")
        .args(["-c", "-o", "/dev/null", "true"])
        .output();
    let able = output.is_ok_and(|output| output.status.success());
    let asked = std::env::var_os("LATENTFIELD_TEST_STRACE").is_some();
    assert!(able || !asked, "strace counts nothing here");
    if !able {
        say("skipped: strace counts nothing here");
    }
    able
}

#[test]
fn a_job_looks_at_its_own_share_and_at_little_more() {
    if !can_count() {
        return;
    }
    let small = sweep(6);
    let (two, of_two) = calls(&small, "0,1");
    let (four, of_four) = calls(&small, "2-5");
    assert_eq!(of_four, 2 * of_two);
    let of_a_task = (four - two) as f64 / (of_four - of_two) as f64;
    say(&format!(
        "{two} file calls for {of_two} tasks, {four} for {of_four}: {of_a_task:.1} a task"
    ));
    assert!(of_a_task <= OF_A_TASK, "{of_a_task} file calls a task");
    // The same share, where the sweep is ten times as large and all the rest is done.
    let large = sweep(60);
    let done = ["work", "manifest.toml", "--points", "0,1,6-59"];
    large.call(&done).with_code(0);
    let (beside_many, again) = calls(&large, "2-5");
    say(&format!(
        "{beside_many} for {again} in a sweep ten times as large"
    ));
    assert_eq!(again, of_four);
    assert!(
        beside_many <= four + SLACK,
        "{beside_many} instead of {four}"
    );
}
