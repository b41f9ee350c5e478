//! Fault points: where tests make the operating system refuse, or the process die.
//!
//! A point has a name such as `entry::write`: what the path is (see
//! [`place_of`]), then what is tried. A child process of a test is told by the
//! variable `FAILPOINTS` which points do what, as the crate `fail` reads it:
//! `entry::write=2*off->1*return(enospc)`. Without the feature `failpoints`,
//! which only `cargo test` turns on, every function here is empty.

use std::io;
use std::path::Path;
use std::process::{Command, id};

use super::layout::place_of;

/// ENOSPC of Linux.
const NO_SPACE: i32 = 28;

/// What a fault point does to the step that it stands before.
#[derive(Debug)]
pub(super) enum Fault {
    /// The step is refused with this error.
    Refused(io::Error),
    /// Half of the bytes are written; then there is no space left.
    Short,
}

/// What the fault point of this step asks for; `None` if it is quiet.
///
/// `kill` does not come back.
fn fault_at(action: &str, path: &Path) -> Option<Fault> {
    if !fail::has_failpoints() {
        return None;
    }
    let point = format!("{}::{action}", place_of(path));
    tracing::trace!(target: "fault_point", "{point} {}", path.display());
    fail::fail_point!(&point, |word| Some(meaning(&word.unwrap_or_default())));
    None
}

/// The step `action` on `path` is about to be tried.
pub(super) fn before(action: &str, path: &Path) -> io::Result<()> {
    match fault_at(action, path) {
        None => Ok(()),
        Some(Fault::Refused(error)) => Err(error),
        Some(Fault::Short) => Err(no_space()),
    }
}

/// `bytes` are about to be written to `path`: how many of them will be, and
/// what comes of it then.
pub(super) fn before_bytes(path: &Path, bytes: &[u8]) -> (usize, io::Result<()>) {
    match fault_at("write", path) {
        None => (bytes.len(), Ok(())),
        Some(Fault::Refused(error)) => (0, Err(error)),
        Some(Fault::Short) => (bytes.len() / 2, Err(no_space())),
    }
}

/// Seconds by which the clock is wrong: the point `clock`.
pub(crate) fn clock_error() -> f64 {
    fail::fail_point!("clock", |seconds| seconds
        .and_then(|text| text.parse().ok())
        .unwrap_or_default());
    0.0
}

/// As the system says it, number and all.
fn no_space() -> io::Error {
    io::Error::from_raw_os_error(NO_SPACE)
}

/// Reads the argument of a fault point.
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "without fault points nobody asks")
)]
fn meaning(word: &str) -> Fault {
    // EROFS, EACCES and EIO of Linux.
    Fault::Refused(match word {
        "kill" => die(),
        "short" => return Fault::Short,
        "enospc" => no_space(),
        "erofs" => io::Error::from_raw_os_error(30),
        "eacces" => io::Error::from_raw_os_error(13),
        "eio" => io::Error::from_raw_os_error(5),
        other => io::Error::other(format!("unknown fault `{other}`")),
    })
}

/// Ends this process as `kill -9` does.
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "without fault points nobody asks")
)]
fn die() -> ! {
    let order = format!("kill -s KILL {}", id());
    let sent = Command::new("sh").args(["-c", &order]).status();
    // The signal is there before the shell has ended; this line is for systems without one.
    drop(sent);
    std::process::abort()
}
