//! The bytes of a job's parts, pulled by the thread that decodes.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;

use super::{
    byte_spans::ByteSpan,
    decode_permit::DecodePermit,
    download_cache::{CachedDownload, DownloadCache},
    init_filter::InitFilter,
};
use crate::{
    error::{Error, ErrorKind},
    fetch::{Body, Job, Validators, may_refuse_ranges},
    libav::{self, Upstream},
    protection::{KeyRef, KeyScope, Keyring, SegmentDecryptor, SegmentOffsets, cipher::Cipher},
};

/// More than any Partial Segment has.
const LARGEST_PART: u64 = 16 << 20;

/// Parts one behind the other, each asked for when it is needed.
pub(crate) struct SegmentReader {
    handle: Handle,
    job: Job,
    parts: Vec<ByteSpan>,
    /// The part that is being read, and how much of it has been.
    current: usize,
    done: u64,
    /// How much of it had been when its body was opened.
    opened_at: u64,
    body: Option<Body>,
    /// Which version of it has been read: what follows must be of the same.
    version: Option<Validators>,
    /// The next part's body, where it was asked for at the same time.
    ahead: Option<Body>,
    /// How much of the media is asked for at first.
    portion: Option<u64>,
    /// What has been read before the feed began.
    head: Option<Bytes>,
    shelf: DownloadCache,
    /// What has come of the current part; `None` while that was not asked for yet.
    kept: Option<CachedDownload>,
    /// What the shelf had of it, and was not given on yet.
    replay: VecDeque<Bytes>,
    /// Whether what comes is kept: not of a file, which may be sought in.
    keeps: bool,
    first_byte: Arc<OnceLock<Instant>>,
    keyring: Keyring,
    /// The current part, where it is encrypted as a whole.
    opening: Option<SegmentDecryptor>,
    /// What comes before the media, until its first bytes tell whether it is needed.
    before: InitFilter,
    /// How much has been given on, and where in that each part begins.
    given: u64,
    marks: SegmentOffsets,
    turn: DecodePermit,
}

impl SegmentReader {
    /// Asks for the first part, and on a connection that takes several requests at once for the second too, which saves the round trip
    /// that an init costs. The keys of both are asked for at the same time.
    pub async fn open(
        job: &Job,
        parts: Vec<ByteSpan>,
        portion: Option<u64>,
        multiplexed: bool,
        keyring: &Keyring,
        shelf: &DownloadCache,
    ) -> Result<Self, Error> {
        let mut feed = Self::new(job, parts, keyring);
        feed.shelf = shelf.clone();
        feed.portion = portion;
        if feed.parts.first().is_some_and(|part| shelf.get(part).is_some()) {
            feed.keys_of_the_start().await?;
            return Ok(feed);
        }
        let two = multiplexed && matches!(feed.parts.as_slice(), [init, _, ..] if init.is_init);
        let second = async { if two { feed.request(1, 0).await.map(Some) } else { Ok(None) } };
        // The media comes first: it takes the connection that is open, and a key's few bytes another one
        let (first, second, key) = tokio::join!(feed.request(0, 0), second, feed.keys_of_the_start());
        (feed.body, feed.ahead) = (Some(first?), second?);
        key?;
        Ok(feed)
    }

    /// Fetches the keys of the init and the first media, to have them in time.
    async fn keys_of_the_start(&self) -> Result<(), Error> {
        let media = self.parts.iter().position(|part| !part.is_init).unwrap_or_default();
        let keys = self.parts.iter().take(media + 1).filter_map(|part| part.lock.as_ref()).map(|lock| self.keyring.prefetch(lock));
        futures_util::future::try_join_all(keys).await.map(|_| ())
    }

    /// A file that is open already, with what has been read of it.
    pub fn of_file(job: &Job, body: Body, head: Bytes, keyring: &Keyring) -> Self {
        let mut feed = Self::new(job, vec![ByteSpan::whole(body.url())], keyring);
        feed.body = Some(body);
        feed.head = Some(head);
        feed.keeps = false;
        feed
    }

