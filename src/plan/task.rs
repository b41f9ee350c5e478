//! Tasks and the plan that holds them.

use serde::Serialize;
use serde_json::Value;

use super::key::{CodeDigests, Key, KeyParts, KeyText};

/// Number of a task in its plan.
pub type TaskId = usize;

/// A stage, what it reads, and the tasks it needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Task {
    /// Number in the plan; larger than that of every task it needs.
    pub id: TaskId,
    /// Name of the stage.
    pub stage: String,
    /// Version of the stage's meaning.
    pub stage_version: u32,
    /// [`Task::key_parts`], as text.
    #[serde(skip)]
    pub(super) key_text: KeyText,
    /// The code of the stage.
    #[serde(skip)]
    pub(super) code: CodeDigests,
    /// Digest of the key parts.
    pub key: Key,
    /// Names its random streams: as the key, but for the code. Code that changes is run
    /// again with the same random numbers, so that what differs is the code's doing.
    #[serde(skip)]
    pub stream: Key,
    /// Where things lie; not a part of the key.
    pub places: Value,
    /// The tasks whose results it reads.
    pub needs: Vec<Input>,
    /// Name for people, such as `train[temperature=0.4, replicate=0]`.
    pub label: String,
    /// Coordinates on which all points of the task agree, as text.
    pub coordinates: Vec<(String, String)>,
    /// Points that use the task, as positions in [`Plan::points`]. Empty for
    /// tables and figures, which gather all points.
    pub points: Vec<usize>,
}

impl Task {
    /// Printable parts of the key: stage, version, parameters, needed keys.
    ///
    /// They are read from a text at each call: a plan has many tasks, of which few
    /// are asked for their parts.
    #[must_use]
    pub fn key_parts(&self) -> KeyParts {
        self.key_text.parts(&self.code)
    }

    /// Parameters of the stage, read as [`Task::key_parts`].
    #[must_use]
    pub fn parameters(&self) -> Value {
        self.key_parts().parameters
    }
}

/// A task's result as another task reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Name under which it is read.
    pub role: String,
    /// Task that makes it.
    pub task: TaskId,
}

/// Where a point lies in the sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Replicate, from 0.
    pub replicate: u32,
    /// Swept parameters as text, in the order of the axes.
    pub coordinates: Vec<(String, String)>,
}

/// Tasks in an order in which each comes after what it needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The points, in the order of the manifest.
    pub points: Vec<Place>,
    /// The tasks; a task's id is its position.
    pub tasks: Vec<Task>,
}

impl Plan {
    /// Whether some task reads its result, by task.
    #[must_use]
    pub fn read_by_some(&self) -> Vec<bool> {
        let mut read = vec![false; self.tasks.len()];
        for input in self.tasks.iter().flat_map(|task| &task.needs) {
            read[input.task] = true;
        }
        read
    }

    /// The tasks that read each task's result, by task.
    #[must_use]
    pub fn dependants(&self) -> Vec<Vec<TaskId>> {
        let mut dependants = vec![Vec::new(); self.tasks.len()];
        for task in &self.tasks {
            for input in &task.needs {
                if dependants[input.task].last() != Some(&task.id) {
                    dependants[input.task].push(task.id);
                }
            }
        }
        dependants
    }
}
