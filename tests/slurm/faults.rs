//! What goes wrong on clusters: killed jobs, lost nodes, too little time, tasks that take
//! their jobs down.

use std::process::Command;

use super::cluster::{Cluster, SWEEP, Site};
use crate::support::text;

/// Makes each task take a while, so that something can happen to it.
const SLOW: &str = "environment = { FAILPOINTS = \"private::create_folder=sleep(300)\" }";

/// Waits until the job of a task of the array runs and is at its second task at least.
fn wait_for_work(site: &Site<'_>, at_least: usize) {
    site.wait_until("jobs work", || site.events("finished").len() >= at_least);
}

#[test]
fn a_job_that_is_killed_is_sent_again_and_only_what_it_lost_is_computed_again() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, &format!("points_per_job = 3\n{SLOW}"));
    site.submit("manifest.toml", &[]);
    wait_for_work(&site, 3);
    // The program itself, as the system does where memory is short.
    let ours = format!("{}.*--pack 0$", site.experiment.path("").display());
    let kill = Command::new("pkill").args(["-KILL", "-f", &ours]).status();
    assert!(kill.expect("pkill").success());
    site.wait_for_tables("manifest.toml");
    let lost = site.traces().iter().filter(|t| t["end"].is_null()).count();
    assert_eq!(lost, 1, "one job ended without a word");
    site.assert_as_here();
    site.assert_computed_once();
    let submissions = site.status("manifest.toml")["submissions"].clone();
    let submissions = submissions.as_array().expect("submissions");
    assert_eq!(submissions.len(), 2, "it was sent again once");
    assert_eq!(submissions[1]["packs"].as_array().expect("packs").len(), 1);
}

#[test]
fn jobs_of_a_node_that_goes_down_are_put_back_with_their_number_and_finish() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, &format!("points_per_job = 2\n{SLOW}"));
    let numbers = site.submit("manifest.toml", &[]);
    wait_for_work(&site, 4);
    let down = ["update", "nodename=node1", "state=down", "reason=test"];
    cluster.ask("scontrol", &down);
    site.wait_for_tables("manifest.toml");
    let traces = site.traces();
    let again: Vec<_> = traces.iter().filter(|t| t["restarts"] == 1).collect();
    assert!(!again.is_empty(), "no job was put back: {traces:?}");
    for trace in again {
        assert_eq!(trace["number"], numbers[0], "it keeps its number");
        assert_eq!(trace["end"]["how"], "done");
    }
    assert_eq!(
        site.status("manifest.toml")["submissions"]
            .as_array()
            .expect("a list")
            .len(),
        1
    );
    site.assert_as_here();
    site.assert_computed_once();
}

#[test]
fn a_training_longer_than_its_job_goes_on_from_its_checkpoint() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    // 140 s of pauses, in jobs that last a minute, or two after one that got nowhere: no life of
    // a job can do all of it.
    let long = SWEEP
        .replace("epochs = 4", "epochs = 70")
        .replace("start = 0.4, stop = 1.5", "start = 0.6, stop = 0.6");
    let slow = "environment = { FAILPOINTS = \"checkpoint::create=sleep(2000)\" }";
    let profile = format!("time = 1\nstop_seconds = 20\nretries = 1\n{slow}");
    let site = Site::new(&cluster, &long, &profile);
    site.submit("manifest.toml", &[]);
    site.wait_for_tables("manifest.toml");
    // It put itself back at least once, and went on with its number.
    let traces = site.traces();
    let back = traces.iter().find(|t| t["end"]["then"] == "requeued");
    let back = back.unwrap_or_else(|| panic!("it was never put back: {traces:?}"));
    let restarts = back["restarts"].as_u64().expect("a number");
    let next = traces.iter().any(|trace| {
        trace["number"] == back["number"]
            && trace["pack"] == back["pack"]
            && trace["restarts"].as_u64() == Some(restarts + 1)
    });
    assert!(next, "{traces:?}");
    assert_eq!(site.experiment.table("training").rows(), 70);
    site.assert_as_here();
    site.assert_computed_once();
}

