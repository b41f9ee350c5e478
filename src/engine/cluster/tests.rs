//! What is sent to the cluster, word by word.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use crate::manifest::ClusterProfile;

use super::slurm::QueuedTask;
use super::*;

fn profile() -> ClusterProfile {
    ClusterProfile {
        partition: Some("normal".to_owned()),
        seconds: Some(3601),
        mebibytes: Some(2000),
        cores: 4,
        max_running: Some(10),
        ..ClusterProfile::named("hpc")
    }
}

/// A submission of one array that was not sent yet.
pub(super) fn record(name: &str, packs: usize) -> Submission {
    let pack = |point: usize| SentPack {
        points: vec![point],
        keys: vec![format!("{point}")],
        core_seconds: None,
        lost: BTreeMap::new(),
    };
    Submission {
        format: SUBMISSION_FORMAT,
        sequence: 1,
        asked: 1,
        ceiling: Resources::default(),
        variables: Vec::new(),
        name: name.to_owned(),
        experiment: "trial".to_owned(),
        cluster: "hpc".to_owned(),
        profile: profile(),
        program: "latentfield".to_owned(),
        sets: Vec::new(),
        excluded_nodes: Vec::new(),
        waits_for: Vec::new(),
        plan_blake3: "00".repeat(32),
        results: "/results".into(),
        store: "/results/.store".into(),
        submitted_unix: 1.0,
        packs: (0..packs).map(pack).collect(),
        jobs: vec![SentJob {
            name: format!("{name}-0"),
            first: 0,
            count: packs,
            limit: None,
            after: None,
            attempts: Attempts::default(),
            tried: false,
            job: None,
        }],
        cancelled: false,
    }
}

/// The first task of the job of that name, number 7, in the queue.
pub(super) fn waiting(job: &str) -> QueuedTask {
    QueuedTask {
        name: job.to_owned(),
        number: 7,
        index: Some(0),
        state: "PENDING".to_owned(),
        reason: String::new(),
        node: String::new(),
        submitted: String::new(),
    }
}

fn request<'a>(profile: &'a ClusterProfile, command: &'a [String]) -> JobRequest<'a> {
    JobRequest {
        profile,
        name: "lf-trial-1",
        array: Some((1000, 500, Some(10))),
        after: &[],
        resources: Resources::after(profile, Attempts::default(), Resources::default()),
        excluded_nodes: &[],
        logs: Path::new("/results/100%/logs"),
        folder: Path::new("/results"),
        command,
    }
}

#[test]
fn the_profile_decides_the_options() {
    let profile = profile();
    let command = ["latentfield".to_owned()];
    let mut request = request(&profile, &command);
    let found = options(&request);
    let wanted = [
        "--job-name=lf-trial-1",
        "--cpus-per-task=4",
        "--signal=B:TERM@120",
        "--requeue",
        "--partition=normal",
        "--time=61",
        "--mem=2000M",
        "--array=0-499%10",
        "--output=/results/100%%/logs/%A_%a.log",
    ];
    for option in wanted {
        assert!(
            found.iter().any(|it| it == option),
            "no {option} in {found:?}"
        );
    }
    for absent in ["--account", "--qos", "--exclude", "--dependency"] {
        assert!(!found.iter().any(|it| it.starts_with(absent)), "{found:?}");
    }
    request.after = &[7, 8];
    let nodes = ["bad1".to_owned(), "bad2".to_owned()];
    request.excluded_nodes = &nodes;
    request.array = None;
    let found = options(&request);
    for option in [
        "--dependency=afterany:7:8",
        "--exclude=bad1,bad2",
        "--output=/results/100%%/logs/%j.log",
    ] {
        assert!(
            found.iter().any(|it| it == option),
            "no {option} in {found:?}"
        );
    }
}

#[test]
fn resources_double_with_each_attempt_that_ran_out_of_them() {
    let profile = profile();
    let after = |time, memory, unknown| {
        let attempts = Attempts {
            time,
            memory,
            unknown,
        };
        let grown = Resources::after(&profile, attempts, Resources::default());
        (grown.seconds.unwrap(), grown.mebibytes.unwrap())
    };
    assert_eq!(after(0, 0, 0), (3601, 2000));
    assert_eq!(after(2, 0, 0), (4 * 3601, 2000));
    assert_eq!(after(0, 1, 1), (3601, 8000));
    let named = ClusterProfile::named("hpc");
    let none = Resources::after(
        &named,
        Attempts {
            time: 2,
            ..Attempts::default()
        },
        Resources::default(),
    );
    assert_eq!((none.seconds, none.mebibytes), (None, None));
}

