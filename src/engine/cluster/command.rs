//! Programs of the scheduler, run with a time limit.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::error::ClusterError;

/// First and longest pause between two looks whether a program has ended.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// A program of the scheduler, about to be run.
pub(super) struct Program {
    name: &'static str,
    command: Command,
}

impl Program {
    pub(super) fn new(name: &'static str, arguments: &[String]) -> Self {
        let mut command = Command::new(name);
        command.args(arguments);
        for (variable, _) in std::env::vars_os() {
            if is_of_a_job(&variable.to_string_lossy()) {
                command.env_remove(variable);
            }
        }
        Self { name, command }
    }

    /// Takes all variables of the environment away but these.
    pub(super) fn keep(&mut self, variables: &[String]) {
        for (variable, _) in std::env::vars_os() {
            if !variables.iter().any(|kept| variable == **kept) {
                self.command.env_remove(variable);
            }
        }
    }

    /// What it wrote, if it ended well.
    ///
    /// # Errors
    ///
    /// - [`ClusterError::NoProgram`] if it cannot be started.
    /// - [`ClusterError::Refused`] if it ended with another code than 0, with what it said.
    /// - [`ClusterError::TimedOut`] if it had not ended after `patience`. Whether
    ///   it did what was asked is then not known.
    pub(super) fn output(
        mut self,
        input: &str,
        patience: Duration,
    ) -> Result<String, ClusterError> {
        let program = self.name;
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| ClusterError::NoProgram { program, source })?;
        // A program that ends without reading all has its reasons, which it says itself.
        let stdin = child.stdin.take();
        let _ = stdin.map(|mut pipe| pipe.write_all(input.as_bytes()));
        let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let Some(success) = end(&mut child, patience) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(ClusterError::TimedOut {
                program,
                seconds: patience.as_secs(),
            });
        };
        let text = |read: thread::JoinHandle<String>| read.join().unwrap_or_default();
        let (stdout, stderr) = (text(stdout), text(stderr));
        if success {
            return Ok(stdout);
        }
        Err(ClusterError::Refused {
            program,
            said: stderr.trim().replace('\n', "; "),
        })
    }
}

/// What a program wrote, if it ended well; see [`Program::output`].
pub(super) fn output(
    program: &'static str,
    arguments: &[String],
    input: &str,
    patience: Duration,
) -> Result<String, ClusterError> {
    Program::new(program, arguments).output(input, patience)
}

/// Whether a variable would make a program answer another question than it was asked: what
/// a job has of its own would be handed on to the jobs that it sends, and the user's
/// filters of the queue would hide jobs.
fn is_of_a_job(variable: &str) -> bool {
    let of_a_job = [
        "SLURM_JOB",
        "SLURM_ARRAY",
        "SLURM_RESTART",
        "SLURM_CPUS",
        "SLURM_MEM",
        "SLURM_NTASKS",
        "SLURM_TASK",
        "SLURM_STEP",
        "SLURM_NODE",
        "SLURMD_",
        "SQUEUE_",
        "SINFO_",
        "SCANCEL_",
        "SBATCH_CLUSTERS",
        "SBATCH_ARRAY",
        "SBATCH_JOB_NAME",
        "SBATCH_WAIT",
    ];
    of_a_job.iter().any(|start| variable.starts_with(start))
}

/// Reads a pipe to its end on a thread of its own, so that it never fills.
fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What cannot be read is missing from the message, nothing else.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Whether the program ended well; `None` if it has not ended after `patience`.
fn end(child: &mut Child, patience: Duration) -> Option<bool> {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if start.elapsed() < patience => thread::sleep(pause),
            Ok(None) | Err(_) => return None,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Result<String, ClusterError> {
        output(
            "sh",
            &["-c".to_owned(), script.to_owned()],
            "in\n",
            patience,
        )
    }

    #[test]
    fn a_program_reads_its_input_and_its_output_comes_back() {
        let said = shell("cat; echo out", Duration::from_secs(10)).unwrap();
        assert_eq!(said, "in\nout\n");
    }

    #[test]
    fn a_refusal_says_what_the_program_said() {
        let refused = shell("echo no >&2; exit 3", Duration::from_secs(10));
        assert!(matches!(refused, Err(ClusterError::Refused { said, .. }) if said == "no"));
    }

    #[test]
    fn more_output_than_a_pipe_holds_is_read() {
        let said = shell("seq 100000; seq 100000 >&2", Duration::from_mins(1)).unwrap();
        assert_eq!(said.lines().count(), 100_000);
    }

    #[test]
    fn a_program_that_hangs_is_given_up() {
        let hangs = shell("exec sleep 100", Duration::from_millis(100));
        assert!(
            matches!(hangs, Err(ClusterError::TimedOut { .. })),
            "{hangs:?}"
        );
    }

    #[test]
    fn what_a_job_has_of_its_own_and_filters_of_the_queue_are_not_handed_on() {
        for name in ["SLURM_RESTART_COUNT", "SLURM_ARRAY_TASK_ID", "SQUEUE_USERS"] {
            assert!(is_of_a_job(name), "{name}");
        }
        for name in ["SLURM_CONF", "SLURM_CLUSTERS", "SBATCH_ACCOUNT", "PATH"] {
            assert!(!is_of_a_job(name), "{name}");
        }
    }

    #[test]
    fn only_the_variables_that_are_kept_are_inherited() {
        let mut program = Program::new("sh", &["-c".to_owned(), "env".to_owned()]);
        program.keep(&["PATH".to_owned()]);
        let said = program.output("", Duration::from_secs(10)).unwrap();
        let names: Vec<&str> = said
            .lines()
            .map(|line| line.split('=').next().unwrap())
            .collect();
        assert!(names.contains(&"PATH"), "{said}");
        // The shell makes some of its own.
        assert!(
            !names.contains(&"HOME") && !names.contains(&"CARGO"),
            "{said}"
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let absent = output("no-such-program", &[], "", Duration::from_secs(1));
        assert!(matches!(absent, Err(ClusterError::NoProgram { .. })));
    }
}
