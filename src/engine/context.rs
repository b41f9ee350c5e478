//! What a running stage sees of the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::plan::Task;
use crate::random::{self, Generator};

use super::error::EngineError;
use super::event::Progress;
use super::stage::StageError;
use super::store::{PrivateFolder, StoredEntry, WorkFolder, atomic};

/// Reports of progress that follow each other faster than this are dropped.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);

/// A message from a running task to the run loop.
pub(super) type Speak<'a> = &'a (dyn Fn(Message) + Sync);

/// What a running task says.
#[derive(Debug)]
pub(super) enum Message {
    /// It has come further.
    Progress(Progress),
    /// Something that the reader of its result should know.
    Warning(String),
    /// Something that the reader of this run should know, and nobody later.
    Note(String),
}

/// What a running stage sees: its parameters, inputs, outputs and streams.
///
/// It may be shared by the threads on which the stage works.
pub struct TaskContext<'a> {
    task: &'a Task,
    inputs: BTreeMap<&'a str, StoredEntry>,
    outputs: &'a PrivateFolder,
    work: &'a WorkFolder,
    cancel: &'a AtomicBool,
    speak: Speak<'a>,
    warnings: Mutex<Vec<String>>,
    last_progress: Mutex<Option<Instant>>,
    seen: Mutex<Seen>,
}

/// What the stage has read.
#[derive(Debug, Default)]
struct Seen {
    /// Files of inputs, by role.
    files: BTreeMap<String, BTreeSet<String>>,
    /// Files outside the store, with their digests.
    places: BTreeMap<PathBuf, String>,
}

impl<'a> TaskContext<'a> {
    pub(super) fn new(
        task: &'a Task,
        inputs: BTreeMap<&'a str, StoredEntry>,
        outputs: &'a PrivateFolder,
        work: &'a WorkFolder,
        cancel: &'a AtomicBool,
        speak: Speak<'a>,
    ) -> Self {
        Self {
            task,
            inputs,
            outputs,
            work,
            cancel,
            speak,
            warnings: Mutex::default(),
            last_progress: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// The parameters that the stage asked for, as its own type.
    ///
    /// # Errors
    ///
    /// If they are not those of a `T`.
    pub fn parameters<T: DeserializeOwned>(&self) -> Result<T, StageError> {
        T::deserialize(&self.task.parameters()).map_err(StageError::from)
    }

    /// Where things lie, as the stage's own type; not a part of the key.
    ///
    /// # Errors
    ///
    /// If the places are not those of a `T`.
    pub fn places<T: DeserializeOwned>(&self) -> Result<T, StageError> {
        T::deserialize(&self.task.places).map_err(StageError::from)
    }

    /// The key of the task, as 64 hexadecimal digits.
    #[must_use]
    pub fn key(&self) -> &str {
        self.task.key.as_str()
    }

    /// The roles under which inputs can be read, sorted.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.inputs.keys().copied()
    }

    /// The files of the input `role`, sorted; empty if there is no such role.
    pub fn files(&self, role: &str) -> impl Iterator<Item = &str> {
        let entry = self.inputs.get(role).map(|input| &input.entry);
        entry
            .into_iter()
            .flat_map(|e| e.files.keys().map(String::as_str))
    }

    /// Reads `file` of the input `role` and checks it against its digest.
    ///
    /// # Errors
    ///
    /// If there is no such role or file, if it cannot be read, or if it is not
    /// what was once written.
    pub fn read(&self, role: &str, file: &str) -> Result<Vec<u8>, StageError> {
        let Some(input) = self.inputs.get(role) else {
            return Err(StageError::from(EngineError::UnknownRole {
                role: role.to_owned(),
                known: self.roles().collect::<Vec<_>>().join(", "),
            }));
        };
        let bytes = input.read(file)?;
        let mut seen = lock(&self.seen);
        let files = seen.files.entry(role.to_owned()).or_default();
        files.insert(file.to_owned());
        Ok(bytes)
    }

    /// Says that the stage has read the file at `path`, outside the store, and found
    /// this BLAKE3 digest in hexadecimal digits. If the file holds something else when
    /// the stage has ended, nothing is published.
    pub fn has_read(&self, path: &Path, blake3: &str) {
        let mut seen = lock(&self.seen);
        seen.places.insert(path.to_owned(), blake3.to_owned());
    }

    /// Writes the output `name`, a plain file name, into the task's private folder.
    ///
    /// It is published with all others once the stage has returned.
    ///
    /// # Errors
    ///
    /// If `name` is not a plain file name or is taken, or if it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StageError> {
        self.outputs.write(name, bytes).map_err(StageError::from)
    }

