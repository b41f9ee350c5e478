//! What Slurm is asked and how its answers are read.
//!
//! Every question is one call of one program. Jobs are asked for by name, so
//! that no identifier of another job, or of an earlier one with the same
//! number, is ever taken for ours.

use std::time::Duration;

use super::command::{Program, output};
use super::error::ClusterError;
use super::script::Resources;
use super::submission::Scheduler;
use crate::manifest::ClusterProfile;

/// Slurm, by its programs on the PATH.
#[derive(Debug, Clone, Copy)]
pub struct Slurm;

impl Scheduler for Slurm {
    fn submit(
        &self,
        options: &[String],
        script: &str,
        variables: &[String],
    ) -> Result<JobId, ClusterError> {
        submit(options, script, variables)
    }

    fn queue(&self, names: &[String]) -> Result<Vec<QueuedTask>, ClusterError> {
        queue(names)
    }
}

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Between the fields of an answer; no name that we give has it.
const BETWEEN: char = '|';

/// Limits of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Name of the cluster, as it calls itself.
    pub cluster: String,
    /// Tasks of one array; its indices are smaller.
    pub max_array_size: usize,
    /// Jobs that the controller holds at most.
    pub max_jobs: usize,
}

/// A job array as the cluster knows it. Numbers of jobs are used again after a
/// while: cluster, number and time of submission together name one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JobId {
    /// Name of the cluster, empty if it has none.
    pub cluster: String,
    /// Number of the array.
    pub number: u64,
    /// When it was submitted, as the cluster has it; empty as long as it was not asked.
    pub submitted: String,
}

/// States of jobs that are over, after squeue(1).
const OVER: [&str; 9] = [
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "TIMEOUT",
];

/// What a queued or running task of an array is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedTask {
    /// Name of the job.
    pub name: String,
    /// Number of the array.
    pub number: u64,
    /// Index in the array; `None` if the job is no array.
    pub index: Option<usize>,
    /// State, in Slurm's words: `PENDING`, `RUNNING`, …
    pub state: String,
    /// Why it waits, in Slurm's words; empty if it does not.
    pub reason: String,
    /// Node that it runs on; empty if it does not.
    pub node: String,
    /// When it was submitted, or put back into the queue.
    pub submitted: String,
}

impl QueuedTask {
    /// Whether it waits or runs; else it is over, and the cluster has not forgotten it yet. A
    /// state that is not known is none in which a job is over: it is not sent twice.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !OVER.contains(&self.state.as_str())
    }

    /// Whether it waits.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.is_active() && !self.runs()
    }

    /// Whether it runs, or is about to begin or to end.
    #[must_use]
    pub fn runs(&self) -> bool {
        let running = [
            "RUNNING",
            "COMPLETING",
            "CONFIGURING",
            "STOPPED",
            "SUSPENDED",
            "SIGNALING",
            "STAGE_OUT",
        ];
        running.contains(&self.state.as_str())
    }
}

/// A partition as the cluster reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its name.
    pub name: String,
    /// Whether jobs that name no partition go there.
    pub default: bool,
    /// Whether it takes jobs.
    pub up: bool,
    /// Longest time of a job in seconds; `None` without a limit.
    pub seconds: Option<u64>,
    /// Most cores of a node.
    pub cores: usize,
    /// Most memory of a node in mebibytes.
    pub mebibytes: u64,
    /// Number of its nodes.
    pub nodes: usize,
}

/// Asks for the limits of the cluster.
///
/// # Errors
///
/// [`ClusterError`] if Slurm does not answer or says something else.
pub fn limits() -> Result<Limits, ClusterError> {
    let text = output("scontrol", &words(&["show", "config"]), "", PATIENCE)?;
    read_limits(&text).ok_or_else(|| ClusterError::Answer {
        program: "scontrol",
        found: first_line(&text),
        expected: "a configuration with ClusterName, MaxArraySize and MaxJobCount",
    })
}

