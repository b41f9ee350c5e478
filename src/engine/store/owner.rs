//! Processes that hold claims, as other processes see them.
//!
//! A process that may claim tasks writes one small file, its sign of life, and
//! renews it now and then. Others on the same machine ask the system whether
//! the process lives; others elsewhere watch whether the file changes, by
//! their own clock. No clock of another machine, no modification time and no
//! lock across machines is trusted. A file that is gone is a process that has
//! ended.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::atomic;
use super::entry::host;
use super::error::StoreError;

/// How often a sign of life is renewed.
const BEAT: Duration = Duration::from_secs(10);

/// After this long without a change, a process of another machine counts as dead.
const PATIENCE: Duration = Duration::from_secs(90);

/// Longest sign of life that is read, in bytes.
const LONGEST: usize = 4096;

/// Where a process runs and which it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Process {
    /// Name of the machine, for messages.
    host: String,
    /// Boot of the machine and its space of process numbers: where both agree
    /// the number means the same process. Empty where the system tells neither.
    machine: String,
    /// Number of its user.
    user: u32,
    /// Number of the process.
    pid: u32,
    /// When it started, in the system's ticks; tells it from an earlier one of its number.
    started: u64,
}

impl Process {
    fn own() -> Self {
        let pid = std::process::id();
        Self {
            host: host(),
            machine: machine(),
            user: user(),
            pid,
            started: started(pid).unwrap_or(0),
        }
    }

    /// Whether it lives; `None` if it runs elsewhere, or is of another user, whose processes
    /// the system may hide.
    fn lives(&self) -> Option<bool> {
        let here = !self.machine.is_empty() && self.machine == machine();
        let lives = here.then(|| started(self.pid) == Some(self.started))?;
        (lives || self.user == user()).then_some(lives)
    }

    /// `process 4711 on node3`; on this machine with its command line.
    fn in_words(&self) -> String {
        let pid = self.pid;
        if self.machine != machine() {
            return format!("process {pid} on {}", self.host);
        }
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        format!("process {pid} (`{}`)", words.trim())
    }
}

/// Boot identifier and space of process numbers of this machine.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let space = std::fs::read_link("/proc/self/ns/pid");
    match (boot, space) {
        (Ok(boot), Ok(space)) => format!("{} {}", boot.trim(), space.display()),
        _ => String::new(),
    }
}

/// Number of the user of this process; 0 where the system does not tell.
fn user() -> u32 {
    std::fs::metadata("/proc/self").map_or(0, |own| own.uid())
}

/// Field 22 of `/proc/PID/stat`, proc(5); `None` if there is no such process,
/// or if it has ended and its parent has not asked for it yet.
fn started(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in parentheses, may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// End of the name of a sign that is on its way to its place.
const BESIDE: &str = ".new";

/// What the file of a sign of life holds; always as many bytes for one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sign {
    #[serde(flatten)]
    process: Process,
    /// A number that is raised each time, with all its digits.
    beat: String,
}

/// This process as an owner of claims. Dropping it ends its sign of life.
#[derive(Debug)]
pub(crate) struct Owner {
    id: String,
    path: PathBuf,
    stop: Option<Sender<()>>,
    beating: Option<JoinHandle<()>>,
}

impl Owner {
    /// Writes the first sign of life below `area`, and renews it from a thread.
    pub(crate) fn begin(area: &Path) -> Result<Self, StoreError> {
        Self::living(area, Process::own(), BEAT)
    }

