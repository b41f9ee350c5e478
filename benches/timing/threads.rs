//! One thread for all loops of a benchmark.

use std::error::Error;

/// Keeps every rayon loop of this process on a single thread.
///
/// # Errors
///
/// Fails if the thread pool has been used before.
pub(crate) fn single_thread() -> Result<(), Box<dyn Error>> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .use_current_thread()
        .build_global()?;
    Ok(())
}