fn read_limits(text: &str) -> Option<Limits> {
    let value = |key: &str| {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.trim().strip_prefix(key))?;
        Some(line.trim().strip_prefix('=')?.trim())
    };
    Some(Limits {
        cluster: value("ClusterName")?.to_owned(),
        max_array_size: value("MaxArraySize")?.parse().ok()?,
        max_jobs: value("MaxJobCount")?.parse().ok()?,
    })
}

/// Sends a batch script with options of `sbatch`, whose job inherits these variables.
fn submit(options: &[String], script: &str, variables: &[String]) -> Result<JobId, ClusterError> {
    let mut arguments = words(&["--parsable"]);
    arguments.extend_from_slice(options);
    let mut sbatch = Program::new("sbatch", &arguments);
    sbatch.keep(variables);
    let text = sbatch.output(script, PATIENCE)?;
    read_job_id(text.trim()).ok_or_else(|| ClusterError::Answer {
        program: "sbatch",
        found: first_line(&text),
        expected: "the number of a job",
    })
}

/// `123` or `123;cluster`.
fn read_job_id(text: &str) -> Option<JobId> {
    // Warnings of a site's plugin may come before.
    let (number, cluster) = match text.lines().next_back()?.split_once(';') {
        Some((number, cluster)) => (number, cluster),
        None => (text.lines().next_back()?, ""),
    };
    Some(JobId {
        cluster: cluster.to_owned(),
        number: number.trim().parse().ok()?,
        submitted: String::new(),
    })
}

/// All tasks in the queue whose job has one of `names`, one call for all; those in hidden
/// partitions as well.
fn queue(names: &[String]) -> Result<Vec<QueuedTask>, ClusterError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let arguments = words(&[
        "--noheader",
        "--all",
        "--array",
        "--states=all",
        "--format=%j|%F|%K|%T|%r|%N|%V",
        &format!("--name={}", names.join(",")),
    ]);
    let text = output("squeue", &arguments, "", PATIENCE)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    // A job that is not understood is not one that is not there.
    lines
        .map(|line| {
            read_task(line).ok_or_else(|| ClusterError::Answer {
                program: "squeue",
                found: line.to_owned(),
                expected: "name|number|index|state|reason|node|time",
            })
        })
        .collect()
}

fn read_task(line: &str) -> Option<QueuedTask> {
    let fields: Vec<&str> = line.split(BETWEEN).map(str::trim).collect();
    let [name, number, index, state, reason, node, submitted] = fields.try_into().ok()?;
    Some(QueuedTask {
        name: name.to_owned(),
        number: number.parse().ok()?,
        index: index.parse().ok(),
        state: state.to_owned(),
        reason: if reason == "None" { "" } else { reason }.to_owned(),
        node: node.to_owned(),
        submitted: submitted.to_owned(),
    })
}

/// The partitions of the cluster.
///
/// # Errors
///
/// [`ClusterError`] if Slurm does not answer.
pub fn partitions() -> Result<Vec<Partition>, ClusterError> {
    let arguments = words(&["--noheader", "--all", "--format=%P|%a|%l|%c|%m|%D"]);
    let text = output("sinfo", &arguments, "", PATIENCE)?;
    Ok(read_partitions(&text))
}

/// What a cluster allows.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Its limits.
    pub limits: Limits,
    /// Its partitions.
    pub partitions: Vec<Partition>,
}

impl Terms {
    /// Asks for them.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if Slurm does not answer.
    pub fn ask() -> Result<Self, ClusterError> {
        Ok(Self {
            limits: limits()?,
            partitions: partitions()?,
        })
    }

    /// The most that a job of the profile may ask for.
    #[must_use]
    pub fn ceiling(&self, profile: &ClusterProfile) -> Resources {
        let partition = chosen(profile, &self.partitions);
        Resources {
            seconds: partition.as_ref().and_then(|it| it.seconds),
            mebibytes: partition.as_ref().map(|it| it.mebibytes),
        }
    }

