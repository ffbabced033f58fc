//! The body of one response, and which bytes of the resource it holds.

use std::mem;

use bytes::{Buf, Bytes, BytesMut};
use reqwest::{Response, StatusCode, Version};
use url::Url;

use super::{
    attempt_error::AttemptError,
    content_coding::{ContentCoding, DecodedBody},
    data::data_url,
    failure::from_reqwest,
    job::Job,
    local::LocalFile,
    range::Range,
    range_response::{self, Content, ContentRange},
    validators::Validators,
};
use crate::error::{Error, ErrorKind};

/// The largest body without a Content-Length that is read to its end to prove its range, in bytes.
const LARGEST_PROOF: u64 = 4 << 20;

/// The body of one response, cut to the wanted range.
#[derive(Debug)]
pub(super) struct ResponseBody {
    source: BodySource,
    /// Bytes before the wanted range, still to be dropped.
    surplus: u64,
    /// The offset in the resource of the first wanted byte.
    pub start: u64,
    /// The offset in the resource after the last byte; `None` if only the end of the body shows it.
    pub end: Option<u64>,
    /// Whether it holds the whole resource.
    pub is_whole: bool,
    /// Whether the rest can be requested if it breaks off. That of a compressed body cannot.
    pub is_resumable: bool,
    /// Whether it came over HTTP/2.
    pub is_multiplexed: bool,
}

impl ResponseBody {
    /// The body of a successful response to a request for `requested`, cut to `range`.
    pub async fn remote(
        job: &Job,
        url: &Url,
        response: Response,
        range: Range,
        requested: Range,
    ) -> Result<(Self, Validators), AttemptError> {
        let headers = response.headers().clone();
        let coding = ContentCoding::of(&headers);
        let length = response.content_length().filter(|_| coding.is_none());
        let is_multiplexed = response.version() == Version::HTTP_2;
        let content = range_response::content(response.status(), &headers, length, coding.is_some(), requested);
        let source = match coding {
            Some(coding) => BodySource::Decoded(DecodedBody::new(response, coding)),
            None => BodySource::Remote(Box::new(response)),
        };
        let content = content.map_err(AttemptError::Unusable)?;
        let (source, content_range) = settle(job, url, source, content, requested).await?;
        let body = Self {
            surplus: range.first.saturating_sub(content_range.map_or(0, |content_range| content_range.first)),
            end: content_range.map(|content_range| content_range.end),
            is_whole: content_range.is_none(),
            is_resumable: coding.is_none() && (length.is_some() || content_range.is_some()),
            is_multiplexed,
            ..Self::new(source, range)
        };
        let size = content_range.map_or(length, |content_range| content_range.size);
        Ok((body, Validators::of_response(&headers, size)))
    }

    /// A local file from the range's first byte.
    pub fn local(job: &Job, url: &Url, range: Range) -> Result<(Self, Validators), Error> {
        let file = LocalFile::open(job, url, range.first)?;
        let validators = Validators::of_size(file.size());
        Ok((Self::new(BodySource::Local(file), range), validators))
    }

    /// The bytes of a `data:` URL.
    pub fn data(url: &Url, range: Range) -> Result<(Self, Validators), Error> {
        let unreadable = || Error::new(ErrorKind::BadPlaylist, "the data: URL cannot be decoded").with_url(url);
        let bytes = Bytes::from(data_url(url).ok_or_else(unreadable)?);
        let validators = Validators::of_size(Some(bytes.len() as u64));
        Ok((Self { surplus: range.first, ..Self::new(BodySource::Memory(bytes), range) }, validators))
    }

    /// No bytes: the range starts beyond the end of the resource.
    pub fn empty(range: Range) -> (Self, Validators) {
        (Self::new(BodySource::Empty, range), Validators::default())
    }

    fn new(source: BodySource, range: Range) -> Self {
        Self { source, surplus: 0, start: range.first, end: None, is_whole: false, is_resumable: false, is_multiplexed: false }
    }

