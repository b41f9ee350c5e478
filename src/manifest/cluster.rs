//! `[cluster.NAME]` of the user's file: how jobs are sent to a cluster.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::node::{Node, Value};
use super::section::Section;

/// How jobs are sent to one cluster. What is absent is left to the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterProfile {
    /// Name by which `--cluster` means it.
    pub name: String,
    /// Partition that jobs go to.
    pub partition: Option<String>,
    /// Account that is charged.
    pub account: Option<String>,
    /// Quality of service.
    pub qos: Option<String>,
    /// Features that a node must have, in Slurm's words.
    pub constraint: Option<String>,
    /// Longest time of a job, in seconds.
    pub seconds: Option<u64>,
    /// Memory of a job, in mebibytes.
    pub mebibytes: Option<u64>,
    /// Cores of a job, and threads that it uses.
    pub cores: usize,
    /// Environment modules that are loaded first.
    pub modules: Vec<String>,
    /// Lines of shell that are run first, after the modules.
    pub prologue: Vec<String>,
    /// Environment variables that are set.
    pub environment: BTreeMap<String, String>,
    /// More options of `sbatch`, as they are written there.
    pub options: Vec<String>,
    /// Path of the program on the nodes; that of the running program by default.
    pub program: Option<String>,
    /// Whether the cluster may put a job back into the queue when its node is lost.
    pub requeue: bool,
    /// Jobs that run at the same time at most.
    pub max_running: Option<usize>,
    /// Points of a job; by time where it is absent.
    pub points_per_job: Option<usize>,
    /// Minutes that a job lasts at least, by the estimates.
    pub job_minutes: usize,
    /// Seconds before the end of its time in which a job is told to stop.
    pub stop_seconds: u64,
    /// Times that a task is tried again with more memory and time, after it ran out of either.
    pub retries: usize,
    /// Times that a task may take its node or job down before it is blamed.
    pub crash_limit: usize,
}

impl ClusterProfile {
    /// A profile of that name with nothing but defaults.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            partition: None,
            account: None,
            qos: None,
            constraint: None,
            seconds: None,
            mebibytes: None,
            cores: 1,
            modules: Vec::new(),
            prologue: Vec::new(),
            environment: BTreeMap::new(),
            options: Vec::new(),
            program: None,
            requeue: true,
            max_running: None,
            points_per_job: None,
            job_minutes: 10,
            stop_seconds: 120,
            retries: 2,
            crash_limit: 3,
        }
    }
}

/// Keys of a profile.
pub const PROFILE_KEYS: &[&str] = &[
    "partition",
    "account",
    "qos",
    "constraint",
    "time",
    "memory",
    "cores",
    "modules",
    "prologue",
    "environment",
    "options",
    "program",
    "requeue",
    "max_running",
    "points_per_job",
    "job_minutes",
    "stop_seconds",
    "retries",
    "crash_limit",
];

/// Most entries of a list.
const MOST: usize = 1000;

/// Reads all profiles.
pub(super) fn read(root: &Section<'_>) -> Vec<ClusterProfile> {
    let clusters = root.table_or_empty("cluster");
    let names = clusters.entries.iter().map(|entry| entry.key.as_str());
    names
        .filter_map(|name| Some(profile(&clusters.table(name)?, name)))
        .collect()
}