    /// Of nodes on which jobs are lost those that jobs of the profile do without: all of them,
    /// unless no node would be left.
    #[must_use]
    pub fn without(&self, profile: &ClusterProfile, bad: Vec<String>) -> Vec<String> {
        let nodes = chosen(profile, &self.partitions).map_or(0, |it| it.nodes);
        if bad.len() < nodes { bad } else { Vec::new() }
    }
}

/// The partition that jobs of the profile go to; of several that they may go to the most of
/// each.
fn chosen(profile: &ClusterProfile, partitions: &[Partition]) -> Option<Partition> {
    let fits = |partition: &&Partition| match &profile.partition {
        Some(names) => names.split(',').any(|name| name == partition.name),
        None => partition.default,
    };
    let fitting = partitions.iter().filter(fits).cloned();
    fitting.reduce(|a, b| Partition {
        name: format!("{},{}", a.name, b.name),
        default: a.default || b.default,
        up: a.up || b.up,
        seconds: a.seconds.zip(b.seconds).map(|(a, b)| a.max(b)),
        cores: a.cores.max(b.cores),
        mebibytes: a.mebibytes.max(b.mebibytes),
        nodes: a.nodes + b.nodes,
    })
}

/// What of the profile the cluster does not have, in words.
#[must_use]
pub fn misfits(profile: &ClusterProfile, partitions: &[Partition]) -> Vec<String> {
    let named = profile.partition.as_deref();
    let Some(partition) = chosen(profile, partitions) else {
        let names: Vec<&str> = partitions.iter().map(|p| p.name.as_str()).collect();
        let found = named.map_or("no default partition".to_owned(), |name| {
            format!("no partition `{name}`")
        });
        let names = names.join(", ");
        return vec![format!("the cluster has {found}; it has: {names}")];
    };
    let mut misfits = Vec::new();
    let name = &partition.name;
    if !partition.up {
        misfits.push(format!("partition `{name}` takes no jobs now"));
    }
    if profile.cores > partition.cores {
        let (found, most) = (profile.cores, partition.cores);
        misfits.push(format!("`cores` is {found}, nodes of `{name}` have {most}"));
    }
    if let Some(found) = profile
        .mebibytes
        .filter(|&found| found > partition.mebibytes)
    {
        let most = partition.mebibytes;
        misfits.push(format!(
            "`memory` is {found} MiB, nodes of `{name}` have {most} MiB"
        ));
    }
    if let (Some(found), Some(most)) = (profile.seconds, partition.seconds)
        && found > most
    {
        misfits.push(format!(
            "`time` is {found} s, partition `{name}` allows {most} s"
        ));
    }
    misfits
}

/// A partition with several kinds of nodes has a line for each kind.
fn read_partitions(text: &str) -> Vec<Partition> {
    let mut partitions: Vec<Partition> = Vec::new();
    for found in text.lines().filter_map(read_partition) {
        match partitions.iter_mut().find(|known| known.name == found.name) {
            Some(known) => {
                known.cores = known.cores.max(found.cores);
                known.mebibytes = known.mebibytes.max(found.mebibytes);
                known.nodes += found.nodes;
            }
            None => partitions.push(found),
        }
    }
    partitions
}

fn read_partition(line: &str) -> Option<Partition> {
    let fields: Vec<&str> = line.split(BETWEEN).map(str::trim).collect();
    let [name, state, time, cores, memory, nodes] = fields.try_into().ok()?;
    // `+` marks the least of several values.
    let number = |text: &str| text.trim_end_matches('+').parse().ok();
    Some(Partition {
        name: name.trim_end_matches('*').to_owned(),
        default: name.ends_with('*'),
        up: state == "up",
        seconds: seconds(time),
        cores: usize::try_from(number(cores)?).ok()?,
        mebibytes: number(memory)?,
        nodes: nodes.parse().ok()?,
    })
}

