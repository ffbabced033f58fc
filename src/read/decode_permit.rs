//! Whose turn it is to decode.
//!
//! A decoder and the frames that it keeps are most of what a picture takes in memory, and more of them at work than there are
//! processors bring no picture earlier. Whoever waits for bytes lets others go on meanwhile.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    thread,
};

use tokio::{
    runtime::Handle,
    sync::{Semaphore, SemaphorePermit},
};

use crate::{error::Error, fetch::Job};

/// One for each processor.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(1, usize::from)));

/// A picture's turn. All clones are one; the last of them gives it back.
#[derive(Clone, Default)]
pub(crate) struct DecodePermit(Arc<Mutex<Option<SemaphorePermit<'static>>>>);

impl DecodePermit {
    /// Waits for the turn, if it is not had yet. Fails with `timeout` at the job's deadline.
    pub fn acquire(&self, handle: &Handle, job: &Job) -> Result<(), Error> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_none() {
            let given = handle.block_on(async { tokio::time::timeout_at(job.deadline().into(), PLACES.acquire()).await });
            *place =
                Some(given.map_err(|_| job.timeout())?.map_err(|e| Error::internal("nothing may be decoded any more").with_source(e))?);
        }
        Ok(())
    }

    /// Lets another one go on.
    pub fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ErrorKind,
        fetch::Client,
        request::{Limits, NetworkPolicy, RequestHeaders},
    };

    #[test]
    fn as_many_have_it_as_there_are_processors() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        let url = url::Url::parse("http://localhost/").expect("a URL");
        let limits = Limits { timeout: std::time::Duration::from_millis(300), ..Limits::default() };
        let client = Client::new(&NetworkPolicy::default()).expect("a client");
        let take = |turn: &DecodePermit| {
            let job = Job::new(&client, &url, &RequestHeaders::default(), &limits).expect("a job");
            turn.acquire(runtime.handle(), &job).map_err(|e| e.kind())
        };
        let turns: Vec<_> = (0..PLACES.available_permits()).map(|_| DecodePermit::default()).collect();
        for turn in &turns {
            assert_eq!((take(turn), take(&turn.clone())), (Ok(()), Ok(())), "once is enough");
        }
        let late = DecodePermit::default();
        assert_eq!(take(&late), Err(ErrorKind::Timeout));
        turns[0].release();
        assert_eq!(take(&late), Ok(()));
        assert_eq!(take(&turns[0]), Err(ErrorKind::Timeout));
        drop(turns);
        assert_eq!(take(&DecodePermit::default()), Ok(()));
    }
}
