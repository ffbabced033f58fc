//! The memory of `hlsnap serve`: results, frames and streams, bounded by bytes.
//!
//! ```text
//! request -> stream (opened once) -> frame (captured once) -> picture of this size and format
//! ```

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use moka::future::Cache;

use super::{
    byte_cache::{ByteCache, Entry, cache},
    life::Life,
    memory::{Jobs, Memory, PictureMemory, Remembered},
    observer::Observer,
};
use crate::{
    capture::{CapturedPicture, FinishedSnapshot, Freshness, SharedFrame, SharedStream},
    error::{Error, ErrorKind},
    request::SnapshotRequest,
};

/// How long the failure of a stream or frame answers the requests that wait for it. Results remember failures longer, by their kind.
const FAILURE: Duration = Duration::from_secs(1);
/// How many live moments have a remembered newest segment, and for how long.
const MAX_MOMENTS: u64 = 100_000;
const KEEP_MOMENT: Duration = Duration::from_secs(300);

/// Results, frames and streams.
pub(in crate::frontends) struct ServerMemory {
    results: Arc<Results>,
    frames: ByteCache<Kept<SharedFrame>>,
    streams: ByteCache<Kept<SharedStream>>,
    /// The end of a live playlist, and when it was first seen, by the key of the frame.
    first_seen: Cache<String, ((u64, u64), Instant)>,
    observer: Observer,
}

struct Results(ByteCache<Remembered>);

/// A stream or a frame, or its failure.
struct Kept<T> {
    value: Result<Arc<T>, Error>,
    end: Instant,
    size: usize,
}

/// The picture of the request that captured a frame.
struct OwnPicture {
    picture: CapturedPicture,
    freshness: Option<Freshness>,
}

impl fmt::Debug for ServerMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerMemory").finish_non_exhaustive()
    }
}

impl fmt::Debug for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").finish_non_exhaustive()
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), end: self.end, size: self.size }
    }
}

impl<T> Kept<T> {
    fn failure(error: Error) -> Self {
        let time = Life::of_failure(&error).left().min(FAILURE);
        Self { value: Err(error), end: Instant::now() + time, size: 0 }
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }
}

impl Kept<SharedStream> {
    fn stream(stream: &Arc<SharedStream>) -> Self {
        Self { value: Ok(Arc::clone(stream)), end: stream.end(), size: stream.size() }
    }
}

impl Kept<SharedFrame> {
    fn frame(frame: SharedFrame) -> Self {
        let life = Life::of_picture(frame.facts.live, frame.freshness, !frame.facts.notes.is_empty());
        let size = frame.size();
        Self { value: Ok(Arc::new(frame)), end: life.end_of_freshness(), size }
    }
}

impl<T: Send + Sync + 'static> Entry for Kept<T> {
    fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    fn size(&self) -> usize {
        self.size
    }
}

impl Entry for Remembered {
    fn left(&self) -> Duration {
        self.life.left()
    }

    fn size(&self) -> usize {
        self.size
    }
}

impl Memory for Results {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<Remembered>> {
        async move { self.0.get(key).await.filter(|remembered| remembered.life.is_usable()) }.boxed()
    }

    fn keep(&self, key: String, remembered: Remembered) -> BoxFuture<'_, ()> {
        self.0.insert(key, remembered).boxed()
    }
}

impl PictureMemory for ServerMemory {
    fn results(&self) -> Arc<dyn Memory> {
        Arc::clone(&self.results) as Arc<dyn Memory>
    }

    fn snapshot<'a>(&'a self, request: SnapshotRequest, jobs: &'a Jobs) -> BoxFuture<'a, Result<FinishedSnapshot, Error>> {
        self.take_snapshot(request, jobs).boxed()
    }
}

impl ServerMemory {
    /// A memory of at most `bytes`: half for results, three eighths for frames, the rest for playlists.
    pub fn new(bytes: u64, observer: Observer) -> Arc<Self> {
        Arc::new(Self {
            results: Arc::new(Results(cache(bytes / 2))),
            frames: cache(bytes / 8 * 3),
            streams: cache(bytes / 8),
            first_seen: Cache::builder().max_capacity(MAX_MOMENTS).time_to_live(KEEP_MOMENT).build(),
            observer,
        })
    }

