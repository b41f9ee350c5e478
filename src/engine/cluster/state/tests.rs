//! What is said of points, from records that are written by hand.

use super::super::slurm::JobId;
use super::super::submission::SentPack;
use super::super::tests::record as submission;
use super::*;

/// A submission whose packs have these points; the key of point 3 is `3`.
fn recorded(name: &str, packs: &[&[usize]], traces: Vec<Trace>) -> Recorded {
    let pack = |points: &&[usize]| SentPack {
        points: points.to_vec(),
        keys: points.iter().map(ToString::to_string).collect(),
        core_seconds: None,
        lost: BTreeMap::new(),
    };
    let mut submission = submission(name, packs.len());
    submission.packs = packs.iter().map(pack).collect();
    submission.jobs[0].tried = true;
    Recorded::new(submission, traces)
}

fn trace(name: &str, pack: usize, restarts: u32, end: Option<End>) -> Trace {
    Trace {
        node: format!("node{restarts}"),
        end,
        ..Trace::new(&format!("{name}-0"), Some(7), Some(pack), restarts)
    }
}

fn queued(name: &str, index: usize, state: &str) -> QueuedTask {
    QueuedTask {
        name: format!("{name}-0"),
        number: 7,
        index: Some(index),
        state: state.to_owned(),
        reason: "Resources".to_owned(),
        node: "node9".to_owned(),
        submitted: String::new(),
    }
}

/// The queue of a cluster in which nothing is.
fn empty() -> Queue<'static> {
    Queue::of("hpc", &[])
}

/// States of the points 0, 1, 2 … of which `done` says whether they are done.
fn states(done: &[bool], records: &[Recorded], queue: Option<&[QueuedTask]>) -> Vec<PointState> {
    let queue = queue.map(|tasks| Queue::of("hpc", tasks));
    let queue = queue.as_ref();
    let points = done.iter().enumerate();
    points
        .map(|(point, &done)| point_state(&point.to_string(), done, records, queue))
        .collect()
}

/// The state of point 0.
fn states_of(records: &[Recorded], queue: &[QueuedTask]) -> PointState {
    point_state("0", false, records, Some(&Queue::of("hpc", queue)))
}

fn lost(loss: Loss, node: &str) -> PointState {
    PointState::Lost {
        loss,
        node: node.to_owned(),
    }
}

#[test]
fn each_point_is_at_what_its_pack_is_at() {
    let failed = End::Failed {
        reasons: vec![Reason::of_job("`train` failed: no".to_owned())],
    };
    let traces = vec![trace("a", 2, 0, Some(failed)), trace("a", 3, 0, None)];
    let records = [recorded("a", &[&[0, 1], &[2], &[3], &[4], &[5]], traces)];
    let queue = [queued("a", 0, "RUNNING"), queued("a", 1, "PENDING")];
    let done = [true, false, false, false, false, false, false];
    let states = states(&done, &records, Some(&queue));
    let expected = [
        PointState::Done,
        PointState::Running {
            node: "node9".to_owned(),
        },
        PointState::Queued {
            reason: "Resources".to_owned(),
        },
        PointState::Failed {
            reason: "`train` failed: no".to_owned(),
        },
        lost(Loss::Unknown, "node0"),
        // It has left the queue and never begun.
        lost(Loss::Cancelled, ""),
        PointState::NotSent,
    ];
    assert_eq!(states, expected);
    assert_eq!(to_send(&states), [3, 4, 5, 6]);
    let goes_on = |state| may_go_on(state, Attempts::default(), 0);
    let on: Vec<bool> = states.iter().map(goes_on).collect();
    assert_eq!(on, [false, false, false, false, true, false, false]);
}

#[test]
fn a_failed_job_says_at_each_point_what_failed_there() {
    let reason = |message: &str, points: &[usize]| Reason {
        message: message.to_owned(),
        points: points.to_vec(),
    };
    let reasons = vec![
        reason("sample", &[3]),
        reason("train", &[3, 5]),
        reason("likelihood", &[5]),
    ];
    let traces = vec![trace("a", 0, 0, Some(End::Failed { reasons }))];
    let records = [recorded("a", &[&[3, 4, 5]], traces)];
    let state = |key: &str| point_state(key, false, &records, Some(&empty()));
    let failed = |reason: &str| PointState::Failed {
        reason: reason.to_owned(),
    };
    assert_eq!(state("3"), failed("sample; train"));
    assert_eq!(state("5"), failed("train; likelihood"));
    // It was done, and its results have gone since.
    assert_eq!(state("4"), PointState::NotSent);
}

