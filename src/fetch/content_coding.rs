//! Content codings (RFC 9110, 8.4.1), decoded as the body arrives. reqwest's own decoding accepts only lower-case names.

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

use super::failure::from_reqwest;
use crate::error::{Error, ErrorKind};

/// The `Accept-Encoding` of a request without a range.
pub(super) const ACCEPTED: &str = "gzip, br";

/// The most bytes that a decoder returns at once, so that a decompression bomb meets the byte budget early.
const PIECE: usize = 16 << 10;

/// The first byte of each member of a gzip file.
const GZIP_MAGIC: u8 = 0x1f;

/// A supported content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentCoding {
    Gzip,
    Brotli,
}

impl ContentCoding {
    /// The content coding of a body, in any case. `None` without a coding or with an unsupported one: the bytes pass unchanged.
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

type CompressedReader = StreamReader<Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>, Bytes>;

/// A decoder over a compressed body.
pub(super) enum DecodedBody {
    /// `None` after the last member.
    Gzip(Option<GzipDecoder<CompressedReader>>),
    Brotli(BrotliDecoder<CompressedReader>),
}

impl fmt::Debug for DecodedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecodedBody")
    }
}

impl DecodedBody {
    pub fn new(response: Response, coding: ContentCoding) -> Self {
        let compressed: CompressedReader = StreamReader::new(Box::pin(response.bytes_stream().map_err(io::Error::other)));
        match coding {
            ContentCoding::Gzip => Self::Gzip(Some(GzipDecoder::new(compressed))),
            ContentCoding::Brotli => Self::Brotli(BrotliDecoder::new(compressed)),
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
            if count.map_err(read_error)? > 0 {
                return Ok(Some(piece.freeze()));
            }
            if !self.next_member().await.map_err(read_error)? {
                return Ok(None);
            }
        }
    }

    /// Starts the next member of a gzip file (RFC 1952, 2.2). Like gzip, ignores other bytes after a member.
    async fn next_member(&mut self) -> io::Result<bool> {
        let Self::Gzip(decoder) = self else { return Ok(false) };
        let Some(mut compressed) = decoder.take().map(GzipDecoder::into_inner) else { return Ok(false) };
        let has_next = compressed.fill_buf().await?.first() == Some(&GZIP_MAGIC);
        *decoder = has_next.then(|| GzipDecoder::new(compressed));
        Ok(has_next)
    }
}

fn read_error(error: io::Error) -> Error {
    match error.downcast::<reqwest::Error>() {
        Ok(error) => from_reqwest(error),
        Err(error) => {
            Error::new(ErrorKind::Unreachable, format!("the compressed response cannot be decoded: {error}")).with_hint("try again")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_codings_are_recognized_in_any_case() {
        let coding = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, reqwest::header::HeaderValue::from_static(value));
            }
            ContentCoding::of(&headers)
        };
        for value in ["gzip", "GZIP", "x-gzip", " X-Gzip ", "identity, gzip"] {
            assert_eq!(coding(&[value]), Some(ContentCoding::Gzip), "{value}");
        }
        assert_eq!(coding(&["BR"]), Some(ContentCoding::Brotli));
        assert_eq!(coding(&["identity", "gzip"]), Some(ContentCoding::Gzip));
        for values in [&[][..], &["identity"], &["utf-8"], &["gzip, gzip"], &["gzip", "br"]] {
            assert_eq!(coding(values), None, "{values:?}");
        }
    }
}
