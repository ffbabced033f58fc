//! A resource as it arrives.

use bytes::{Buf, Bytes, BytesMut};
use reqwest::{Response, StatusCode};
use url::Url;

use super::{
    Job, Range,
    content_coding::{Coding, DecodedBody},
    data::data_url,
    job::from_reqwest,
    local::LocalFile,
    range_response::{self, Content, ContentSpan},
    retry::Retries,
    validators::Validators,
};
use crate::error::{Error, ErrorKind};

/// The bytes of a resource, or of a range of it, piece by piece. Dropping it ends the download.
#[derive(Debug)]
pub struct Body {
    job: Job,
    url: Url,
    range: Range,
    /// The offset in the resource of the next byte to give.
    position: u64,
    /// Bytes that have come, over all tries.
    come: u64,
    answer: ResponsePart,
    version: Validators,
    retries: Retries,
}

/// One answer to a request, and which bytes of the resource it holds.
#[derive(Debug)]
struct ResponsePart {
    source: BodySource,
    /// Bytes before those that are wanted, still to be thrown away.
    surplus: u64,
    /// Where in the resource `position` was when it came.
    began: u64,
    /// Where in the resource its bytes end; `None` is where the body ends.
    end: Option<u64>,
    /// Whether it is the whole resource.
    is_whole: bool,
    /// Whether a body that breaks off can be continued: a compressed one cannot.
    is_resumable: bool,
    is_multiplexed: bool,
}

#[derive(Debug)]
enum BodySource {
    Remote(Box<Response>),
    Decoded(DecodedBody),
    Memory(Bytes),
    Local(LocalFile),
    Ended,
}

impl BodySource {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Self::Remote(response) => response.chunk().await.map_err(from_reqwest),
            Self::Decoded(decoded) => decoded.next().await,
            Self::Memory(bytes) => Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty())),
            Self::Local(file) => file.read(),
            Self::Ended => Ok(None),
        }
    }
}

/// A larger range without a length is not read to its end before it is used: another request shows whether ranges are answered.
const LARGEST_PROOF: u64 = 4 << 20;

/// How an answer is taken.
pub(super) enum BodyOutcome {
    Body(Box<Body>),
    /// Its bytes are not reliably those that were asked for, and why.
    Unusable(&'static str),
}

impl Body {
    /// Takes an answer to `asked` as the bytes of `range`: those alone, also of an answer that holds more.
    pub(super) async fn remote(job: &Job, url: Url, response: Response, range: Range, asked: Range) -> Result<BodyOutcome, Error> {
        let coding = Coding::of(response.headers());
        let length = response.content_length().filter(|_| coding.is_none());
        let headers = response.headers().clone();
        let is_multiplexed = response.version() == reqwest::Version::HTTP_2;
        let content = range_response::content(response.status(), &headers, length, coding.is_some(), asked);
        let mut source = match coding {
            Some(coding) => BodySource::Decoded(DecodedBody::new(response, coding)),
            None => BodySource::Remote(Box::new(response)),
        };
        let content = match content {
            Content::Multipart(boundary) => {
                let bytes = job.buffered(&url, &mut source).await?;
                let Some((span, place)) = range_response::part_at(&bytes, &boundary, asked.first) else {
                    return Ok(BodyOutcome::Unusable("a multipart answer without the range"));
                };
                source = BodySource::Memory(bytes.slice(place));
                Content::Part(span)
            }
            Content::Unproven(span) if span.length() > LARGEST_PROOF => {
                if !job.answers_ranges(&url, asked.first).await? {
                    return Ok(BodyOutcome::Unusable("a range without its length"));
                }
                Content::Part(span)
            }
            Content::Unproven(span) => {
                let bytes = job.buffered(&url, &mut source).await?;
                let content = range_response::proven(span, bytes.len() as u64);
                source = BodySource::Memory(bytes);
                content
            }
            content => content,
        };
        let (span, size) = match content {
            Content::Whole => (None, length),
            Content::Part(span) => (Some(span), span.size),
            Content::Unusable(why) => return Ok(BodyOutcome::Unusable(why)),
            Content::Multipart(_) | Content::Unproven(_) => return Err(Error::internal("an answer was not judged")),
        };
        let answer = ResponsePart {
            surplus: range.first - span.map_or(0, |span: ContentSpan| span.first).min(range.first),
            began: range.first,
            end: span.map(|span| span.end),
            is_whole: span.is_none(),
            is_resumable: coding.is_none() && (length.is_some() || span.is_some()),
            is_multiplexed,
            source,
        };
        let version = Validators::of_response(&headers, size);
        Ok(BodyOutcome::Body(Box::new(Self { answer, version, ..Self::ended(job, &url, range) })))
    }