#[test]
fn a_cancelled_submission_to_a_cluster_that_is_not_asked_is_not_waited_for() {
    let mut cancelled = recorded("a", &[&[0]], Vec::new());
    let state =
        |record: &Recorded, queue| point_state("0", false, std::slice::from_ref(record), queue);
    assert!(matches!(state(&cancelled, None), PointState::Queued { .. }));
    cancelled.submission.cancelled = true;
    assert_eq!(state(&cancelled, None), lost(Loss::Cancelled, ""));
    let elsewhere = Queue::of("another", &[]);
    assert_eq!(
        state(&cancelled, Some(&elsewhere)),
        lost(Loss::Cancelled, "")
    );
}

#[test]
fn the_last_words_of_an_earlier_life_are_not_those_of_the_last() {
    let first = format!(
        "{FIRST_WORDS}\nslurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-11-25T10:00:00 DUE TO NODE FAILURE ***\n"
    );
    assert_eq!(Loss::of_output(&first), Loss::Node);
    assert_eq!(
        Loss::of_output(&format!("{first}{FIRST_WORDS}\n")),
        Loss::Unknown
    );
}

#[test]
fn tables_that_are_being_made_are_no_earlier_attempt() {
    let begun = Trace {
        pack: None,
        ..trace("a", 0, 0, None)
    };
    let mut record = recorded("a", &[&[0]], vec![begun]);
    let gathers = SentJob {
        name: "a-gather".to_owned(),
        count: 0,
        ..record.submission.jobs[0].clone()
    };
    record.submission.jobs.push(gathers);
    let plan = record.submission.plan_blake3.clone();
    let running = QueuedTask {
        name: "a-gather".to_owned(),
        index: None,
        ..queued("a", 0, "RUNNING")
    };
    let tasks = [running];
    let records = [record];
    let count = |queue: &Queue<'_>| gathering_attempts(&plan, &records, Some(queue)).total();
    assert_eq!(count(&Queue::of("hpc", &tasks)), 0);
    assert_eq!(count(&empty()), 1);
}

#[test]
fn points_are_found_again_when_the_manifest_has_other_positions() {
    let records = [recorded("a", &[&[5], &[6]], Vec::new())];
    let queue = [queued("a", 0, "PENDING"), queued("a", 1, "RUNNING")];
    let queue = Queue::of("hpc", &queue);
    let state = |key| point_state(key, false, &records, Some(&queue));
    assert!(matches!(state("5"), PointState::Queued { .. }));
    assert!(matches!(state("6"), PointState::Running { .. }));
    assert_eq!(state("0"), PointState::NotSent);
}

#[test]
fn a_job_that_was_put_back_with_the_same_number_is_no_failure() {
    let stopped = End::Stopped {
        then: Then::Requeued,
    };
    for end in [None, Some(stopped)] {
        let records = [recorded("a", &[&[0]], vec![trace("a", 0, 0, end)])];
        for (state, running) in [("PENDING", false), ("RUNNING", true)] {
            let states = states(&[false], &records, Some(&[queued("a", 0, state)]));
            assert_eq!(matches!(states[0], PointState::Running { .. }), running);
            assert_eq!(to_send(&states), [0_usize; 0]);
        }
    }
}

#[test]
fn a_life_that_went_well_in_the_end_is_no_attempt() {
    let traces = vec![trace("a", 0, 0, None), trace("a", 0, 1, Some(End::Done))];
    let records = [recorded("a", &[&[0]], traces)];
    assert_eq!(attempts("0", &records, Some(&empty())), Attempts::default());
}