    async fn take_snapshot(&self, request: SnapshotRequest, jobs: &Jobs) -> Result<FinishedSnapshot, Error> {
        let start = Instant::now();
        let stream = self.stream(&request, jobs).await?;
        let key = stream.frame_key(&request)?;
        // Opening the stream and taking the picture have one deadline
        let mut rest = request.clone();
        rest.limits.timeout = rest.limits.timeout.saturating_sub(start.elapsed());
        let mut own = None;
        let capture = async {
            match self.capture(stream, &key, rest, jobs).await {
                Ok((frame, picture)) => {
                    own = Some(picture);
                    Kept::frame(frame)
                }
                Err(error) => Kept::failure(error),
            }
        };
        let kept = self.frames.entry_by_ref(&key).or_insert_with_if(Box::pin(capture), Kept::is_over).await.into_value();
        self.observer.cache("frame", if own.is_some() { "miss" } else { "hit" });
        self.observer.cache_bytes(self.results.0.weighted_size() + self.frames.weighted_size() + self.streams.weighted_size());
        if let Some(OwnPicture { picture, freshness }) = own {
            return Ok(FinishedSnapshot { freshness, ..picture.finish().await? });
        }
        let result = match kept.value {
            Ok(frame) => frame.render(&request, &jobs.client).await,
            Err(error) => Err(error),
        };
        match result {
            // The options of the request that captured the frame may be the cause; and another Variant may work
            Err(error) if matches!(error.kind(), ErrorKind::TooLarge | ErrorKind::Unsupported) => jobs.snapshot(request).await,
            result => result,
        }
    }

    /// The stream of a request, opened if it is not remembered.
    async fn stream(&self, request: &SnapshotRequest, jobs: &Jobs) -> Result<Arc<SharedStream>, Error> {
        let mut is_known = true;
        let open = async {
            is_known = false;
            match open(request.clone(), jobs).await {
                Ok(stream) => Kept::stream(&Arc::new(stream)),
                Err(error) => Kept::failure(error),
            }
        };
        let kept = self.streams.entry(SharedStream::key(request)).or_insert_with_if(open, Kept::is_over).await.into_value();
        self.observer.cache("playlist", if is_known { "hit" } else { "miss" });
        kept.value
    }

    /// Captures the frame of a request. If that fails and the stream was opened earlier, opens it again, because it may have changed.
    async fn capture(
        &self,
        mut stream: Arc<SharedStream>,
        key: &str,
        mut request: SnapshotRequest,
        jobs: &Jobs,
    ) -> Result<(SharedFrame, OwnPicture), Error> {
        let stream_key = SharedStream::key(&request);
        let start = Instant::now();
        let permit = jobs.permits.acquire(&mut request.limits.timeout).await?;
        let mut captured = stream.capture(&request, &jobs.client).await;
        if let Err(error) = &captured
            && stream.may_have_changed()
            && !matches!(error.kind(), ErrorKind::Timeout | ErrorKind::NotAllowed | ErrorKind::Usage)
        {
            tracing::info!("opening the stream again: {}", error.one_line());
            request.limits.timeout = request.limits.timeout.saturating_sub(start.elapsed());
            stream = Arc::new(SharedStream::open(&request, &jobs.client).await?);
            captured = stream.capture(&request, &jobs.client).await;
        }
        drop(permit);
        let (mut frame, picture) = captured?;
        // The stream may hold more playlists now
        self.streams.insert(stream_key, Kept::stream(&stream)).await;
        if let Some(freshness) = frame.freshness {
            frame.freshness = Some(self.since_first_seen(key, freshness).await);
        }
        let freshness = frame.freshness;
        Ok((frame, OwnPicture { picture, freshness }))
    }

    /// The freshness, counted from the first request that saw the newest segment.
    async fn since_first_seen(&self, key: &str, freshness: Freshness) -> Freshness {
        match self.first_seen.get(key).await {
            Some((next, first_seen)) if next == freshness.next => freshness.unchanged_since(first_seen),
            _ => {
                self.first_seen.insert(key.to_owned(), (freshness.next, freshness.since)).await;
                freshness
            }
        }
    }
}

async fn open(mut request: SnapshotRequest, jobs: &Jobs) -> Result<SharedStream, Error> {
    let _permit = jobs.permits.acquire(&mut request.limits.timeout).await?;
    SharedStream::open(&request, &jobs.client).await
}