fn profile(section: &Section<'_>, name: &str) -> ClusterProfile {
    section.allow_only(PROFILE_KEYS);
    let default = ClusterProfile::named(name);
    let word = |key| word(section, key);
    let seconds = time(section);
    ClusterProfile {
        partition: word("partition"),
        account: word("account"),
        qos: word("qos"),
        constraint: word("constraint"),
        seconds,
        mebibytes: memory(section),
        cores: section.count("cores", 1..=4096).unwrap_or(default.cores),
        modules: texts(section, "modules"),
        prologue: texts(section, "prologue"),
        environment: environment(section),
        options: options(section),
        program: section.text("program"),
        requeue: section.flag("requeue").unwrap_or(default.requeue),
        max_running: section.count("max_running", 1..=1_000_000),
        points_per_job: section.count("points_per_job", 1..=100_000),
        job_minutes: section
            .count("job_minutes", 1..=100_000)
            .unwrap_or(default.job_minutes),
        stop_seconds: stop_seconds(section, seconds).unwrap_or(default.stop_seconds),
        retries: section.count("retries", 0..=20).unwrap_or(default.retries),
        crash_limit: section
            .count("crash_limit", 1..=20)
            .unwrap_or(default.crash_limit),
        name: default.name,
    }
}

/// A text on one line that is not taken for an option.
fn word(section: &Section<'_>, key: &str) -> Option<String> {
    let text = section.text(key)?;
    let fits = !text.is_empty() && !text.starts_with('-') && !text.chars().any(char::is_control);
    if fits {
        return Some(text);
    }
    let expected = "a name on one line that does not begin with `-`".to_owned();
    section.out_of_range(&section.find(key)?.node, &section.key(key), expected)
}

/// At most half of the time of a job; by default a quarter, and no more than two minutes.
fn stop_seconds(section: &Section<'_>, seconds: Option<u64>) -> Option<u64> {
    let Some(entry) = section.find("stop_seconds") else {
        let usual = ClusterProfile::named("").stop_seconds;
        return seconds.map(|seconds| usual.min(seconds / 4));
    };
    let most = seconds.map_or(65_535, |seconds| (seconds / 2).clamp(1, 65_535));
    let asked = section.integer("stop_seconds", &(1..=65_535))?;
    match asked.unsigned_abs() {
        asked if asked <= most => Some(asked),
        _ => {
            let expected = format!("at most {most}, half of `time`");
            section.out_of_range(&entry.node, &section.key("stop_seconds"), expected)
        }
    }
}

/// Options of `sbatch` on which the program relies, or that have keys of their own.
const RESERVED: &[(&str, &str)] = &[
    ("account", "A"),
    ("array", "a"),
    ("chdir", "D"),
    ("cluster", ""),
    ("clusters", "M"),
    ("comment", ""),
    ("constraint", "C"),
    ("cpus-per-task", "c"),
    ("dependency", "d"),
    ("error", "e"),
    ("exclude", "x"),
    ("export", ""),
    ("export-file", ""),
    ("help", "h"),
    ("job-name", "J"),
    ("mem", ""),
    ("no-requeue", ""),
    ("ntasks", "n"),
    ("open-mode", ""),
    ("output", "o"),
    ("parsable", ""),
    ("partition", "p"),
    ("qos", "q"),
    ("requeue", ""),
    ("signal", ""),
    ("test-only", ""),
    ("time", "t"),
    ("usage", ""),
    ("version", "V"),
    ("wait", "W"),
    ("wrap", ""),
];

/// Further options, each in one word.
fn options(section: &Section<'_>) -> Vec<String> {
    let read = |section: &Section<'_>, node: &Node, path: &str| {
        let Value::Text(text) = &node.value else {
            return section.wrong_type(node, path, "a text");
        };
        // Both would say how much memory a job has.
        let memory = text.starts_with("--mem-per") && section.find("memory").is_some();
        if is_free_option(text) && !memory {
            return Some(text.clone());
        }
        let expected = "an option of `sbatch` in one word, such as `--mail-type=END`, and none \
                        that the program or another key sets"
            .to_owned();
        section.out_of_range(node, path, expected)
    };
    let found = section.array("options", &(0..=MOST), "texts", read);
    found.unwrap_or_default()
}

