//! Sweeps that nothing disturbs.

use std::time::{Duration, Instant};

use super::cluster::{Cluster, SWEEP, Site, say};
use crate::support::{names, text};

#[test]
fn a_sweep_is_done_by_jobs_and_its_tables_are_those_of_a_run_here() {
    // Arrays of at most five tasks: three of four.
    let Some(cluster) = Cluster::start(5) else {
        return;
    };
    // Whatever the user's files hold stays a value.
    let profile = "points_per_job = 1\nmax_running = 3\ncores = 2\n\
                   environment = { ODD = \"$(touch pwned) 'a' \\\"b\\\"\" }";
    let site = Site::new(&cluster, SWEEP, profile);
    let numbers = site.submit("manifest.toml", &[]);
    assert_eq!(numbers.len(), 4, "three arrays and a job that gathers");
    let again = site.submit("manifest.toml", &[]);
    assert_eq!(again, [0_u64; 0], "nothing is sent twice");
    let mut most = 0;
    site.wait_until("all jobs have ended", || {
        most = most.max(cluster.running());
        cluster.queue().is_empty()
    });
    assert!((1..=3).contains(&most), "{most} ran at once");
    site.wait_for_tables("manifest.toml");
    assert_eq!(site.states("manifest.toml"), ["done"; 12]);
    site.assert_as_here();
    site.assert_computed_once();
    for started in site.logged("run_started") {
        assert_eq!(started["threads"], 2, "as many as the job has cores");
    }
    assert_eq!(site.submit("manifest.toml", &[]), [0_u64; 0]);
    let run = site.call(&["run", "manifest.toml", "--expect-cached"]);
    assert!(run.with_code(0).summary().starts_with("0 done"));
    for folder in ["", "results", "results/trial"] {
        let pwned = site.experiment.path(folder).join("pwned");
        assert!(!pwned.exists(), "a value was read as a command");
    }
    let known = site.status("manifest.toml");
    for job in known["submissions"][0]["jobs"].as_array().expect("jobs") {
        assert!(numbers.contains(&job["job"]["number"].as_u64().expect("a number")));
        assert!(!text(&job["job"]["submitted"]).is_empty(), "{job}");
    }
    assert_eq!(known["submissions"][0]["cluster"], "test");
}

#[test]
fn two_manifests_that_overlap_compute_what_they_share_once() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, "points_per_job = 1");
    let other = SWEEP
        .replace("name = \"trial\"", "name = \"other\"")
        .replace("start = 0.4, stop = 1.5", "start = 0.9, stop = 1.7");
    site.experiment.write("other.toml", other.as_bytes());
    std::thread::scope(|scope| {
        scope.spawn(|| site.submit("other.toml", &[]));
        site.submit("manifest.toml", &[]);
    });
    site.wait_for_tables("manifest.toml");
    site.wait_for_tables("other.toml");
    assert_eq!(site.states("other.toml"), ["done"; 9]);
    site.assert_as_here();
    site.assert_computed_once();
}

#[test]
fn points_that_are_added_are_sent_and_those_that_wait_are_not_sent_again() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let held = "points_per_job = 1\noptions = [\"--hold\"]";
    let site = Site::new(&cluster, SWEEP, held);
    let first = site.submit("manifest.toml", &[]);
    let more = SWEEP.replace("stop = 1.5", "stop = 1.7");
    site.experiment.write("manifest.toml", more.as_bytes());
    let second = site.submit("manifest.toml", &[]);
    assert_eq!((first.len(), second.len()), (2, 2));
    let waiting = |line: &&String| !line.contains("-gather");
    assert_eq!(cluster.queue().iter().filter(waiting).count(), 14);
    assert_eq!(site.states("manifest.toml"), ["queued"; 14]);
    let numbers = [first, second].concat();
    let list: Vec<String> = numbers.iter().map(u64::to_string).collect();
    cluster.ask("scontrol", &["release", &list.join(",")]);
    site.wait_for_tables("manifest.toml");
    site.assert_as_here();
    site.assert_computed_once();
}