    /// The next bytes, at least one; `None` at the end.
    pub async fn next(&mut self, job: &Job, url: &Url) -> Result<Option<Bytes>, Error> {
        job.in_time(url, self.source.next()).await
    }

    /// Cuts a piece of the body: drops the bytes before the range, and those after the `wanted` next ones.
    pub fn cut(&mut self, mut piece: Bytes, wanted: Option<u64>) -> Option<Bytes> {
        let skipped = self.surplus.min(piece.len() as u64);
        self.surplus -= skipped;
        piece.advance(usize::try_from(skipped).unwrap_or(piece.len()));
        if let Some(wanted) = wanted {
            piece.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        }
        (!piece.is_empty()).then_some(piece)
    }
}

/// The source of a body's bytes.
#[derive(Debug)]
enum BodySource {
    Remote(Box<Response>),
    Decoded(DecodedBody),
    Memory(Bytes),
    Local(LocalFile),
    Empty,
}

impl BodySource {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Self::Remote(response) => response.chunk().await.map_err(from_reqwest),
            Self::Decoded(decoded) => decoded.next().await,
            Self::Memory(bytes) => Ok(Some(mem::take(bytes)).filter(|bytes| !bytes.is_empty())),
            Self::Local(file) => file.read(),
            Self::Empty => Ok(None),
        }
    }

    /// Reads the whole body. The meter counts its bytes later, when `Body::chunk` returns them.
    async fn read_all(&mut self, job: &Job, url: &Url) -> Result<Bytes, Error> {
        let limit = job.max_unsized_bytes.min(job.limits.max_bytes);
        let mut bytes = BytesMut::new();
        while let Some(piece) = job.in_time(url, self.next()).await? {
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > limit {
                return Err(too_long(limit).with_url(url));
            }
        }
        Ok(bytes.freeze())
    }
}

/// Settles which bytes of the resource a body holds, if necessary by reading it. `None` is the whole resource.
async fn settle(
    job: &Job,
    url: &Url,
    mut source: BodySource,
    content: Content,
    requested: Range,
) -> Result<(BodySource, Option<ContentRange>), AttemptError> {
    match content {
        Content::Whole => Ok((source, None)),
        Content::Partial(range) => Ok((source, Some(range))),
        Content::Unproven(range) if range.length() > LARGEST_PROOF => {
            if supports_ranges(job, url, requested.first).await? {
                Ok((source, Some(range)))
            } else {
                Err(AttemptError::Unusable("a range without its length"))
            }
        }
        Content::Unproven(range) => {
            let bytes = source.read_all(job, url).await?;
            let range = range_response::proven(range, bytes.len() as u64).map_err(AttemptError::Unusable)?;
            Ok((BodySource::Memory(bytes), range))
        }
        Content::Multipart(boundary) => {
            let bytes = source.read_all(job, url).await?;
            let part = range_response::part_at(&bytes, &boundary, requested.first);
            let (range, span) = part.ok_or(AttemptError::Unusable("a multipart body without the requested range"))?;
            Ok((BodySource::Memory(bytes.slice(span)), Some(range)))
        }
    }
}

/// Whether the origin answers a request for one byte with one byte.
async fn supports_ranges(job: &Job, url: &Url, offset: u64) -> Result<bool, Error> {
    let (_, response) = job.follow_redirects(url, Range::of(offset, 1)).await?;
    let is_partial = response.status() == StatusCode::PARTIAL_CONTENT && ContentCoding::of(response.headers()).is_none();
    let mut source = BodySource::Remote(Box::new(response));
    let mut count = 0;
    while is_partial && count < 2 {
        let Some(piece) = job.in_time(url, source.next()).await? else { break };
        count += piece.len();
    }
    Ok(is_partial && count == 1)
}

/// The error for a response of more than `limit` bytes.
pub(super) fn too_long(limit: u64) -> Error {
    Error::new(ErrorKind::TooLarge, format!("one response has more than {limit} bytes")).with_hint("raise --max-bytes to allow it")
}