#[test]
fn a_job_that_was_told_to_stop_goes_on_unless_it_was_cancelled() {
    let cases = [
        (Then::NeedsTime, Loss::Time, 1, true),
        (Then::Cancelled, Loss::Cancelled, 0, false),
        (Then::Requeued, Loss::Cancelled, 0, false),
        (Then::Refused, Loss::Stopped, 0, true),
    ];
    for (then, loss, time, on) in cases {
        let traces = vec![trace("a", 0, 0, Some(End::Stopped { then }))];
        let records = [recorded("a", &[&[0]], traces)];
        let state = &states(&[false], &records, Some(&[]))[0];
        assert_eq!(*state, lost(loss, "node0"));
        assert_eq!(attempts("0", &records, Some(&empty())).time, time);
        assert_eq!(
            may_go_on(state, attempts("0", &records, Some(&empty())), 1),
            on,
            "{then:?}"
        );
        // Somebody's will comes first, as long as the queue remembers it.
        let cancelled = [queued("a", 0, "CANCELLED")];
        let state = &states(&[false], &records, Some(&cancelled))[0];
        assert_eq!(*state, lost(Loss::Cancelled, "node0"));
    }
}

#[test]
fn retries_have_a_limit_and_a_failure_is_not_tried_again() {
    let attempts = Attempts {
        memory: 2,
        ..Attempts::default()
    };
    let state = lost(Loss::Memory, "node0");
    assert!(may_go_on(&state, attempts, 2));
    assert!(!may_go_on(&state, attempts, 1));
    let failed = PointState::Failed {
        reason: String::new(),
    };
    assert!(!may_go_on(&failed, Attempts::default(), 9));
}

#[test]
fn if_the_scheduler_cannot_be_asked_nothing_is_sent_twice() {
    let traces = vec![trace("a", 1, 0, None)];
    let records = [recorded("a", &[&[0], &[1]], traces)];
    let states = states(&[false, false], &records, None);
    assert_eq!(to_send(&states), [0_usize; 0], "{states:?}");
    assert!(bad_nodes(&records, None, 1).is_empty());
}

#[test]
fn what_may_have_been_accepted_counts_as_sent() {
    let mut record = recorded("a", &[&[0]], Vec::new());
    let of = |record: &Recorded| states(&[false], std::slice::from_ref(record), None);
    assert!(matches!(of(&record)[0], PointState::Queued { .. }));
    record.submission.jobs[0].tried = false;
    assert_eq!(of(&record)[0], PointState::NotSent);
}

#[test]
fn a_later_submission_decides_and_one_that_was_cancelled_is_forgotten() {
    let traces = vec![trace("a", 0, 0, None)];
    let mut records = [
        recorded("a", &[&[0]], traces),
        recorded("b", &[&[0]], Vec::new()),
    ];
    let states = states(&[false], &records, Some(&[queued("b", 0, "PENDING")]));
    assert!(matches!(states[0], PointState::Queued { .. }), "{states:?}");
    // What was known when it was sent last, and no more as long as it waits.
    records[1].submission.jobs[0].attempts.unknown = 1;
    let waits = [queued("b", 0, "PENDING")];
    let waits = Queue::of("hpc", &waits);
    assert_eq!(attempts("0", &records, Some(&waits)).unknown, 1);
    records[1].submission.cancelled = true;
    assert_eq!(attempts("0", &records, Some(&empty())).unknown, 1);
    records[0].submission.cancelled = true;
    assert_eq!(attempts("0", &records, Some(&empty())).total(), 0);
    // What is cancelled does nothing more, even if it is still there.
    let states = states_of(&records, &[queued("b", 0, "RUNNING")]);
    assert_eq!(states, lost(Loss::Cancelled, ""));
}

#[test]
fn jobs_of_another_cluster_are_not_known_to_this_one() {
    let mut record = recorded("a", &[&[0]], Vec::new());
    record.submission.cluster = "elsewhere".to_owned();
    let records = [record];
    let states = states(&[false], &records, Some(&[]));
    assert!(matches!(states[0], PointState::Queued { .. }), "{states:?}");
    assert_eq!(attempts("0", &records, Some(&empty())).total(), 0);
}

#[test]
fn a_number_that_was_used_again_is_another_job() {
    let mut record = recorded("a", &[&[0]], Vec::new());
    record.submission.jobs[0].job = Some(JobId {
        cluster: String::new(),
        number: 8,
        submitted: String::new(),
    });
    let records = [record];
    let states = states(&[false], &records, Some(&[queued("a", 0, "RUNNING")]));
    assert_eq!(states[0], lost(Loss::Cancelled, ""));
}

