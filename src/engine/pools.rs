//! Pools of threads, handed from task to task.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::error::EngineError;

/// Threads for tasks, each task with its own as long as it runs.
///
/// In a pool shared by all tasks, one that waits for its parallel parts would begin
/// another task and end after it. A pool that is free again serves the next task of its
/// size: starting threads costs more than many a task.
#[derive(Debug, Default)]
pub(super) struct Pools {
    /// By number of threads.
    idle: Mutex<HashMap<usize, Vec<ThreadPool>>>,
}

impl Pools {
    /// Does `work` on `threads` threads that do nothing else meanwhile.
    ///
    /// # Errors
    ///
    /// [`EngineError::Threads`] if they cannot be started.
    pub(super) fn run<R: Send>(
        &self,
        threads: usize,
        work: impl FnOnce() -> R + Send,
    ) -> Result<R, EngineError> {
        let idle = self.idle().get_mut(&threads).and_then(Vec::pop);
        let pool = match idle {
            Some(pool) => pool,
            None => ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .map_err(|source| EngineError::Threads { threads, source })?,
        };
        // If `work` panics the pool goes with it.
        let result = pool.install(work);
        self.idle().entry(threads).or_default().push(pool);
        Ok(result)
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<usize, Vec<ThreadPool>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