#[test]
fn a_job_whose_tasks_neither_stop_nor_get_further_is_not_put_back_for_ever() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let stuck = "environment = { FAILPOINTS = \"checkpoint::create=sleep(600000)\" }";
    let one = SWEEP.replace("start = 0.4, stop = 1.5", "start = 0.6, stop = 0.6");
    let profile = format!("time = 1\nstop_seconds = 20\nretries = 0\n{stuck}");
    let site = Site::new(&cluster, &one, &profile);
    site.submit("manifest.toml", &[]);
    // The first life may finish tasks before the training, and goes on then.
    site.wait_until("it is given up", || {
        text(&site.status("manifest.toml")["tables"]).starts_with("not made: point 0")
    });
    let status = site.status("manifest.toml");
    assert_eq!(status["points"][0]["state"], "lost", "{status}");
    assert_eq!(status["points"][0]["loss"], "time", "{status}");
    let traces = site.traces();
    let mut ends: Vec<(u64, String)> = traces
        .iter()
        .filter(|trace| trace["pack"] == 0)
        .map(|trace| {
            let then = trace["end"]["then"].as_str().unwrap_or("none").to_owned();
            (trace["restarts"].as_u64().expect("a number"), then)
        })
        .collect();
    ends.sort();
    let last = ends.pop().expect("a trace");
    assert_eq!(last.1, "needs_time", "{traces:?}");
    assert!(
        ends.iter().all(|(_, then)| then == "requeued"),
        "{traces:?}"
    );
}

#[test]
fn a_task_that_takes_its_jobs_down_is_blamed_in_the_end() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let deadly = "environment = { FAILPOINTS = \"checkpoint::create=return(kill)\" }";
    // All limits are those of a profile that says nothing of them.
    let limits = "points_per_job = 1";
    let one = SWEEP.replace("start = 0.4, stop = 1.5", "start = 0.6, stop = 0.6");
    let site = Site::new(&cluster, &one, &format!("{limits}\n{deadly}"));
    site.submit("manifest.toml", &[]);
    site.wait_until("it is given up", || {
        site.states("manifest.toml") == ["failed"]
    });
    let status = site.status("manifest.toml");
    let reason = text(&status["points"][0]["reason"]);
    for part in ["train", "lost 3 times", "crash_limit"] {
        assert!(reason.contains(part), "no `{part}` in {reason}");
    }
    let lost = site.traces().iter().filter(|t| t["end"].is_null()).count();
    assert_eq!(lost, 3, "no fourth job was lost");
    site.wait_until("that is said of the tables", || {
        text(&site.status("manifest.toml")["tables"]).starts_with("not made: point 0 failed")
    });
    // Once what it needs is there, and what was is forgotten, it goes well.
    site.call(&["cancel", "manifest.toml"]).with_code(0);
    site.describe(limits);
    site.submit("manifest.toml", &[]);
    site.wait_for_tables("manifest.toml");
    site.assert_as_here();
}

#[test]
fn a_task_that_fails_is_told_with_its_reason_and_is_not_tried_again() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let fails = "environment = { FAILPOINTS = \"output::create=return(enospc)\" }";
    let one = SWEEP.replace("start = 0.4, stop = 1.5", "start = 0.6, stop = 0.7");
    let site = Site::new(&cluster, &one, &format!("points_per_job = 1\n{fails}"));
    site.submit("manifest.toml", &[]);
    site.wait_until("it has failed", || {
        site.states("manifest.toml") == ["failed"; 2]
    });
    let reason = text(&site.status("manifest.toml")["points"][0]["reason"]);
    assert!(reason.contains("No space left on device"), "{reason}");
    site.wait_until("the queue is empty", || {
        cluster
            .queue()
            .iter()
            .all(|line| !line.contains("PENDING") && !line.contains("RUNNING"))
    });
    assert_eq!(
        site.status("manifest.toml")["submissions"]
            .as_array()
            .expect("a list")
            .len(),
        1
    );
    // One resubmission after the cause is gone.
    site.describe("points_per_job = 1");
    site.submit("manifest.toml", &[]);
    site.wait_for_tables("manifest.toml");
    site.assert_as_here();
    site.assert_computed_once();
}

#[test]
fn jobs_that_gather_after_a_failure_do_not_send_each_other_on() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let fails = "environment = { FAILPOINTS = \"output::create=return(enospc)\" }";
    let two = SWEEP.replace("start = 0.4, stop = 1.5", "start = 0.6, stop = 0.7");
    let held = "points_per_job = 1\noptions = [\"--hold\"]";
    let site = Site::new(&cluster, &two, &format!("{held}\n{fails}"));
    let first = site.submit("manifest.toml", &[]);
    cluster.ask("scontrol", &["release", &format!("{}_0", first[0])]);
    site.wait_until("the first point has failed", || {
        site.states("manifest.toml") == ["failed", "queued"]
    });
    // A second job that gathers, while the first waits for the other point.
    let second = site.submit("manifest.toml", &[]);
    let held = [
        format!("{}_1", first[0]),
        first[1].to_string(),
        second[0].to_string(),
        second[1].to_string(),
    ];
    cluster.ask("scontrol", &["release", &held.join(",")]);
    site.wait_until("nothing is left in the queue", || {
        let queue = cluster.queue();
        !queue
            .iter()
            .any(|line| line.contains("PENDING") || line.contains("RUNNING"))
    });
    let status = site.status("manifest.toml");
    assert_eq!(status["submissions"].as_array().expect("a list").len(), 2);
    assert!(
        text(&status["tables"]).starts_with("not made: point "),
        "{status}"
    );
}