    fn living(area: &Path, process: Process, every: Duration) -> Result<Self, StoreError> {
        let id = new_id();
        let path = area.join(&id);
        atomic::create_folder(area)?;
        // Written beside its place, so that it is there as a whole; and again, if somebody who
        // tidies up has taken it for one that was left behind.
        let beside = area.join(format!("{id}{BESIDE}"));
        loop {
            if let Err(error) = write(&beside, &process, 0) {
                let _ = atomic::remove_file(&beside);
                return Err(error);
            }
            if atomic::rename_if_there(&beside, &path)? {
                break;
            }
        }
        let (stop, stopped) = channel::<()>();
        let beating = thread::Builder::new()
            .name("sign of life".to_owned())
            .spawn({
                let path = path.clone();
                move || {
                    let mut beat = 0;
                    while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                        beat += 1;
                        // A sign that cannot be written now is tried again at the next beat.
                        let _ = write(&path, &process, beat);
                    }
                }
            });
        Ok(Self {
            id,
            stop: Some(stop),
            beating: Some(beating.map_err(StoreError::io("start a thread for", &path))?),
            path,
        })
    }

    /// The name that claims are made in.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

/// A name that no other owner has, on any machine.
pub(crate) fn new_id() -> String {
    blake3::hash(atomic::unique().as_bytes()).to_hex()[..32].to_owned()
}

fn write(path: &Path, process: &Process, beat: u64) -> Result<(), StoreError> {
    let sign = Sign {
        process: process.clone(),
        beat: format!("{beat:020}"),
    };
    // A struct of texts and numbers always has a JSON form.
    let text = serde_json::to_string(&sign).unwrap_or_default();
    atomic::overwrite(path, text.as_bytes())
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.beating.take().map(JoinHandle::join);
        // What stays behind is found dead by the next process.
        let _ = atomic::remove_file(&self.path);
    }
}

/// Whether an owner of claims lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Life {
    /// It does; who it is, in words.
    Lives(String),
    /// It may, on another machine: it has not been watched for long enough to say.
    MayLive,
    /// It has ended.
    Ended,
}

/// A sign of life that was seen, and for how long it has been the same.
#[derive(Debug)]
struct Seen {
    sign: Vec<u8>,
    since: Instant,
    /// When it was looked at last.
    looked: Instant,
    /// Whether it was another one before.
    changed: bool,
}

/// Watches the signs of life of others.
#[derive(Debug)]
pub(crate) struct Watch {
    area: PathBuf,
    patience: Duration,
    /// The last sign of each owner, by its file.
    seen: Mutex<HashMap<PathBuf, Seen>>,
}

impl Watch {
    pub(crate) fn new(area: PathBuf) -> Self {
        Self::with_patience(area, PATIENCE)
    }

    pub(super) fn with_patience(area: PathBuf, patience: Duration) -> Self {
        Self {
            area,
            patience,
            seen: Mutex::default(),
        }
    }

    /// Whether the owner `id` lives, as far as can be said. What is no name of an owner names
    /// nobody.
    pub(crate) fn look(&self, id: &str) -> Result<Life, StoreError> {
        if is_id(id) {
            self.look_at_owner(id)
        } else {
            Ok(Life::Ended)
        }
    }

    fn look_at_owner(&self, id: &str) -> Result<Life, StoreError> {
        let path = self.area.join(id);
        let Some(bytes) = atomic::read_if_there(&path)? else {
            return Ok(Life::Ended);
        };
        let sign: Option<Sign> = serde_json::from_slice(&bytes[..bytes.len().min(LONGEST)]).ok();
        let Some(Sign { process, .. }) = sign else {
            return Ok(self.unchanged(&path, &bytes, "an unknown process".to_owned()));
        };
        Ok(match process.lives() {
            Some(true) => Life::Lives(process.in_words()),
            Some(false) => Life::Ended,
            None => self.unchanged(&path, &bytes, process.in_words()),
        })
    }