/// Whether it is an option, and not one of [`RESERVED`]. Long ones may be cut short: `--job`.
fn is_free_option(text: &str) -> bool {
    if text.contains('\0') {
        return false;
    }
    if let Some(long) = text.strip_prefix("--") {
        let name = long.split('=').next().unwrap_or_default();
        let means = |reserved: &&(&str, &str)| reserved.0.starts_with(name);
        return !name.is_empty() && !RESERVED.iter().any(|it| means(&it));
    }
    let short = text.strip_prefix('-').filter(|rest| !rest.is_empty());
    let reserved = |short: &str| {
        let mut letters = RESERVED.iter().filter(|(_, letter)| !letter.is_empty());
        letters.any(|(_, letter)| short.starts_with(letter))
    };
    short.is_some_and(|short| !reserved(short))
}

fn texts(section: &Section<'_>, key: &str) -> Vec<String> {
    let read = |section: &Section<'_>, node: &Node, path: &str| match &node.value {
        Value::Text(text) if !text.contains('\0') => Some(text.clone()),
        _ => section.wrong_type(node, path, "a text"),
    };
    let found = section.array(key, &(0..=MOST), "texts", read);
    found.unwrap_or_default()
}

fn environment(section: &Section<'_>) -> BTreeMap<String, String> {
    let table = section.table_or_empty("environment");
    let mut variables = BTreeMap::new();
    for entry in table.entries {
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let named = entry.key.starts_with(first) && entry.key.chars().all(plain);
        if !named {
            let expected = "a name of letters, digits and `_`".to_owned();
            let key = table.key(&entry.key);
            table.out_of_range::<()>(&entry.node, &key, expected);
        } else if let Some(text) = table.text(&entry.key) {
            variables.insert(entry.key.clone(), text);
        }
    }
    variables
}

/// `"02:00:00"`, `"1-12:00:00"`, or minutes as a number.
fn time(section: &Section<'_>) -> Option<u64> {
    let entry = section.find("time")?;
    let expected = "minutes, or a time such as \"02:00:00\" or \"1-12:00:00\"";
    let seconds = match &entry.node.value {
        Value::Integer(minutes) => u64::try_from(*minutes).ok().and_then(|m| m.checked_mul(60)),
        Value::Text(text) => clock_seconds(text),
        _ => return section.wrong_type(&entry.node, &section.key("time"), expected),
    };
    match seconds.filter(|&seconds| seconds > 0) {
        Some(seconds) => Some(seconds),
        None => section.out_of_range(&entry.node, &section.key("time"), expected.to_owned()),
    }
}

/// `[days-]hours:minutes:seconds` in seconds.
fn clock_seconds(text: &str) -> Option<u64> {
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let parts: Vec<u64> = rest
        .split(':')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let &[hours, minutes, seconds] = parts.as_slice() else {
        return None;
    };
    if minutes >= 60 || seconds >= 60 {
        return None;
    }
    let hours = days
        .parse::<u64>()
        .ok()?
        .checked_mul(24)?
        .checked_add(hours)?;
    hours.checked_mul(3600)?.checked_add(60 * minutes + seconds)
}

/// `"8G"`, `"500M"`, or mebibytes as a number.
fn memory(section: &Section<'_>) -> Option<u64> {
    let entry = section.find("memory")?;
    let expected = "mebibytes, or a size such as \"500M\", \"8G\" or \"1T\"";
    let mebibytes = match &entry.node.value {
        Value::Integer(mebibytes) => u64::try_from(*mebibytes).ok(),
        Value::Text(text) => size(text),
        _ => return section.wrong_type(&entry.node, &section.key("memory"), expected),
    };
    match mebibytes.filter(|&mebibytes| mebibytes > 0) {
        Some(mebibytes) => Some(mebibytes),
        None => section.out_of_range(&entry.node, &section.key("memory"), expected.to_owned()),
    }
}

fn size(text: &str) -> Option<u64> {
    let units = [('M', 1), ('G', 1024), ('T', 1024 * 1024)];
    let (number, factor) = units
        .iter()
        .find_map(|&(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(factor)
}