/// A time as Slurm writes it, in seconds; `None` for `infinite` and what is no time.
///
/// `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`,
/// `days-hours:minutes` and `days-hours:minutes:seconds`, after sbatch(1).
#[must_use]
fn seconds(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(days.parse::<u64>().ok()?), rest),
        None => (None, text),
    };
    let parts: Vec<u64> = rest
        .split(':')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match (days, parts.as_slice()) {
        (None, &[minutes]) => (0, minutes, 0),
        (None, &[minutes, seconds]) => (0, minutes, seconds),
        (Some(_), &[hours]) => (hours, 0, 0),
        (Some(_), &[hours, minutes]) => (hours, minutes, 0),
        (_, &[hours, minutes, seconds]) => (hours, minutes, seconds),
        _ => return None,
    };
    let hours = days.unwrap_or(0).checked_mul(24)?.checked_add(hours)?;
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    minutes.checked_mul(60)?.checked_add(seconds)
}

/// Cancels all jobs of one of `names`.
///
/// # Errors
///
/// [`ClusterError`] if Slurm does not answer.
pub fn cancel(names: &[String]) -> Result<(), ClusterError> {
    for name in names {
        output("scancel", &[format!("--name={name}")], "", PATIENCE)?;
    }
    Ok(())
}

/// The state of one job, or task of an array, in Slurm's words.
///
/// # Errors
///
/// [`ClusterError`] if Slurm does not answer.
pub fn state(job: &str) -> Result<String, ClusterError> {
    let arguments = words(&[
        "--noheader",
        "--all",
        "--format=%T",
        &format!("--jobs={job}"),
    ]);
    let text = output("squeue", &arguments, "", PATIENCE)?;
    Ok(first_line(&text).trim().to_owned())
}