    fn new(job: &Job, parts: Vec<ByteSpan>, keyring: &Keyring) -> Self {
        Self {
            handle: Handle::current(),
            job: job.clone(),
            parts,
            current: 0,
            done: 0,
            opened_at: 0,
            body: None,
            version: None,
            ahead: None,
            portion: None,
            head: None,
            shelf: DownloadCache::default(),
            kept: None,
            replay: VecDeque::new(),
            keeps: true,
            first_byte: Arc::default(),
            keyring: keyring.clone(),
            opening: None,
            before: InitFilter::default(),
            given: 0,
            marks: SegmentOffsets::default(),
            turn: DecodePermit::default(),
        }
    }

    /// Where in what is given on each part begins.
    pub fn marks(&self) -> SegmentOffsets {
        self.marks.clone()
    }

    /// The turn to decode, which is taken by it and held until what was decoded is done with.
    pub fn turn(&self) -> DecodePermit {
        self.turn.clone()
    }

    /// Begins the current part, before its first byte is given on.
    fn begin(&mut self) -> Result<(), Error> {
        let part = self.parts.get(self.current);
        let lock = part.and_then(|part| part.lock.as_ref());
        self.marks.begin(self.given, lock, part.map_or(0, |part| part.segment));
        self.opening = match lock.and_then(|lock| Some((lock, lock.cipher()?))) {
            None if lock.is_some_and(|lock| lock.kind == KeyScope::Unknown) => lock.map(SegmentDecryptor::unknown),
            Some((lock, cipher)) => Some(SegmentDecryptor::new(cipher, &self.handle.block_on(self.keyring.key(lock))?, lock)?),
            None => None,
        };
        Ok(())
    }

    /// Bytes that have come, opened as far as they can be.
    fn opened(&mut self, bytes: Bytes) -> Result<Bytes, Error> {
        let opened = match &mut self.opening {
            Some(opening) => opening.push(&bytes)?.into(),
            None => bytes,
        };
        self.given += opened.len() as u64;
        Ok(opened)
    }

    /// What the end of the current part leaves.
    fn finished(&mut self) -> Result<Bytes, Error> {
        let rest: Bytes = self.opening.take().map_or_else(|| Ok(Vec::new()), |mut opening| opening.finish())?.into();
        self.given += rest.len() as u64;
        Ok(rest)
    }

    fn go_to_next_part(&mut self) {
        self.put_on_shelf();
        self.replay.clear();
        self.current += 1;
        (self.done, self.opened_at, self.version) = (0, 0, None);
        self.body = self.ahead.take();
    }

    /// Opened bytes of the current part in their place in the stream; `None` if nothing can be given on yet. An init is cut off at its media,
    /// and held until the media is seen to need it. `at_end` says that the part has no more.
    fn placed(&mut self, mut opened: Bytes, at_end: bool) -> Option<Bytes> {
        let part = self.parts.get(self.current)?;
        let count = opened.len() as u64;
        let begun = self.done.saturating_sub(count);
        let of_init = if part.is_init { count } else { part.init_length.saturating_sub(begun).min(count) };
        let init = opened.split_to(usize::try_from(of_init).unwrap_or(opened.len()));
        if part.is_init || of_init > 0 {
            let kept = self.before.init(&init, at_end || (!part.is_init && begun + of_init == part.init_length));
            self.given = (self.given + kept).saturating_sub(of_init);
        }
        if part.is_init {
            if self.before.init_is_over() && !at_end {
                self.opening = None;
                self.go_to_next_part();
            }
            return None;
        }
        if opened.is_empty() && !at_end {
            return None;
        }
        let (ready, left_out) = self.before.media(opened, at_end)?;
        if left_out > 0 {
            self.given = self.given.saturating_sub(left_out);
            self.marks.begin_anew(part.lock.as_ref(), part.segment);
        }
        (!ready.is_empty()).then_some(ready)
    }

    /// A Media Initialization Section is small.
    fn check_init(&self) -> Result<(), Error> {
        match self.parts.get(self.current) {
            Some(part) if part.is_init && self.done > self.job.limits().max_init_bytes => {
                let what = format!("the Media Initialization Section has more than {} bytes", self.job.limits().max_init_bytes);
                Err(Error::new(ErrorKind::TooLarge, what).with_url(&part.url).with_hint("this is the origin's mistake"))
            }
            _ => Ok(()),
        }
    }

