//! A scheduler that does not answer as it should: stand-ins for what a real one does on
//! a bad day, with the real one behind them.

use super::cluster::{Cluster, SWEEP, Site};
use crate::support::names;

const HELD: &str = "points_per_job = 1\noptions = [\"--hold\"]";

/// Tasks of arrays, and jobs that gather.
fn counts(cluster: &Cluster) -> (usize, usize) {
    let queue = cluster.queue();
    let gathering = queue.iter().filter(|it| it.contains("-gather")).count();
    (queue.len() - gathering, gathering)
}

#[test]
fn a_job_that_was_accepted_although_no_answer_came_is_not_sent_again() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, HELD);
    let lost = "REAL \"$@\" >/dev/null; echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1";
    cluster.stand_in("sbatch", lost);
    let numbers = site.submit("manifest.toml", &[]);
    assert_eq!(numbers.len(), 2);
    assert_eq!(counts(&cluster), (12, 1));
    assert_eq!(site.submit("manifest.toml", &[]), [0_u64; 0]);
    assert_eq!(counts(&cluster), (12, 1));
}

#[test]
fn a_sender_that_dies_before_the_answer_is_followed_by_one_that_finds_the_job() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, HELD);
    // The parent of the stand-in is the program itself.
    cluster.stand_in("sbatch", "REAL \"$@\" >/dev/null; kill -KILL $PPID");
    let words = ["submit", "manifest.toml", "--cluster", "here"];
    let killed = site.call(&words);
    assert_eq!(killed.status.code(), None, "{}", killed.stderr);
    cluster.remove_stand_in("sbatch");
    assert_eq!(counts(&cluster), (12, 0));
    // Only the job that gathers is missing.
    assert_eq!(site.submit("manifest.toml", &[]).len(), 1);
    assert_eq!(counts(&cluster), (12, 1));
    assert_eq!(site.submit("manifest.toml", &[]), [0_u64; 0]);
}

#[test]
fn without_an_answer_of_the_queue_nothing_is_sent_and_status_says_what_is_recorded() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, HELD);
    site.submit("manifest.toml", &[]);
    let silent = "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1";
    cluster.stand_in("squeue", silent);
    let words = ["submit", "manifest.toml", "--cluster", "here"];
    site.call(&words)
        .with_code(1)
        .saying(&["squeue", "Unable to contact"]);
    let status = site.call(&["status", "manifest.toml"]).with_code(0);
    let status = status.saying(&["what was sent counts as queued", "12 queued of 12 points"]);
    assert!(
        status.stdout.contains("the scheduler was not asked"),
        "{}",
        status.stdout
    );
    cluster.remove_stand_in("squeue");
    assert_eq!(counts(&cluster), (12, 1));
}

#[test]
fn of_two_who_submit_the_same_at_once_one_sends_it() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, HELD);
    let sent: Vec<usize> = std::thread::scope(|scope| {
        let submit = || site.submit("manifest.toml", &[]).len();
        let both = [scope.spawn(submit), scope.spawn(submit)];
        both.map(|one| one.join().expect("it is sent")).to_vec()
    });
    assert!(sent == [2, 0] || sent == [0, 2], "{sent:?}");
    assert_eq!(counts(&cluster), (12, 1));
}

#[test]
fn an_array_that_is_refused_does_not_keep_the_others_from_being_sent() {
    // Three arrays of four points.
    let Some(cluster) = Cluster::start(5) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, HELD);
    let refuses = "case \"$*\" in *-1\\ --*) echo 'sbatch: error: no more' >&2; exit 1;; esac; exec REAL \"$@\"";
    cluster.stand_in("sbatch", refuses);
    let words = ["submit", "manifest.toml", "--cluster", "here"];
    let refused = site.call(&words).with_code(1);
    refused.saying(&["no more", "`submit` again sends the rest and nothing twice"]);
    assert_eq!(counts(&cluster), (8, 0));
    cluster.remove_stand_in("sbatch");
    assert_eq!(site.submit("manifest.toml", &[]).len(), 2);
    assert_eq!(counts(&cluster), (12, 1));
    assert_eq!(site.submit("manifest.toml", &[]), [0_u64; 0]);
}

#[test]
fn a_job_whose_program_would_make_other_results_refuses() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, HELD);
    site.submit("manifest.toml", &[]);
    let jobs = site.experiment.path("results/trial/jobs");
    let submission = names(&jobs).into_iter().find(|name| !name.starts_with('.'));
    let folder = jobs.join(submission.expect("a submission"));
    let frozen = folder.join("manifest.toml");
    let text = std::fs::read_to_string(&frozen).expect("the manifest");
    let other = text.replace("epochs = 4", "epochs = 5");
    assert_ne!(text, other);
    std::fs::write(&frozen, other).expect("the manifest");
    let folder = folder.to_str().expect("text");
    let refused = site.call(&["work", "--submission", folder, "--pack", "0"]);
    refused
        .with_code(2)
        .saying(&["makes another plan", "submit again"]);
    assert!(site.experiment.entries("results", "sample").is_empty());
    // Nor does a job make a store of its own where that of the others is not to be seen.
    std::fs::write(&frozen, text).expect("the manifest");
    let (store, away) = (
        site.experiment.path("results/.store"),
        site.experiment.path("away"),
    );
    std::fs::rename(&store, away).expect("a folder");
    let refused = site.call(&["work", "--submission", folder, "--pack", "0"]);
    refused
        .with_code(2)
        .saying(&["results/.store", "is not on this machine", "store.path"]);
    assert!(!store.exists());
}

#[test]
fn jobs_in_a_partition_that_is_hidden_are_seen_and_not_sent_again() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, HELD);
    // As squeue(1) has it for users; it hides nothing from who has started this cluster.
    let hides = "case \" $* \" in *' --all '*) exec REAL \"$@\";; esac";
    cluster.stand_in("squeue", hides);
    assert_eq!(site.submit("manifest.toml", &[]).len(), 2);
    assert_eq!(site.states("manifest.toml"), ["queued"; 12]);
    assert_eq!(site.submit("manifest.toml", &[]), [0_u64; 0]);
}

#[test]
fn what_the_cluster_does_not_have_is_said_and_a_refusal_is_told() {
    let Some(cluster) = Cluster::start(1001) else {
        return;
    };
    let site = Site::new(&cluster, SWEEP, "partition = \"night\"\ncores = 9");
    let words = ["submit", "manifest.toml", "--cluster", "here"];
    let refused = site.call(&words).with_code(1);
    let refused = refused.saying(&["the cluster has no partition `night`; it has: main"]);
    refused.saying(&["sbatch", "invalid partition"]);
    assert_eq!(counts(&cluster), (0, 0));
    let elsewhere = ["submit", "manifest.toml", "--cluster", "there"];
    site.call(&elsewhere)
        .with_code(2)
        .saying(&["no cluster `there`; there are: here"]);
    let dry = site
        .call(&[&words[..], &["--dry-run"]].concat())
        .with_code(0);
    assert!(dry.stdout.contains("#!/bin/bash"), "{}", dry.stdout);
    assert_eq!(counts(&cluster), (0, 0));
}