#[test]
fn two_and_a_half_thousand_points_are_three_arrays_in_a_moment() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let many = SWEEP.replace(
        "{ start = 0.4, stop = 1.5, step = 0.1 }",
        "{ start = 0.4, stop = 2.899, count = 2500 }",
    );
    let profile = "points_per_job = 1\nmax_running = 100\noptions = [\"--hold\"]";
    let site = Site::new(&cluster, &many, profile);
    let start = Instant::now();
    let numbers = site.submit("manifest.toml", &[]);
    let took = start.elapsed();
    say(&format!("2,500 points were submitted in {took:?}"));
    assert_eq!(numbers.len(), 4, "three arrays and a job that gathers");
    assert!(took < PROMPT, "{took:?}");
    let gathers = |line: &&String| line.contains("-gather");
    let queue = cluster.queue();
    assert_eq!(queue.len() - queue.iter().filter(gathers).count(), 2500);
    let throttles: Vec<usize> = numbers[..3]
        .iter()
        .map(|number| throttle(&cluster, *number))
        .collect();
    assert_eq!(throttles.iter().sum::<usize>(), 100, "{throttles:?}");
    let start = Instant::now();
    assert_eq!(site.submit("manifest.toml", &[]), [0_u64; 0]);
    say(&format!(
        "nothing to submit was found in {:?}",
        start.elapsed()
    ));
    site.call(&["cancel", "manifest.toml"]).with_code(0);
    site.wait_until("all jobs are cancelled", || cluster.queue().is_empty());
}

/// A user waits for the prompt: ten times what it takes on two cores that are busy with jobs.
const PROMPT: Duration = Duration::from_secs(5);

/// Tasks of an array that run at once at most, as Slurm has it.
fn throttle(cluster: &Cluster, number: u64) -> usize {
    let text = cluster.ask("scontrol", &["show", "job", &number.to_string()]);
    let (_, rest) = text.split_once("ArrayTaskThrottle=").expect("a throttle");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

/// File calls more that a job may make in a large sweep than in a small one: a claim that another
/// job happens to hold is looked at again.
const SLACK: usize = 10;

/// Calls that name something below the results, of each job of two points in a sweep of so many.
fn calls(cluster: &Cluster, points: usize) -> Vec<usize> {
    let sweep = SWEEP.replace(
        "{ start = 0.4, stop = 1.5, step = 0.1 }",
        &format!("{{ start = 0.4, stop = 1.5, count = {points} }}"),
    );
    let site = Site::new(cluster, &sweep, "");
    let folder = site.experiment.path("");
    let program = cluster.program(
        "watched",
        &format!(
            "[ -n \"$SLURM_ARRAY_TASK_ID\" ] || exec {program} \"$@\"\n\
             exec strace -f -e trace=%file -o {folder}/trace.$SLURM_ARRAY_TASK_ID {program} \"$@\"",
            program = env!("CARGO_BIN_EXE_latentfield"),
            folder = folder.display(),
        ),
    );
    site.describe(&format!(
        "points_per_job = 2\nprogram = \"{}\"",
        program.display()
    ));
    site.submit("manifest.toml", &[]);
    site.wait_for_tables("manifest.toml");
    let results = format!("\"{}", site.experiment.path("results").display());
    let traces = names(&folder).into_iter();
    let traces = traces.filter(|name| name.starts_with("trace."));
    let count = |name: String| {
        let trace = std::fs::read_to_string(folder.join(name)).expect("a trace");
        trace.lines().filter(|line| line.contains(&results)).count()
    };
    traces.map(count).collect()
}

#[test]
fn a_job_of_a_large_sweep_looks_at_no_more_files_than_one_of_a_small_sweep() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let (small, large) = (calls(&cluster, 4), calls(&cluster, 40));
    say(&format!(
        "file calls of a job of two points: {small:?} in a sweep of 4, {large:?} of 40"
    ));
    assert_eq!((small.len(), large.len()), (2, 20));
    let most = |calls: &[usize]| calls.iter().max().copied().unwrap_or_default();
    assert!(most(&small) > 0, "they look at something");
    assert!(most(&large) <= most(&small) + SLACK);
}