    pub(super) fn local(job: &Job, url: &Url, range: Range) -> Result<Self, Error> {
        let file = LocalFile::open(job, url, range.first)?;
        let version = Validators::of_size(file.size());
        let mut body = Self::ended(job, url, range);
        (body.version, body.answer.source) = (version, BodySource::Local(file));
        Ok(body)
    }

    /// The bytes of a `data:` URL.
    pub(super) fn data(job: &Job, url: &Url, range: Range) -> Result<Self, Error> {
        let unreadable = || Error::new(ErrorKind::BadPlaylist, "the data: URL cannot be read").with_url(url);
        let bytes = Bytes::from(data_url(url).ok_or_else(unreadable)?);
        let mut body = Self::ended(job, url, range);
        body.version = Validators::of_size(Some(bytes.len() as u64));
        body.answer.surplus = range.first;
        body.answer.source = BodySource::Memory(bytes);
        Ok(body)
    }

    /// Nothing: the range begins beyond the resource's end.
    pub(super) fn ended(job: &Job, url: &Url, range: Range) -> Self {
        let answer = ResponsePart {
            source: BodySource::Ended,
            surplus: 0,
            began: range.first,
            end: None,
            is_whole: false,
            is_resumable: false,
            is_multiplexed: false,
        };
        Self {
            job: job.clone(),
            url: url.clone(),
            range,
            position: range.first,
            come: 0,
            answer,
            version: Validators::default(),
            retries: Retries::new(&job.limits),
        }
    }

    /// Where it came from, after redirects: what relative URIs in it resolve against.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The whole resource's size in bytes, where it was told.
    pub fn size(&self) -> Option<u64> {
        self.version.size
    }

    /// Which version of the resource it is of.
    pub fn version(&self) -> &Validators {
        &self.version
    }

    /// Takes more than was asked for if the origin sends it: it ignored the range, and the bytes come anyway.
    pub fn accept_longer_body(&mut self) {
        if self.answer.is_whole {
            self.range.last = None;
        }
    }

    /// Whether it ended where the range did, so that the resource may go on.
    pub fn was_limited(&self) -> bool {
        self.range.last.is_some_and(|last| self.position > last)
    }

    /// Whether further requests can share the connection at the same time (HTTP/2).
    pub fn is_multiplexed(&self) -> bool {
        self.answer.is_multiplexed
    }