    /// Judges by how long the sign at `path` has been the same, on this machine's clock.
    fn unchanged(&self, path: &Path, sign: &[u8], who: String) -> Life {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let known = seen.entry(path.to_owned()).or_insert_with(|| Seen {
            sign: sign.to_owned(),
            since: now,
            looked: now,
            changed: false,
        });
        if known.sign != sign {
            *known = Seen {
                sign: sign.to_owned(),
                since: now,
                looked: now,
                changed: true,
            };
        } else if now.duration_since(known.looked) > self.patience / 3 {
            // This process was asleep, or its file system was: others may have been as well.
            known.since = now;
        }
        known.looked = now;
        if now.duration_since(known.since) >= self.patience {
            Life::Ended
        } else if known.changed {
            Life::Lives(who)
        } else {
            Life::MayLive
        }
    }

    /// All other owners that live, in words, and how many may.
    pub(crate) fn others(&self, own: &str) -> Result<(Vec<String>, usize), StoreError> {
        let (mut living, mut open) = (Vec::new(), 0);
        for id in self.ids()?.iter().filter(|id| *id != own) {
            match self.look_at_owner(id)? {
                Life::Lives(who) => living.push(who),
                Life::MayLive => open += 1,
                Life::Ended => {}
            }
        }
        Ok((living, open))
    }

    /// Removes the signs of owners that have ended, but not `own`.
    pub(crate) fn sweep(&self, own: &str) -> Result<(), StoreError> {
        for name in atomic::names(&self.area)? {
            if name.ends_with(BESIDE) {
                atomic::remove_file(&self.area.join(name))?;
            }
        }
        for id in self.ids()?.into_iter().filter(|id| id != own) {
            if self.look_at_owner(&id)? == Life::Ended {
                atomic::remove_file(&self.area.join(id))?;
            }
        }
        Ok(())
    }

    fn ids(&self) -> Result<Vec<String>, StoreError> {
        let mut names = atomic::names(&self.area)?;
        names.retain(|name| is_id(name));
        Ok(names)
    }
}