    /// Reads the checkpoint `name` that this task wrote earlier, perhaps in a
    /// process that was killed since.
    ///
    /// `None` if there is none, and, with a note, if it is torn or damaged.
    #[must_use]
    pub fn checkpoint_read(&self, name: &str) -> Option<Vec<u8>> {
        match self.work.read(name) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.note(format!("{error}; the task begins anew"));
                None
            }
        }
    }

    /// Writes the checkpoint `name`; it replaces the one before as a whole.
    ///
    /// Checkpoints are kept until the task is published.
    ///
    /// # Errors
    ///
    /// If `name` is not a plain file name, or if it cannot be written.
    pub fn checkpoint_write(&self, name: &str, bytes: &[u8]) -> Result<(), StageError> {
        self.work.write(name, bytes).map_err(StageError::from)
    }

    /// The random stream that belongs to this task and `label`.
    #[must_use]
    pub fn stream(&self, label: &str) -> Generator {
        random::stream(self.task.stream.as_str(), &[label])
    }

    /// Says how far the task has come. Reports that follow the last one within
    /// 50 ms are dropped, unless they say that all is done.
    pub fn progress(&self, progress: Progress) {
        let mut last = lock(&self.last_progress);
        let recent = last.is_some_and(|at| at.elapsed() < PROGRESS_INTERVAL);
        if recent && progress.fraction < 1.0 {
            return;
        }
        *last = Some(Instant::now());
        drop(last);
        (self.speak)(Message::Progress(progress));
    }

    /// Whether the task is asked to stop.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Ends the stage by `?` if it is asked to stop.
    ///
    /// # Errors
    ///
    /// [`StageError::Cancelled`] if so.
    pub fn check_cancelled(&self) -> Result<(), StageError> {
        if self.cancelled() {
            return Err(StageError::Cancelled);
        }
        Ok(())
    }

    /// Records a warning: it is kept with the result and told at the end of every run.
    pub fn warn(&self, message: impl Into<String>) {
        let message = message.into();
        lock(&self.warnings).push(message.clone());
        (self.speak)(Message::Warning(message));
    }

    /// Says what happened in this run alone: it is told at its end as a warning,
    /// and not kept with the result, which is what it would have been without.
    pub fn note(&self, message: impl Into<String>) {
        (self.speak)(Message::Note(message.into()));
    }

    /// Provenance for the metadata of a table: program, version, stage, its
    /// version, key. No times, hosts or labels, so that equal tasks write
    /// equal bytes.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<String, String> {
        [
            ("program", env!("CARGO_PKG_NAME").to_owned()),
            ("program_version", env!("CARGO_PKG_VERSION").to_owned()),
            ("stage", self.task.stage.clone()),
            ("stage_version", self.task.stage_version.to_string()),
            ("key", self.task.key.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Looks again at all that the stage has read: a result must not stand beside
    /// inputs that are others than it was made from. What is gone contradicts nothing.
    pub(super) fn inputs_are_unchanged(&self) -> Result<(), StageError> {
        let seen = lock(&self.seen);
        for (role, files) in &seen.files {
            let input = &self.inputs[role.as_str()];
            if let Some(problem) = input.change(files)? {
                return Err(StageError::from(EngineError::InputChanged {
                    role: role.clone(),
                    entry: input.folder.clone(),
                    problem,
                }));
            }
        }
        for (path, expected) in &seen.places {
            let found = atomic::digest(path)?;
            if found.is_some_and(|(_, digest)| digest != *expected) {
                let path = path.clone();
                return Err(StageError::from(EngineError::FileChanged { path }));
            }
        }
        Ok(())
    }

    /// The warnings so far.
    pub(super) fn warnings(&self) -> Vec<String> {
        lock(&self.warnings).clone()
    }
}

/// A poisoned lock only means that a stage panicked; what it guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
