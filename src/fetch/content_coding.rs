//! Content codings (RFC 9110, 8.4.1), undone as the body arrives. reqwest's own decoding knows their names in lower case only.

use std::{fmt, io, pin::Pin};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt};
use reqwest::{
    Response,
    header::{CONTENT_ENCODING, HeaderMap},
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio_util::io::StreamReader;

use super::job::from_reqwest;
use crate::error::{Error, ErrorKind};

/// What `Accept-Encoding` says when no range is asked for.
pub(super) const ACCEPTED: &str = "gzip, br";

/// A decoder gives out at most this many bytes at a time, so that a small body cannot become a large one unseen.
const PIECE: usize = 16 << 10;

/// The first byte of each member of a gzip file.
const GZIP_MAGIC: u8 = 0x1f;

/// A coding that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Brotli,
}

impl Coding {
    /// The content coding of a body, compared without case. `None` without a coding or with an unknown one: the bytes pass unchanged.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(CONTENT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        let names = lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_ascii_lowercase());
        let mut names = names.filter(|name| !name.is_empty() && name != "identity");
        match (names.next().as_deref(), names.next()) {
            (Some("gzip" | "x-gzip"), None) => Some(Self::Gzip),
            (Some("br"), None) => Some(Self::Brotli),
            _ => None,
        }
    }
}

type Packed = StreamReader<Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>, Bytes>;

/// A body whose coding is undone.
pub(super) enum DecodedBody {
    /// `None` after the last member.
    Gzip(Option<GzipDecoder<Packed>>),
    Brotli(BrotliDecoder<Packed>),
}

impl fmt::Debug for DecodedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoded")
    }
}

impl DecodedBody {
    pub fn new(response: Response, coding: Coding) -> Self {
        let packed: Packed = StreamReader::new(Box::pin(response.bytes_stream().map_err(io::Error::other)));
        match coding {
            Coding::Gzip => Self::Gzip(Some(GzipDecoder::new(packed))),
            Coding::Brotli => Self::Brotli(BrotliDecoder::new(packed)),
        }
    }

    /// The next bytes, at least one; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut piece = BytesMut::with_capacity(PIECE);
        loop {
            let count = match self {
                Self::Gzip(Some(decoder)) => decoder.read_buf(&mut piece).await,
                Self::Gzip(None) => Ok(0),
                Self::Brotli(decoder) => decoder.read_buf(&mut piece).await,
            };
            if count.map_err(failure)? > 0 {
                return Ok(Some(piece.freeze()));
            }
            if !self.next_member().await.map_err(failure)? {
                return Ok(None);
            }
        }
    }

    /// Goes on to the next member of a gzip file (RFC 1952, 2.2). Other bytes after a member are ignored, as gzip itself does.
    async fn next_member(&mut self) -> io::Result<bool> {
        let Self::Gzip(decoder) = self else { return Ok(false) };
        let Some(mut packed) = decoder.take().map(GzipDecoder::into_inner) else { return Ok(false) };
        let begins = packed.fill_buf().await?.first() == Some(&GZIP_MAGIC);
        *decoder = begins.then(|| GzipDecoder::new(packed));
        Ok(begins)
    }
}

fn failure(error: io::Error) -> Error {
    match error.downcast::<reqwest::Error>() {
        Ok(error) => from_reqwest(error),
        Err(error) => Error::new(ErrorKind::Unreachable, format!("the compressed answer cannot be read: {error}")).with_hint("try again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_codings_are_read_in_any_case() {
        let coding = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, reqwest::header::HeaderValue::from_static(value));
            }
            Coding::of(&headers)
        };
        for value in ["gzip", "GZIP", "x-gzip", " X-Gzip ", "identity, gzip"] {
            assert_eq!(coding(&[value]), Some(Coding::Gzip), "{value}");
        }
        assert_eq!(coding(&["BR"]), Some(Coding::Brotli));
        assert_eq!(coding(&["identity", "gzip"]), Some(Coding::Gzip));
        for values in [&[][..], &["identity"], &["utf-8"], &["gzip, gzip"], &["gzip", "br"]] {
            assert_eq!(coding(values), None, "{values:?}");
        }
    }
}