#[test]
fn jobs_that_die_before_they_can_say_anything_are_attempts_and_blame_their_node() {
    // The outputs of three are there, those of two are not: they never began.
    let points: Vec<Vec<usize>> = (0..5).map(|point| vec![point]).collect();
    let packs: Vec<&[usize]> = points.iter().map(Vec::as_slice).collect();
    let mut record = recorded("a", &packs, Vec::new());
    record.losses = (0..3).map(|pack| (pack, Loss::Unknown)).collect();
    let records = [record];
    let tasks: Vec<QueuedTask> = (0..3).map(|pack| queued("a", pack, "FAILED")).collect();
    let queue = Queue::of("hpc", &tasks);
    assert_eq!(attempts("0", &records, Some(&queue)).unknown, 1);
    assert_eq!(attempts("4", &records, Some(&queue)).total(), 0);
    assert_eq!(bad_nodes(&records, Some(&queue), 3), ["node9"]);
    // The same once the queue has forgotten them, but for the node.
    assert_eq!(attempts("0", &records, Some(&empty())).unknown, 1);
    assert_eq!(bad_nodes(&records, Some(&empty()), 3), [""; 0]);
}

#[test]
fn a_node_is_not_blamed_for_what_its_jobs_lack() {
    let traces = (0..4).map(|pack| trace("a", pack, 1, None)).collect();
    let mut record = recorded("a", &[&[0], &[1], &[2], &[3]], traces);
    record.losses = (0..4).map(|pack| (pack, Loss::Memory)).collect();
    let records = [record];
    assert_eq!(bad_nodes(&records, Some(&empty()), 2), [""; 0]);
    assert_eq!(attempts("0", &records, Some(&empty())).memory, 1);
}

#[test]
fn what_the_scheduler_says_of_an_end_is_told() {
    let records = [recorded("a", &[&[0]], vec![trace("a", 0, 0, None)])];
    let said = [
        ("OUT_OF_MEMORY", Loss::Memory),
        ("TIMEOUT", Loss::Time),
        ("NODE_FAIL", Loss::Node),
        ("PREEMPTED", Loss::Stopped),
        ("CANCELLED", Loss::Cancelled),
        ("FAILED", Loss::Unknown),
    ];
    for (state, loss) in said {
        let states = states(&[false], &records, Some(&[queued("a", 0, state)]));
        assert_eq!(states[0], lost(loss, "node0"), "{state}");
        assert_eq!(to_send(&states), [0]);
    }
}

#[test]
fn the_last_words_of_a_job_say_why_it_ended() {
    // As Slurm 22.05 writes them, after what the program said.
    let said = [
        (
            "slurmstepd: error: *** JOB 7 ON node1 CANCELLED AT 2026-11-25T09:00:00 DUE TO TIME LIMIT ***",
            Loss::Time,
        ),
        (
            "slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch. Some of the step tasks have been OOM Killed.",
            Loss::Memory,
        ),
        (
            "slurmstepd: error: *** JOB 7 ON node1 CANCELLED AT 2026-11-25T09:00:00 DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***",
            Loss::Node,
        ),
        (
            "slurmstepd: error: *** JOB 7 ON node1 CANCELLED AT 2026-11-25T09:00:00 ***",
            Loss::Cancelled,
        ),
        ("started   train: DUE TO TIME LIMIT", Loss::Unknown),
        ("", Loss::Unknown),
    ];
    for (line, loss) in said {
        let text = format!("started   sample\n{line}\n");
        assert_eq!(Loss::of_output(&text), loss, "{line}");
    }
}

#[test]
fn a_node_is_bad_if_jobs_are_lost_on_it_and_none_ends_well() {
    let traces = vec![
        trace("a", 0, 1, None),
        trace("a", 1, 1, None),
        trace("a", 2, 2, None),
        trace("a", 3, 2, None),
        trace("a", 4, 2, Some(End::Done)),
        trace("a", 5, 3, None),
        // These two still run.
        trace("a", 6, 4, None),
        trace("a", 7, 4, None),
    ];
    let points: Vec<Vec<usize>> = (0..8).map(|point| vec![point]).collect();
    let packs: Vec<&[usize]> = points.iter().map(Vec::as_slice).collect();
    let records = [recorded("a", &packs, traces)];
    let queue = [queued("a", 6, "RUNNING"), queued("a", 7, "RUNNING")];
    assert_eq!(
        bad_nodes(&records, Some(&Queue::of("hpc", &queue)), 2),
        ["node1"]
    );
}