/// Puts a task of an array, or a job, back into the queue; for the job itself to ask.
///
/// # Errors
///
/// [`ClusterError`] if Slurm does not answer, or does not allow it.
pub fn requeue(job: &str) -> Result<(), ClusterError> {
    output("scontrol", &words(&["requeue", job]), "", PATIENCE).map(drop)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::state::Attempts;
    use super::*;

    #[test]
    fn limits_are_read_from_the_configuration() {
        let text = "Configuration data as of 2026-11-25T08:49:59\n\
                    ClusterName             = hpc\n\
                    AccountingStorageTRES   = cpu,mem\n\
                    MaxArraySize            = 1001\n\
                    MaxDBDMsgs              = 80008\n\
                    MaxJobCount             = 20000\n";
        let limits = read_limits(text).unwrap();
        assert_eq!((limits.max_array_size, limits.max_jobs), (1001, 20000));
        assert_eq!(limits.cluster, "hpc");
        assert_eq!(read_limits("slurm_load_ctl_conf error"), None);
    }

    #[test]
    fn a_job_is_known_by_number_and_cluster() {
        let id = |cluster: &str, number| JobId {
            cluster: cluster.to_owned(),
            number,
            submitted: String::new(),
        };
        assert_eq!(read_job_id("17"), Some(id("", 17)));
        assert_eq!(read_job_id("17;hpc"), Some(id("hpc", 17)));
        assert_eq!(read_job_id("sbatch: note\n17;hpc"), Some(id("hpc", 17)));
        assert_eq!(read_job_id("sbatch: error"), None);
        assert_eq!(read_job_id(""), None);
    }

    #[test]
    fn tasks_of_an_array_are_read_one_a_line() {
        let task = read_task("lf-x-1|7|3|PENDING|JobArrayTaskLimit||2026-11-25T08:50:27").unwrap();
        assert_eq!((task.number, task.index), (7, Some(3)));
        assert_eq!(
            (task.state.as_str(), task.reason.as_str()),
            ("PENDING", "JobArrayTaskLimit")
        );
        let single = read_task("lf-x-1|8|N/A|RUNNING|None|node1|2026-11-25T08:50:27").unwrap();
        assert_eq!((single.index, single.reason.as_str()), (None, ""));
        assert_eq!(read_task("slurm_load_jobs error: timeout"), None);
    }

    #[test]
    fn a_job_in_a_state_that_is_not_known_is_not_over() {
        let task = |state: &str| read_task(&format!("lf-x-1|7|3|{state}|None||")).unwrap();
        assert!(task("RUNNING").is_active() && !task("RUNNING").waits());
        assert!(task("PENDING").waits() && task("REQUEUE_HOLD").waits());
        assert!(task("A_LATER_SLURM").waits());
        assert!(!task("NODE_FAIL").is_active() && !task("TIMEOUT").is_active());
    }

    #[test]
    fn a_partition_is_as_good_as_its_best_nodes() {
        let text =
            "main*|up|1:00:00|4|1000|2\nmain*|up|1:00:00|64+|256000+|3\nlong|down|infinite|8|1|1\n";
        let partitions = read_partitions(text);
        assert_eq!(partitions.len(), 2);
        assert_eq!(
            (partitions[0].cores, partitions[0].mebibytes),
            (64, 256_000)
        );
        assert_eq!(partitions[0].nodes, 5);
        assert!(partitions[0].default && partitions[0].up);
        assert_eq!(partitions[0].seconds, Some(3600));
        assert_eq!((partitions[1].up, partitions[1].seconds), (false, None));
    }

    #[test]
    fn what_the_cluster_does_not_have_is_said() {
        let partitions = read_partitions("main*|up|1:00:00|4|1000|2\nlong|inact|infinite|8|1|1\n");
        let named = ClusterProfile::named("hpc");
        assert_eq!(misfits(&named, &partitions), [""; 0]);
        let profile = ClusterProfile {
            cores: 5,
            mebibytes: Some(1001),
            seconds: Some(3601),
            ..named.clone()
        };
        let found = misfits(&profile, &partitions);
        for (text, part) in found
            .iter()
            .zip(["nodes of `main` have 4", "1000 MiB", "3600 s"])
        {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(found.len(), 3);
        let elsewhere = |partition: &str| ClusterProfile {
            partition: Some(partition.to_owned()),
            ..named.clone()
        };
        let absent = misfits(&elsewhere("short"), &partitions);
        assert_eq!(
            absent,
            ["the cluster has no partition `short`; it has: main, long"]
        );
        let down = misfits(&elsewhere("long"), &partitions);
        assert_eq!(down, ["partition `long` takes no jobs now"]);
        let either = misfits(&elsewhere("long,main"), &partitions);
        assert_eq!(either, [""; 0]);
    }

    #[test]
    fn what_grows_stays_below_what_the_partition_gives_and_a_node_is_left() {
        let terms = Terms {
            limits: Limits {
                cluster: "hpc".to_owned(),
                max_array_size: 1001,
                max_jobs: 10_000,
            },
            partitions: read_partitions("main*|up|1:00:00|4|64000|2\n"),
        };
        let profile = ClusterProfile {
            seconds: Some(3000),
            mebibytes: Some(48_000),
            ..ClusterProfile::named("hpc")
        };
        let attempts = Attempts {
            time: 1,
            memory: 1,
            unknown: 0,
        };
        let grown = Resources::after(&profile, attempts, terms.ceiling(&profile));
        assert_eq!((grown.seconds, grown.mebibytes), (Some(3600), Some(64_000)));
        let nodes = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(terms.without(&profile, nodes(&["a"])), ["a"]);
        assert_eq!(terms.without(&profile, nodes(&["a", "b"])), [""; 0]);
    }

    #[test]
    fn times_are_read_as_slurm_writes_them() {
        let cases = [
            ("90", Some(5400)),
            ("1:30", Some(90)),
            ("2:00:00", Some(7200)),
            ("1-0", Some(86400)),
            ("1-2:30", Some(86400 + 9000)),
            ("1-02:00:30", Some(86400 + 7230)),
            ("infinite", None),
            ("UNLIMITED", None),
            ("", None),
            ("-1", None),
            ("1-2-3", None),
            ("999999999999999999-0", None),
        ];
        for (text, expected) in cases {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