    /// When the first byte of media was there.
    pub fn first_byte(&self) -> Arc<OnceLock<Instant>> {
        Arc::clone(&self.first_byte)
    }

    /// A portion is enough to ask for where the first media is.
    fn portion_of(&self, index: usize) -> Option<u64> {
        let first = self.parts.iter().position(|part| !part.is_init);
        let needs_all = |part: &ByteSpan| part.lock.as_ref().and_then(KeyRef::cipher).is_some_and(Cipher::needs_all);
        self.portion.filter(|_| first == Some(index) && !self.parts.get(index).is_some_and(needs_all))
    }

    async fn request(&self, index: usize, done: u64) -> Result<Body, Error> {
        let part = self.parts.get(index).ok_or_else(|| Error::internal("a part beyond the last one"))?;
        let portion = self.portion_of(index);
        let opened = self.job.open(&part.url, part.rest(done, portion)).await;
        match opened {
            // Some origins know no ranges, and say so in many ways
            Err(error) if portion.is_some() && part.length.is_none() && error.origin_status().is_some_and(may_refuse_ranges) => {
                self.job.open(&part.url, part.rest(done, None)).await
            }
            Ok(mut body) => {
                if part.length.is_none() {
                    body.accept_longer_body();
                }
                Ok(body)
            }
            failed => failed,
        }
    }

    /// The whole of the last part, which may not come.
    fn hinted(&self, patience: Duration) -> Option<Bytes> {
        let last = self.parts.len().checked_sub(1)?;
        let whole = async {
            let mut body = self.request(last, 0).await?;
            body.read_to_end(BytesMut::new(), LARGEST_PART).await
        };
        match self.handle.block_on(async { tokio::time::timeout(patience, whole).await }) {
            Ok(Ok(bytes)) => Some(bytes).filter(|bytes| !bytes.is_empty()),
            Ok(Err(error)) => {
                tracing::debug!("the hinted part does not come: {}", error.one_line());
                None
            }
            Err(_) => {
                tracing::debug!("the hinted part does not come in time");
                None
            }
        }
    }

    /// Takes what is there of the current part already, unless it is on its way.
    fn take_from_shelf(&mut self) {
        let part = self.parts.get(self.current).filter(|_| self.body.is_none() && self.done == 0);
        let kept = part.and_then(|part| self.shelf.get(part)).unwrap_or_default();
        self.replay = kept.chunks.iter().cloned().collect();
        self.version.clone_from(&kept.version);
        self.kept = Some(kept);
    }

    /// Bytes of the current part have come: what can be given on of them.
    fn received(&mut self, bytes: Bytes) -> Result<Option<Bytes>, Error> {
        if self.done == 0 {
            self.refuse_text(&bytes)?;
            self.begin()?;
        }
        self.done += bytes.len() as u64;
        self.check_init()?;
        self.first_byte.get_or_init(Instant::now);
        let opened = self.opened(bytes)?;
        Ok(self.placed(opened, false))
    }

    /// Fails if the first media is none. Other segments would take its place unseen: the one before it, or the next.
    fn refuse_text(&self, start: &[u8]) -> Result<(), Error> {
        let first = self.parts.iter().position(|part| !part.is_init);
        match self.parts.get(self.current).filter(|part| first == Some(self.current) && part.lock.is_none()) {
            Some(part) => libav::reject_text(start).map_err(|error| error.with_url(&part.url)),
            None => Ok(()),
        }
    }

    /// The current part has ended: what that leaves to be given on.
    fn end_part(&mut self) -> Result<Option<Bytes>, Error> {
        if self.done == 0 {
            self.refuse_text(&[])?;
        }
        let rest = self.finished()?;
        let ready = self.placed(rest, true);
        self.go_to_next_part();
        Ok(ready)
    }

