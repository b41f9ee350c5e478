//! A listener that keeps the events of a run.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::event::Event;
use super::results::{Results, unix_now};
use super::store::{Mended, StoreError, atomic};

/// Appends events to `log.jsonl` in the results, one JSON object a line.
///
/// Reports of progress are left out.
#[derive(Debug)]
pub struct JsonLog {
    file: File,
    path: PathBuf,
}

#[derive(Serialize)]
struct Line<'a> {
    time_unix: f64,
    #[serde(flatten)]
    event: &'a Event,
}

impl JsonLog {
    /// Opens the log of `results` to append to it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be opened.
    pub fn open(results: &Results) -> Result<Self, StoreError> {
        Self::open_at(&results.layout().event_log())
    }

    /// Opens the log at `path` to append to it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be opened.
    pub fn open_at(path: &Path) -> Result<Self, StoreError> {
        path.parent().map_or(Ok(()), atomic::create_folder)?;
        Ok(Self {
            file: atomic::open_log(path)?,
            path: path.to_owned(),
        })
    }

    /// Appends `event`, unless it is a report of progress.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be written.
    pub fn record(&mut self, event: &Event) -> Result<(), StoreError> {
        if matches!(event, Event::Progress { .. }) {
            return Ok(());
        }
        let line = Line {
            time_unix: unix_now(),
            event,
        };
        let mut bytes = serde_json::to_vec(&line)
            .map_err(|error| StoreError::io("write", &self.path)(std::io::Error::other(error)))?;
        bytes.push(b'\n');
        atomic::append(&mut self.file, &self.path, &bytes)
    }

    /// Begins the log anew if it was removed since it was opened, and says that
    /// what it held is lost.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if it cannot be made.
    pub fn restore(&mut self) -> Result<Option<Mended>, StoreError> {
        if atomic::is_there(&self.path) {
            return Ok(None);
        }
        self.file = Self::open_at(&self.path)?.file;
        let what = "log removed during the run and begun anew; what it held is lost";
        Ok(Some(Mended::new(&self.path, what)))
    }
}