    /// The next bytes, at least one; `None` at the end. A body that breaks off is continued where it ended.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let end = self.range.last.map(|last| last.saturating_add(1)).into_iter().chain(self.answer.end).min();
            let wanted = end.map(|end| end.saturating_sub(self.position));
            if wanted == Some(0) {
                if !self.has_more() {
                    return Ok(None);
                }
                self.go_on().await?;
                continue;
            }
            let piece = match self.next_piece().await {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.resume(error).await?;
                    continue;
                }
            };
            self.job.meter.bytes(piece.len()).map_err(|e| e.with_url(&self.url))?;
            self.come = self.come.saturating_add(piece.len() as u64);
            let limits = &self.job.limits;
            let most = if self.version.size.is_some() { limits.max_segment_bytes } else { self.job.most_unsized };
            if self.come > most {
                return Err(too_long(most).with_url(&self.url));
            }
            if let Some(kept) = self.cut(piece, wanted) {
                self.position += kept.len() as u64;
                return Ok(Some(kept));
            }
        }
    }

    /// Everything that is still to come, after what is already there. Fails with `too_large` beyond `most` bytes.
    pub async fn read_to_end(&mut self, mut bytes: BytesMut, most: u64) -> Result<Bytes, Error> {
        while bytes.len() as u64 <= most {
            let Some(chunk) = self.chunk().await? else { return Ok(bytes.freeze()) };
            bytes.extend_from_slice(&chunk);
        }
        Err(Error::new(ErrorKind::TooLarge, format!("larger than {most} bytes")).with_url(&self.url).for_large_body())
    }

    async fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
        if let BodySource::Local(file) = &mut self.answer.source {
            return file.read().map_err(|e| e.with_url(&self.url));
        }
        self.job.in_time(&self.url, self.answer.source.next()).await
    }

    /// The part of a piece that was asked for.
    fn cut(&mut self, mut piece: Bytes, wanted: Option<u64>) -> Option<Bytes> {
        let skipped = self.answer.surplus.min(piece.len() as u64);
        self.answer.surplus -= skipped;
        piece.advance(usize::try_from(skipped).unwrap_or(piece.len()));
        if let Some(wanted) = wanted {
            piece.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        }
        (!piece.is_empty()).then_some(piece)
    }

    /// Whether the answer held less than the range, and the resource has more.
    fn has_more(&self) -> bool {
        let is_wanted = self.range.last.is_none_or(|last| self.position <= last);
        // Of a bounded range of a resource of unknown size, the next answer tells
        let is_there = self.version.size.map_or(self.range.last.is_some(), |size| self.position < size);
        is_wanted && is_there && self.position > self.answer.began
    }

    /// Asks for what is left of the range.
    async fn go_on(&mut self) -> Result<(), Error> {
        let rest = Range { first: self.position, last: self.range.last };
        let opened = Box::pin(self.job.open(&self.url, rest)).await;
        let next = match opened {
            // The range of a resource that was asked for whole is our own idea
            Err(error) if self.range == Range::ALL && error.origin_status().is_some_and(may_refuse_ranges) => {
                Box::pin(self.job.open_from(&self.url, rest, Range::ALL)).await?
            }
            opened => opened?,
        };
        self.version.check(&next.version, &self.url)?;
        self.answer = next.answer;
        Ok(())
    }

    async fn resume(&mut self, error: Error) -> Result<(), Error> {
        if !self.answer.is_resumable || !error.kind().is_transient() {
            return Err(error);
        }
        let Some(wait) = self.retries.next_wait(None) else {
            return Err(error);
        };
        self.job.pause(wait, error).await?;
        // A new answer, but our own count of tries: a body that always breaks off must come to an end
        self.go_on().await
    }
}

impl Job {
    /// Whether a range of one byte is answered with one byte.
    async fn answers_ranges(&self, url: &Url, offset: u64) -> Result<bool, Error> {
        let (_, response) = self.follow(url, Range::of(offset, 1)).await?;
        let is_part = response.status() == StatusCode::PARTIAL_CONTENT && Coding::of(response.headers()).is_none();
        let mut source = BodySource::Remote(Box::new(response));
        let mut count = 0;
        while is_part && count < 2 {
            let Some(piece) = self.in_time(url, source.next()).await? else { break };
            count += piece.len();
        }
        Ok(is_part && count == 1)
    }

    /// A whole body, to be judged by its length. Its bytes are counted when they are given out.
    async fn buffered(&self, url: &Url, source: &mut BodySource) -> Result<Bytes, Error> {
        let most = self.most_unsized.min(self.limits.max_bytes);
        let mut bytes = BytesMut::new();
        while let Some(piece) = self.in_time(url, source.next()).await? {
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > most {
                return Err(too_long(most).with_url(url));
            }
        }
        Ok(bytes.freeze())
    }
}

fn too_long(most: u64) -> Error {
    Error::new(ErrorKind::TooLarge, format!("one answer has more than {most} bytes")).with_hint("raise --max-bytes if that is wanted")
}

/// Whether an answer with this status may be due to a Range that was asked for: the same is worth a try without it. 408 and 429 ask for
/// patience instead.
pub fn may_refuse_ranges(status: u16) -> bool {
    matches!(status, 400..=407 | 409..=428 | 430..=501)
}