    fn put_on_shelf(&mut self) {
        if let (Some(kept), Some(part)) = (self.kept.take(), self.parts.get(self.current))
            && self.keeps
            && part.may_fail_after.is_none()
        {
            self.shelf.put(part, kept);
        }
    }

    /// Whether the body that ended was all of its part.
    fn part_is_whole(&self, body: &Body) -> bool {
        let Some(part) = self.parts.get(self.current) else {
            return true;
        };
        match (part.length, body.size()) {
            (Some(length), _) => self.done >= length || !body.was_limited(),
            (None, Some(size)) => part.offset + self.done >= size,
            (None, None) => !body.was_limited(),
        }
    }
}

impl Upstream for SegmentReader {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.turn.release();
        if let Some(head) = self.head.take().filter(|head| !head.is_empty()) {
            self.done += head.len() as u64;
            self.given += head.len() as u64;
            self.first_byte.get_or_init(Instant::now);
            return Ok(Some(head));
        }
        while self.current < self.parts.len() {
            if let Some(patience) = self.parts.get(self.current).and_then(|part| part.may_fail_after) {
                let hinted = self.hinted(patience);
                self.begin()?;
                self.current = self.parts.len();
                let Some(bytes) = hinted else { return Ok(self.before.rest()) };
                let opened = [self.opened(bytes)?, self.finished()?].concat();
                let opened = [&self.before.rest().unwrap_or_default(), opened.as_slice()].concat();
                return Ok((!opened.is_empty()).then(|| opened.into()));
            }
            if self.kept.is_none() {
                self.take_from_shelf();
            }
            if let Some(bytes) = self.replay.pop_front() {
                if let Some(opened) = self.received(bytes)? {
                    return Ok(Some(opened));
                }
                continue;
            }
            if self.kept.as_ref().is_some_and(|kept| kept.is_whole) {
                if let Some(rest) = self.end_part()? {
                    return Ok(Some(rest));
                }
                continue;
            }
            let mut body = if let Some(body) = self.body.take() {
                body
            } else {
                self.opened_at = self.done;
                self.handle.block_on(self.request(self.current, self.done))?
            };
            self.version.get_or_insert_with(|| body.validators().clone()).check(body.validators(), body.url())?;
            if let Some(bytes) = self.handle.block_on(body.chunk())? {
                self.body = Some(body);
                if let Some(kept) = self.kept.as_mut().filter(|_| self.keeps) {
                    kept.length += bytes.len() as u64;
                    kept.chunks.push(bytes.clone());
                    kept.version.clone_from(&self.version);
                }
                if let Some(ready) = self.received(bytes)? {
                    return Ok(Some(ready));
                }
                continue;
            }
            // An origin that has no more to give has reached the end, whatever size it tells
            if self.part_is_whole(&body) || self.done == self.opened_at {
                if let Some(kept) = &mut self.kept {
                    kept.is_whole = true;
                }
                if let Some(ready) = self.end_part()? {
                    return Ok(Some(ready));
                }
            } else {
                // The portion was not enough: now everything is asked for
                self.portion = None;
            }
        }
        Ok(self.before.rest())
    }

    fn seek_to(&mut self, offset: u64) -> Result<bool, Error> {
        if self.parts.len() != 1 || self.parts.iter().any(|part| part.lock.is_some()) {
            return Ok(false);
        }
        (self.body, self.head) = (None, None);
        (self.current, self.done) = (0, offset);
        Ok(true)
    }

    fn resource_start(&self, from: u64, to: u64) -> Option<u64> {
        self.marks.start_between(from, to)
    }

    fn size(&self) -> Option<u64> {
        match (self.parts.as_slice(), &self.body) {
            ([part], Some(body)) if part.lock.is_none() => body.size(),
            _ => None,
        }
    }

    fn check_deadline(&self) -> Result<(), Error> {
        self.job.check_deadline()
    }

    fn acquire_permit(&mut self) -> Result<(), Error> {
        self.turn.acquire(&self.handle, &self.job)
    }

    fn pause(&mut self) {
        if self.head.is_none() {
            self.body = None;
        }
    }
}

impl Drop for SegmentReader {
    fn drop(&mut self) {
        self.put_on_shelf();
    }
}