/// Runs the script with this index, and returns the words that its command got.
fn words_of(script: &str, index: &str) -> Vec<String> {
    let output = Command::new("bash")
        .args(["-c", script])
        .env("SLURM_ARRAY_TASK_ID", index)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn the_index_in_the_array_becomes_the_number_of_the_pack() {
    let profile = ClusterProfile::named("hpc");
    let command = ["printf", r"%s\0", "work", INDEX, "a b"].map(str::to_owned);
    let script = script(&request(&profile, &command));
    assert_eq!(words_of(&script, "7"), ["work", "1007", "a b"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_word_or_value_is_read_as_a_command(
        word in "[^\0]{0,30}", value in "[^\0]{0,30}",
    ) {
        let mut profile = ClusterProfile::named("hpc");
        profile.environment.insert("LF_VALUE".to_owned(), value.clone());
        // `printenv` ends what it writes with a new line.
        let show = r#"printf '%s\0' "$1"; printf '%s\0' "$LF_VALUE""#;
        let command = ["sh", "-c", show, "sh", &word].map(str::to_owned);
        let script = script(&request(&profile, &command));
        prop_assert_eq!(words_of(&script, "0"), [word, value]);
    }
}

mod sending {
    use std::cell::RefCell;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::super::slurm::{JobId, QueuedTask};
    use super::super::*;
    use super::{record, waiting};

    /// How the scheduler answers a call of `submit`.
    #[derive(Clone, Copy)]
    enum Answer {
        /// Accepts and says so.
        Number,
        /// Accepts, but the answer is lost.
        Lost,
        /// Neither accepts nor answers.
        Silence,
        /// Refuses.
        No,
    }

    /// A scheduler that answers as it is told, and remembers what it accepted.
    struct Fake {
        answers: RefCell<Vec<Answer>>,
        accepted: RefCell<Vec<String>>,
        /// Looks at the queue until an accepted job is seen there.
        late: RefCell<u32>,
    }

    impl Fake {
        fn new(answers: &[Answer]) -> Self {
            Self {
                answers: RefCell::new(answers.to_vec()),
                accepted: RefCell::default(),
                late: RefCell::new(0),
            }
        }
    }

    impl Scheduler for Fake {
        fn submit(&self, options: &[String], _: &str, _: &[String]) -> Result<JobId, ClusterError> {
            let answer = self.answers.borrow_mut().remove(0);
            if matches!(answer, Answer::Number | Answer::Lost) {
                let name = options[0].strip_prefix("--job-name=").unwrap();
                self.accepted.borrow_mut().push(name.to_owned());
            }
            let said = "Batch job submission failed: Socket timed out on send/recv operation";
            match answer {
                Answer::Number => Ok(JobId {
                    cluster: String::new(),
                    number: 7,
                    submitted: String::new(),
                }),
                Answer::Lost => Err(ClusterError::Refused {
                    program: "sbatch",
                    said: said.to_owned(),
                }),
                Answer::Silence => Err(ClusterError::TimedOut {
                    program: "sbatch",
                    seconds: 1,
                }),
                Answer::No => Err(ClusterError::Refused {
                    program: "sbatch",
                    said: "invalid partition specified".to_owned(),
                }),
            }
        }

        fn queue(&self, names: &[String]) -> Result<Vec<QueuedTask>, ClusterError> {
            if *self.late.borrow() > 0 {
                *self.late.borrow_mut() -= 1;
                return Ok(Vec::new());
            }
            let ours = |name: &&String| names.contains(name);
            Ok(self
                .accepted
                .borrow()
                .iter()
                .filter(ours)
                .map(|name| waiting(name))
                .collect())
        }
    }

    fn submission() -> Submission {
        record("lf-trial-0", 1)
    }

    const QUICK: Persistence = Persistence {
        looks: 2,
        pause: Duration::ZERO,
        sends: 2,
    };

    fn try_to_send(
        submission: &mut Submission,
        fake: &Fake,
        folder: &TempDir,
        begun: Option<&JobId>,
    ) -> Result<(), SendError> {
        let options = ["--job-name=lf-trial-0-0".to_owned()];
        let begun = |_: &str| begun.cloned();
        let places = (fake as &dyn Scheduler, folder.path());
        send(submission, 0, (&options, ""), places, &begun, QUICK)
    }

    #[test]
    fn a_job_whose_answer_was_lost_is_not_sent_again() {
        for late in [0, 1] {
            let (fake, folder) = (Fake::new(&[Answer::Lost]), TempDir::new().unwrap());
            *fake.late.borrow_mut() = late;
            let mut record = submission();
            try_to_send(&mut record, &fake, &folder, None).unwrap();
            assert_eq!(fake.accepted.borrow().len(), 1);
            let read = Submission::read(folder.path(), "lf-trial-0").unwrap();
            assert_eq!(read, record);
            assert_eq!(read.jobs[0].job.as_ref().unwrap().number, 7);
        }
    }

    #[test]
    fn a_job_that_was_not_accepted_is_sent_again() {
        let answers = [Answer::Silence, Answer::Number];
        let (fake, folder) = (Fake::new(&answers), TempDir::new().unwrap());
        let mut record = submission();
        try_to_send(&mut record, &fake, &folder, None).unwrap();
        assert_eq!(fake.accepted.borrow().len(), 1);
    }

    #[test]
    fn a_sender_that_died_after_the_job_was_accepted_is_followed_by_one_that_finds_it() {
        let (fake, folder) = (Fake::new(&[]), TempDir::new().unwrap());
        fake.accepted.borrow_mut().push("lf-trial-0-0".to_owned());
        let mut record = submission();
        record.jobs[0].tried = true;
        record.write(folder.path()).unwrap();
        let mut read = Submission::read(folder.path(), "lf-trial-0").unwrap();
        try_to_send(&mut read, &fake, &folder, None).unwrap();
        assert_eq!(fake.accepted.borrow().len(), 1);
    }

    #[test]
    fn a_job_that_was_tried_in_vain_is_known_not_to_be_sent() {
        let (fake, folder) = (Fake::new(&[]), TempDir::new().unwrap());
        let mut record = submission();
        record.jobs[0].tried = true;
        let places = (&fake as &dyn Scheduler, folder.path());
        resolve(&mut record, 0, places, &|_| None, QUICK).unwrap();
        assert!(!record.jobs[0].tried && record.jobs[0].job.is_none());
    }

    #[test]
    fn a_job_that_has_run_and_left_the_queue_is_known_by_its_trace() {
        let (fake, folder) = (Fake::new(&[Answer::Silence]), TempDir::new().unwrap());
        let trace = JobId {
            cluster: String::new(),
            number: 9,
            submitted: String::new(),
        };
        let mut record = submission();
        try_to_send(&mut record, &fake, &folder, Some(&trace)).unwrap();
        assert_eq!(record.jobs[0].job, Some(trace));
    }

    #[test]
    fn a_refusal_is_said_and_leaves_nothing_open() {
        let (fake, folder) = (Fake::new(&[Answer::No]), TempDir::new().unwrap());
        let mut record = submission();
        let error = try_to_send(&mut record, &fake, &folder, None).unwrap_err();
        assert!(error.to_string().contains("invalid partition"), "{error}");
        let read = Submission::read(folder.path(), "lf-trial-0").unwrap();
        assert!(!read.jobs[0].tried);
    }

    #[test]
    fn a_scheduler_that_stays_silent_is_given_up_and_the_record_says_it_was_tried() {
        let answers = [Answer::Silence; 2];
        let (fake, folder) = (Fake::new(&answers), TempDir::new().unwrap());
        let mut record = submission();
        try_to_send(&mut record, &fake, &folder, None).unwrap_err();
        assert!(fake.answers.borrow().is_empty());
        assert!(Submission::read(folder.path(), "lf-trial-0").unwrap().jobs[0].tried);
    }

    #[test]
    fn no_job_is_sent_without_a_record() {
        let (fake, folder) = (Fake::new(&[Answer::Number]), TempDir::new().unwrap());
        std::fs::write(folder.path().join("lf-trial-0"), "a file").unwrap();
        let mut record = submission();
        let error = try_to_send(&mut record, &fake, &folder, None).unwrap_err();
        assert!(matches!(error, SendError::Record(_)), "{error}");
        assert!(fake.accepted.borrow().is_empty());
    }

    #[test]
    fn a_record_of_another_format_is_refused() {
        let folder = TempDir::new().unwrap();
        let mut record = submission();
        record.format += 1;
        record.write(folder.path()).unwrap();
        let error = Submission::read(folder.path(), "lf-trial-0").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("format 2, expected 1"), "{text}");
    }

    #[test]
    fn names_differ_from_one_another() {
        let names: std::collections::HashSet<String> =
            (0..1000).map(|_| unique_name("trial")).collect();
        assert_eq!(names.len(), 1000);
        assert!(names.iter().all(|name| name.starts_with("lf-trial-")));
    }
}