fn is_id(text: &str) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == 32 && text.bytes().all(digit)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;

    /// An owner that seems to run on another machine.
    pub(crate) fn elsewhere(area: &Path, every: Duration) -> Owner {
        let process = Process {
            host: "far".to_owned(),
            machine: "another boot".to_owned(),
            ..Process::own()
        };
        Owner::living(area, process, every).unwrap()
    }

    /// Ends an owner as a lost machine would: the sign stays and is not renewed.
    pub(crate) fn lose(mut owner: Owner) {
        drop(owner.stop.take());
        let _ = owner.beating.take().map(JoinHandle::join);
        std::mem::forget(owner);
    }

    fn watch(folder: &TempDir, patience: Duration) -> Watch {
        Watch::with_patience(folder.path().to_owned(), patience)
    }

    #[test]
    fn this_process_lives_until_it_says_that_it_ended() {
        let folder = TempDir::new().unwrap();
        let watch = watch(&folder, Duration::ZERO);
        let owner = Owner::begin(folder.path()).unwrap();
        let id = owner.id().to_owned();
        let Life::Lives(who) = watch.look_at_owner(&id).unwrap() else {
            panic!("it lives")
        };
        assert!(
            who.starts_with(&format!("process {} (`", std::process::id())),
            "{who}"
        );
        watch.sweep("").unwrap();
        assert_eq!(atomic::names(folder.path()).unwrap(), [&*id]);
        drop(owner);
        assert_eq!(watch.look_at_owner(&id).unwrap(), Life::Ended);
    }

    #[test]
    fn a_process_of_this_machine_that_was_killed_is_seen_at_once() {
        let folder = TempDir::new().unwrap();
        let watch = watch(&folder, Duration::from_hours(1));
        let mut child = Command::new("sleep").arg("100").spawn().unwrap();
        let process = Process {
            pid: child.id(),
            started: started(child.id()).unwrap(),
            ..Process::own()
        };
        let owner = Owner::living(folder.path(), process, BEAT).unwrap();
        let id = owner.id().to_owned();
        assert!(matches!(watch.look_at_owner(&id).unwrap(), Life::Lives(_)));
        child.kill().unwrap();
        // Ended, but its parent has not asked yet: it is a zombie until `wait`.
        while started(child.id()).is_some() {
            thread::yield_now();
        }
        assert_eq!(watch.look_at_owner(&id).unwrap(), Life::Ended);
        child.wait().unwrap();
        assert_eq!(watch.look_at_owner(&id).unwrap(), Life::Ended);
        lose(owner);
        watch.sweep("").unwrap();
        assert!(atomic::names(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn a_number_that_is_used_again_is_another_process() {
        let folder = TempDir::new().unwrap();
        let process = Process {
            started: Process::own().started + 1,
            ..Process::own()
        };
        let owner = Owner::living(folder.path(), process, BEAT).unwrap();
        let watch = watch(&folder, Duration::from_hours(1));
        assert_eq!(watch.look_at_owner(owner.id()).unwrap(), Life::Ended);
    }

    #[test]
    fn a_process_elsewhere_lives_as_long_as_its_sign_changes() {
        let folder = TempDir::new().unwrap();
        let patience = Duration::from_millis(400);
        let watch = watch(&folder, patience);
        let owner = elsewhere(folder.path(), Duration::from_millis(20));
        let id = owner.id().to_owned();
        assert_eq!(watch.look_at_owner(&id).unwrap(), Life::MayLive);
        let start = Instant::now();
        let mut sure = false;
        while start.elapsed() < 3 * patience {
            match watch.look_at_owner(&id).unwrap() {
                Life::Lives(who) => sure = who.ends_with(" on far"),
                Life::MayLive => assert!(!sure, "it was seen to live before"),
                Life::Ended => panic!("it lives"),
            }
            thread::sleep(Duration::from_millis(10));
        }
        assert!(sure);
        lose(owner);
        let lost = Instant::now();
        while watch.look_at_owner(&id).unwrap() != Life::Ended {
            assert!(lost.elapsed() < 50 * patience, "it was never given up");
            thread::sleep(Duration::from_millis(10));
        }
        // The last sign may have come up to one beat before, so that no less than this is right.
        assert!(lost.elapsed() > patience / 2, "it was given up too soon");
    }

    #[test]
    fn a_sign_that_never_came_to_its_place_is_swept() {
        let folder = TempDir::new().unwrap();
        let left = format!("{}{BESIDE}", "0f".repeat(16));
        std::fs::write(folder.path().join(&left), b"").unwrap();
        let watch = watch(&folder, Duration::from_hours(1));
        watch.sweep("").unwrap();
        assert!(atomic::names(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn a_process_of_another_user_that_cannot_be_seen_may_live() {
        let folder = TempDir::new().unwrap();
        let process = Process {
            user: user() + 1,
            started: Process::own().started + 1,
            ..Process::own()
        };
        let owner = Owner::living(folder.path(), process, BEAT).unwrap();
        let watch = watch(&folder, Duration::from_hours(1));
        assert_eq!(watch.look_at_owner(owner.id()).unwrap(), Life::MayLive);
    }

    #[test]
    fn a_sign_that_is_not_understood_is_given_time() {
        let folder = TempDir::new().unwrap();
        let id = "0f".repeat(16);
        std::fs::write(folder.path().join(&id), b"{").unwrap();
        let patient = watch(&folder, Duration::from_hours(1));
        assert_eq!(patient.look_at_owner(&id).unwrap(), Life::MayLive);
        let hasty = watch(&folder, Duration::ZERO);
        assert_eq!(hasty.look_at_owner(&id).unwrap(), Life::Ended);
        // Of a watcher that slept it is not known what it missed.
        let sleepy = watch(&folder, Duration::from_millis(300));
        assert_eq!(sleepy.look_at_owner(&id).unwrap(), Life::MayLive);
        thread::sleep(Duration::from_millis(400));
        assert_eq!(sleepy.look_at_owner(&id).unwrap(), Life::MayLive);
    }
}
