//! A resource as it arrives.

use bytes::{Buf, Bytes, BytesMut};
use reqwest::{Response, StatusCode, header::CONTENT_RANGE};
use url::Url;

use super::{
    Job, Range,
    local::LocalFile,
    retry::{Retries, error_is_passing},
    version::Version,
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
    /// Bytes still to be thrown away, where the origin ignored the range.
    surplus: u64,
    version: Version,
    /// Whether bytes were encoded on the way: then a cut body cannot be continued.
    source: Origin,
    retries: Retries,
}

#[derive(Debug)]
enum Origin {
    Remote { response: Box<Response>, resumable: bool },
    Local(LocalFile),
    Ended,
}

impl Body {
    pub(super) fn remote(job: &Job, url: Url, response: Response, range: Range) -> Result<Self, Error> {
        let partial = response.status() == StatusCode::PARTIAL_CONTENT;
        let told = response.headers().get(CONTENT_RANGE).and_then(|text| content_range(text.to_str().ok()?));
        if partial && range != Range::ALL && told.is_some_and(|(first, _)| first != range.first) {
            return Err(Error::new(ErrorKind::Unreachable, "the origin sent another range than was asked for").at(&url).hint("try again"));
        }
        let length = response.content_length();
        // reqwest takes the header away where it decodes the body
        let resumable = length.is_some() || partial;
        let size = if partial { told.and_then(|(_, size)| size) } else { length };
        Ok(Self {
            job: job.clone(),
            url,
            range,
            position: range.first,
            come: 0,
            surplus: if partial { 0 } else { range.first },
            version: Version::told(response.headers(), size),
            source: Origin::Remote { response: Box::new(response), resumable },
            retries: Retries::new(&job.limits),
        })
    }

    pub(super) fn local(job: &Job, url: &Url, range: Range) -> Result<Self, Error> {
        let file = LocalFile::open(job, url, range.first)?;
        let version = Version::of_size(file.size());
        Ok(Self { version, source: Origin::Local(file), ..Self::ended(job, url, range) })
    }

    /// Nothing: the range begins beyond the resource's end.
    pub(super) fn ended(job: &Job, url: &Url, range: Range) -> Self {
        Self {
            job: job.clone(),
            url: url.clone(),
            range,
            position: range.first,
            come: 0,
            surplus: 0,
            version: Version::default(),
            source: Origin::Ended,
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
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Takes more than was asked for where the origin sends it: it ignored the range, and the bytes come anyway.
    pub fn take_all_that_comes(&mut self) {
        let ignored = matches!(&self.source, Origin::Remote { response, .. } if response.status() != StatusCode::PARTIAL_CONTENT);
        if ignored {
            self.range.last = None;
        }
    }

    /// Whether it ended where the range did, so that the resource may go on.
    pub fn was_limited(&self) -> bool {
        self.range.last.is_some_and(|last| self.position > last)
    }

    /// Whether further requests can share the connection at the same time (HTTP/2).
    pub fn is_multiplexed(&self) -> bool {
        matches!(&self.source, Origin::Remote { response, .. } if response.version() == reqwest::Version::HTTP_2)
    }

    /// The next bytes, at least one; `None` at the end. A body that breaks off is continued where it ended.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let wanted = self.range.last.map(|last| (last + 1).saturating_sub(self.position));
            if wanted == Some(0) {
                return Ok(None);
            }
            let piece = match self.next_piece().await {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.resume(error).await?;
                    continue;
                }
            };
            self.job.meter.bytes(piece.len()).map_err(|e| e.at(&self.url))?;
            self.come = self.come.saturating_add(piece.len() as u64);
            let most = self.job.limits.segment_bytes;
            if self.come > most {
                let what = format!("one answer has more than {most} bytes");
                return Err(Error::new(ErrorKind::TooLarge, what).at(&self.url).hint("raise --max-bytes if that is wanted"));
            }
            if let Some(kept) = self.cut(piece, wanted) {
                self.position += kept.len() as u64;
                return Ok(Some(kept));
            }
        }
    }

    /// Everything that is still to come, after what is already there. Fails with `too_large` beyond `most` bytes.
    pub async fn read_to_end(&mut self, mut bytes: BytesMut, most: u64) -> Result<Bytes, Error> {
        while let Some(chunk) = self.chunk().await? {
            if (bytes.len() + chunk.len()) as u64 > most {
                return Err(Error::new(ErrorKind::TooLarge, format!("larger than {most} bytes")).at(&self.url));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    async fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
        match &mut self.source {
            Origin::Remote { response, .. } => self.job.in_time(&self.url, response.chunk()).await,
            Origin::Local(file) => file.read().map_err(|e| e.at(&self.url)),
            Origin::Ended => Ok(None),
        }
    }

    /// The part of a piece that was asked for.
    fn cut(&mut self, mut piece: Bytes, wanted: Option<u64>) -> Option<Bytes> {
        let skipped = self.surplus.min(piece.len() as u64);
        self.surplus -= skipped;
        piece.advance(usize::try_from(skipped).unwrap_or(piece.len()));
        if let Some(wanted) = wanted {
            piece.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        }
        (!piece.is_empty()).then_some(piece)
    }

    async fn resume(&mut self, error: Error) -> Result<(), Error> {
        let resumable = matches!(self.source, Origin::Remote { resumable: true, .. });
        if !resumable || !error_is_passing(&error) {
            return Err(error);
        }
        let Some(wait) = self.retries.next_wait(None) else {
            return Err(error);
        };
        self.job.pause(wait, error).await?;
        let rest = Range { first: self.position, last: self.range.last };
        // A new body, but our own count of tries: a body that always breaks off must come to an end.
        let next = Box::pin(self.job.open(&self.url, rest)).await?;
        self.version.check(&next.version, &self.url)?;
        (self.source, self.surplus) = (next.source, next.surplus);
        Ok(())
    }
}

/// First byte and whole size of `bytes 0-99/1234` or `bytes 0-99/*` (RFC 9110, 14.4).
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (span, size) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, _) = span.split_once('-')?;
    Some((first.trim().parse().ok()?, size.trim().parse().ok()))
}
