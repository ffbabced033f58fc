//! Permits to decode, one per processor, shared by all jobs of the process.
//!
//! A decoder and its frames are most of a job's memory, and more decoders than processors finish no picture earlier. A job that waits for
//! bytes releases its permit, so that another one can decode meanwhile.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    thread,
};

use bytes::Bytes;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, SemaphorePermit},
};

use crate::{error::Error, fetch::Job, libav::Upstream, read::SegmentReader};

static PERMITS: LazyLock<Mutex<&'static Semaphore>> = LazyLock::new(|| Mutex::new(new_permits()));

fn new_permits() -> &'static Semaphore {
    Box::leak(Box::new(Semaphore::new(thread::available_parallelism().map_or(1, usize::from))))
}

fn permits() -> &'static Semaphore {
    *PERMITS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Renews the permits in the child of a fork, which inherits those that the parent's threads hold or wait for, but not the threads. Call
/// this before the child starts any job.
pub(crate) fn renew_permits_after_fork() {
    *PERMITS.lock().unwrap_or_else(PoisonError::into_inner) = new_permits();
}

/// One job's permit to decode. Clones share it; dropping the last clone releases it.
#[derive(Clone)]
pub(super) struct DecodePermit {
    handle: Handle,
    job: Job,
    held: Arc<Mutex<Option<SemaphorePermit<'static>>>>,
}

impl DecodePermit {
    /// A permit that is not acquired yet.
    pub fn new(job: &Job) -> Self {
        Self { handle: Handle::current(), job: job.clone(), held: Arc::default() }
    }

    /// Blocks until a permit is free; returns at once if it is held already. Fails with `timeout` at the job's deadline.
    pub fn acquire(&self) -> Result<(), Error> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            let acquired = self.handle.block_on(async { tokio::time::timeout_at(self.job.deadline().into(), permits().acquire()).await });
            let permit = acquired.map_err(|_| self.job.timeout())?;
            *held = Some(permit.map_err(|e| Error::internal("the decode semaphore is closed").with_source(e))?);
        }
        Ok(())
    }

    /// Waits until a permit is free, and holds it. Fails with `timeout` at the job's deadline.
    #[cfg(feature = "fleet")]
    pub async fn acquired(self) -> Result<Self, Error> {
        let acquired = tokio::time::timeout_at(self.job.deadline().into(), permits().acquire()).await;
        let permit =
            acquired.map_err(|_| self.job.timeout())?.map_err(|e| Error::internal("the decode semaphore is closed").with_source(e))?;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
        Ok(self)
    }

    /// Lets another job decode until the next [`DecodePermit::acquire`].
    pub fn release(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A [`SegmentReader`] that releases the decode permit while it waits for bytes.
///
/// [`Upstream`] carries [`acquire_permit`](Upstream::acquire_permit) because the byte source is the decoder's only link to its job. Every
/// read may have released the permit, so the decoder acquires it again before each packet.
pub(super) struct PermitReleasingReader {
    reader: SegmentReader,
    permit: DecodePermit,
    /// Whether the download goes on after the picture: then stopping it would cost another request.
    reads_on: bool,
}

impl PermitReleasingReader {
    pub fn new(reader: SegmentReader, permit: DecodePermit, reads_on: bool) -> Self {
        Self { reader, permit, reads_on }
    }
}

impl Upstream for PermitReleasingReader {
    fn inner(&self) -> Option<&dyn Upstream> {
        Some(&self.reader)
    }

    fn inner_mut(&mut self) -> Option<&mut dyn Upstream> {
        Some(&mut self.reader)
    }

    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.permit.release();
        self.reader.next_chunk()
    }

    fn acquire_permit(&mut self) -> Result<(), Error> {
        self.permit.acquire()
    }

    fn stop_download(&mut self) {
        if !self.reads_on {
            self.reader.stop_download();
        }
    }

    fn seek_to(&mut self, offset: u64) -> Result<bool, Error> {
        self.reader.seek_to(offset)
    }

    fn size(&self) -> Option<u64> {
        self.reader.size()
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
    fn there_is_one_permit_per_processor() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        let url = url::Url::parse("http://localhost/").expect("a URL");
        let limits = Limits { timeout: std::time::Duration::from_millis(300), ..Limits::default() };
        let client = Client::new(&NetworkPolicy::default()).expect("a client");
        let _context = runtime.enter();
        let new_permit = || DecodePermit::new(&Job::new(&client, &url, &RequestHeaders::default(), &limits).expect("a job"));
        let acquire = |permit: &DecodePermit| {
            // Each attempt gets a deadline of its own
            let permit = DecodePermit { job: new_permit().job, ..permit.clone() };
            permit.acquire().map_err(|e| e.kind())
        };
        let permits: Vec<_> = (0..permits().available_permits()).map(|_| new_permit()).collect();
        for permit in &permits {
            assert_eq!((acquire(permit), acquire(&permit.clone())), (Ok(()), Ok(())), "clones share one permit");
        }
        let late = new_permit();
        assert_eq!(acquire(&late), Err(ErrorKind::Timeout));
        permits[0].release();
        assert_eq!(acquire(&late), Ok(()));
        assert_eq!(acquire(&permits[0]), Err(ErrorKind::Timeout));
        drop(permits);
        assert_eq!(acquire(&new_permit()), Ok(()));
    }
}