#[test]
fn a_job_of_two_points_of_which_one_fails_says_which() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    // The first output that the job writes.
    let fails = "environment = { FAILPOINTS = \"output::create=1*return(enospc)\" }";
    let two = SWEEP.replace("start = 0.4, stop = 1.5", "start = 0.6, stop = 0.7");
    let site = Site::new(&cluster, &two, &format!("points_per_job = 2\n{fails}"));
    site.submit("manifest.toml", &[]);
    site.wait_until("it is given up", || {
        text(&site.status("manifest.toml")["tables"]).starts_with("not made: point ")
    });
    let mut states = site.states("manifest.toml");
    let failed = states.iter().position(|state| state == "failed");
    let failed = failed.unwrap_or_else(|| panic!("none failed: {states:?}"));
    let point = &site.status("manifest.toml")["points"][failed];
    let temperature = text(&point["coordinates"]["temperature"]);
    let reason = text(&point["reason"]);
    assert!(
        reason.contains(&format!("[temperature={temperature}")),
        "{reason}"
    );
    states.sort();
    assert_eq!(states, ["done", "failed"]);
}

#[test]
fn a_sweep_that_somebody_cancels_before_it_got_anywhere_is_not_sent_again() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let slow = "environment = { FAILPOINTS = \"private::create_folder=sleep(5000)\" }";
    let site = Site::new(&cluster, SWEEP, &format!("points_per_job = 3\n{slow}"));
    let numbers = site.submit("manifest.toml", &[]);
    site.wait_until("jobs work", || !site.events("started").is_empty());
    cluster.ask("scancel", &[&numbers[0].to_string()]);
    site.wait_until("it is said what is missing", || {
        text(&site.status("manifest.toml")["tables"]).starts_with("not made: point ")
    });
    assert_eq!(site.states("manifest.toml"), ["lost"; 12]);
    let status = site.status("manifest.toml");
    assert_eq!(status["submissions"].as_array().expect("a list").len(), 1);
}

#[test]
fn a_task_that_somebody_cancels_stays_cancelled_until_it_is_asked_for() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, &format!("points_per_job = 3\n{SLOW}"));
    let numbers = site.submit("manifest.toml", &[]);
    wait_for_work(&site, 3);
    cluster.ask("scancel", &[&format!("{}_0", numbers[0])]);
    site.wait_until("it is said what is missing", || {
        text(&site.status("manifest.toml")["tables"]).starts_with("not made: point ")
    });
    let status = site.status("manifest.toml");
    assert_eq!(status["points"][2]["state"], "lost");
    assert_eq!(status["points"][2]["loss"], "cancelled");
    assert_eq!(status["submissions"].as_array().expect("a list").len(), 1);
    site.submit("manifest.toml", &[]);
    site.wait_for_tables("manifest.toml");
    site.assert_as_here();
    site.assert_computed_once();
}

#[test]
fn a_node_that_takes_its_jobs_down_is_left_out() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let deadly = "export FAILPOINTS='private::create_folder=return(kill)'";
    let prologue = format!("prologue = [\"if [ $SLURMD_NODENAME = node1 ]; then {deadly}; fi\"]");
    let site = Site::new(&cluster, SWEEP, &format!("points_per_job = 2\n{prologue}"));
    site.submit("manifest.toml", &[]);
    site.wait_for_tables("manifest.toml");
    let status = site.status("manifest.toml");
    let submissions = status["submissions"].as_array().expect("a list");
    assert_eq!(submissions.len(), 2, "lost points were sent again once");
    assert_eq!(submissions[1]["excluded_nodes"][0], "node1");
    let traces = site.traces();
    let lost = traces.iter().filter(|trace| trace["end"].is_null());
    assert!(lost.clone().count() >= 3, "as many as make a node bad");
    assert!(
        lost.clone().all(|trace| trace["node"] == "node1"),
        "{traces:?}"
    );
    site.assert_as_here();
    site.assert_computed_once();
}
