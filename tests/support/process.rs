//! The program as a process: how it ended, or how far it is.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// After this long, what a test waits for will not happen.
const PATIENCE: Duration = Duration::from_mins(1);

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status,
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
        }
    }

    /// Asserts the exit code, and that the program did not panic.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// Asserts that stderr holds each of `texts`.
    #[track_caller]
    pub(crate) fn saying(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "no `{text}` in:\n{}",
                self.stderr
            );
        }
        self
    }

    /// The last line of a run: what was done, cached, failed and left.
    #[track_caller]
    pub(crate) fn summary(&self) -> &str {
        let line = self
            .stderr
            .lines()
            .rev()
            .find(|line| line.contains(" done, "));
        line.unwrap_or_else(|| panic!("no summary in:\n{}", self.stderr))
    }
}

/// The program while it runs; it is killed when the test ends.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    #[track_caller]
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        Self { child, stderr }
    }

    /// Reads stderr up to the line that counts the task `number` as done; the
    /// line that says how many there are has number 0.
    #[track_caller]
    pub(crate) fn wait_for_task(&mut self, number: usize) {
        let begins = |line: &str| match number {
            0 => line.contains(" tasks to run"),
            _ => line
                .trim_start_matches(['[', ' '])
                .starts_with(&format!("{number}/")),
        };
        let mut read = String::new();
        let mut start = 0;
        while !begins(&read[start..]) {
            start = read.len();
            let length = self.stderr.read_line(&mut read).expect("a line of text");
            assert!(
                length > 0,
                "the program ended before task {number}:\n{read}"
            );
        }
    }

    /// Whether it still runs.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Sends SIGKILL. Says whether that is what ended the program.
    pub(crate) fn kill(mut self) -> bool {
        // It may have ended just now.
        let _ = self.child.kill();
        self.child.wait().expect("a child").signal() == Some(9)
    }

    /// Sends SIGKILL to the program and all that it started. Says whether that is what
    /// ended the program.
    #[track_caller]
    pub(crate) fn kill_group(mut self) -> bool {
        let script = format!("kill -s KILL -- -{} || true", self.child.id());
        let status = Command::new("sh")
            .args(["-c", &script])
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("a shell").success());
        self.child.wait().expect("a child").signal() == Some(9)
    }

    /// Sends the signal of this name.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let script = format!("kill -s {name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &script]).status();
        assert!(
            status.expect("a shell").success(),
            "{name} could not be sent"
        );
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let mut stderr = String::new();
        self.stderr
            .read_to_string(&mut stderr)
            .expect("text on stderr");
        let status = self.child.wait().expect("a child");
        Ended {
            status,
            stdout: String::new(),
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // No process outlives its test; one that has ended is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `holds`; looks often, so that what comes next comes soon after.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_micros(50));
    }
}
