//! Options and text of a batch job: pure.

use std::fmt::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::manifest::ClusterProfile;

use super::quote::quoted;
use super::state::Attempts;

/// Resources of a job, or the most of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Longest time in seconds, if it is limited.
    pub seconds: Option<u64>,
    /// Memory in mebibytes, if it is asked for.
    pub mebibytes: Option<u64>,
}

impl Resources {
    /// Those of the profile, doubled for each attempt that ran out of one. An attempt that
    /// ended without a word may have run out of memory. What grows stays below `ceiling`, which
    /// is where the cluster would refuse it.
    #[must_use]
    pub fn after(profile: &ClusterProfile, attempts: Attempts, ceiling: Self) -> Self {
        let grown = |value: u64, attempts: u32, most: Option<u64>| {
            let grown = value.saturating_mul(1_u64 << attempts.min(16));
            grown.min(most.unwrap_or(u64::MAX).max(value))
        };
        let (time, memory) = (attempts.time, attempts.memory + attempts.unknown);
        Self {
            seconds: profile
                .seconds
                .map(|value| grown(value, time, ceiling.seconds)),
            mebibytes: profile
                .mebibytes
                .map(|value| grown(value, memory, ceiling.mebibytes)),
        }
    }
}

/// What a batch job is asked to do.
#[derive(Debug, Clone)]
pub struct JobRequest<'a> {
    /// How jobs are sent.
    pub profile: &'a ClusterProfile,
    /// Unique name of the job.
    pub name: &'a str,
    /// First pack, number of packs, and how many of them run at once at most;
    /// `None` for a single job.
    pub array: Option<(usize, usize, Option<usize>)>,
    /// Jobs, by number, that must have ended before it begins.
    pub after: &'a [u64],
    /// What it may use.
    pub resources: Resources,
    /// Nodes that it must not run on.
    pub excluded_nodes: &'a [String],
    /// Folder for what its tasks write.
    pub logs: &'a Path,
    /// Folder that it runs in.
    pub folder: &'a Path,
    /// The program and its words; `@INDEX@` stands for the index in the array.
    pub command: &'a [String],
}

/// Stands for the number of the pack in a command.
pub const INDEX: &str = "@INDEX@";

/// The options of `sbatch`, each one word. No shell reads them.
#[must_use]
pub fn options(request: &JobRequest<'_>) -> Vec<String> {
    let profile = request.profile;
    let mut options = vec![
        format!("--job-name={}", request.name),
        format!("--comment={}", request.name),
        format!("--chdir={}", request.folder.display()),
        "--ntasks=1".to_owned(),
        format!("--cpus-per-task={}", profile.cores),
        "--open-mode=append".to_owned(),
        format!("--output={}", output(request)),
        // To the program itself, since it takes the place of the script's shell.
        format!("--signal=B:TERM@{}", profile.stop_seconds),
        if profile.requeue {
            "--requeue"
        } else {
            "--no-requeue"
        }
        .to_owned(),
        "--export=ALL".to_owned(),
    ];
    let named = [
        ("partition", &profile.partition),
        ("account", &profile.account),
        ("qos", &profile.qos),
        ("constraint", &profile.constraint),
    ];
    for (option, value) in named {
        options.extend(value.as_ref().map(|value| format!("--{option}={value}")));
    }
    let resources = request.resources;
    // Slurm counts whole minutes; a job gets no less than it was promised.
    let minutes = resources.seconds.map(|seconds| seconds.div_ceil(60));
    options.extend(minutes.map(|minutes| format!("--time={minutes}")));
    options.extend(resources.mebibytes.map(|size| format!("--mem={size}M")));
    if !request.excluded_nodes.is_empty() {
        options.push(format!("--exclude={}", request.excluded_nodes.join(",")));
    }
    if !request.after.is_empty() {
        let numbers: Vec<String> = request.after.iter().map(u64::to_string).collect();
        options.push(format!("--dependency=afterany:{}", numbers.join(":")));
    }
    options.extend(request.array.map(array));
    options.extend(profile.options.iter().cloned());
    options
}

fn array((_, count, limit): (usize, usize, Option<usize>)) -> String {
    let limit = limit.map_or(String::new(), |limit| format!("%{limit}"));
    format!("--array=0-{}{limit}", count.saturating_sub(1))
}

/// Slurm fills in the number of the job and the index; a `%` of the path is doubled.
fn output(request: &JobRequest<'_>) -> String {
    let folder = request.logs.display().to_string().replace('%', "%%");
    let name = if request.array.is_some() {
        "%A_%a"
    } else {
        "%j"
    };
    format!("{folder}/{name}.log")
}

/// The batch script.
///
/// Every value is quoted, so that none is read as a command; only `prologue` is
/// shell, and comes from the user's own file.
#[must_use]
pub fn script(request: &JobRequest<'_>) -> String {
    let profile = request.profile;
    let mut text = String::from("#!/bin/bash -l\n");
    for module in &profile.modules {
        let _ = writeln!(text, "module load {} || exit", quoted(module));
    }
    for line in &profile.prologue {
        let _ = writeln!(text, "{line}");
    }
    for (name, value) in &profile.environment {
        let _ = writeln!(text, "export {name}={}", quoted(value));
    }
    let first = request.array.map_or(0, |(first, _, _)| first);
    let words: Vec<String> = request
        .command
        .iter()
        .map(|word| match word.as_str() {
            INDEX => format!("\"$(({first} + ${{SLURM_ARRAY_TASK_ID:-0}}))\""),
            word => quoted(word),
        })
        .collect();
    // The program takes the shell's place, so that signals reach it.
    let _ = writeln!(text, "exec {}", words.join(" "));
    text
}

/// The command line that sends the script, for people.
#[must_use]
pub fn command_line(options: &[String]) -> String {
    let words: Vec<String> = options.iter().map(|option| quoted(option)).collect();
    format!("sbatch --parsable {}", words.join(" "))
}
