//! The runtime of one command.

use std::{future::Future, time::Duration};

use crate::error::Error;

/// Runs a future on this thread. Each of `jobs` decoders gets a thread of its own.
pub(super) fn block_on<T>(jobs: usize, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        // A few more threads resolve names
        .max_blocking_threads(jobs + 3)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .map_err(|e| Error::internal("the runtime cannot be started").with_source(e))?;
    let result = runtime.block_on(future);
    // A decoder may still be busy after the deadline: do not wait for it
    runtime.shutdown_background();
    result
}
