//! Content codings (RFC 9110, 8.4.1), undone as the body arrives. reqwest's own decoding knows their names in lower case only.

use std::{fmt, io};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use reqwest::{
    Response,
    header::{CONTENT_ENCODING, HeaderMap},
};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use super::job::from_reqwest;
use crate::error::{Error, ErrorKind};

/// What `Accept-Encoding` says when no range is asked for.
pub(super) const ACCEPTED: &str = "gzip, br";

/// A decoder gives out at most this many bytes at a time, so that a small body cannot become a large one unseen.
const PIECE: usize = 16 << 10;

/// A coding that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Brotli,
}

impl Coding {
    /// The coding of a body, in any case of letters. `None` if there is none, or none that is known: then the bytes are taken as they are.
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

/// A body whose coding is undone.
pub(super) struct Decoded(Box<dyn AsyncRead + Send + Sync + Unpin>);

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoded")
    }
}

impl Decoded {
    pub fn new(response: Response, coding: Coding) -> Self {
        let packed = StreamReader::new(response.bytes_stream().map_err(io::Error::other));
        Self(match coding {
            Coding::Gzip => {
                let mut decoder = GzipDecoder::new(packed);
                // RFC 1952, 2.2: a file is a series of members
                decoder.multiple_members(true);
                Box::new(decoder)
            }
            Coding::Brotli => Box::new(BrotliDecoder::new(packed)),
        })
    }

    /// The next bytes, at least one; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut piece = BytesMut::with_capacity(PIECE);
        let count = self.0.read_buf(&mut piece).await.map_err(failure)?;
        Ok((count > 0).then(|| piece.freeze()))
    }
}

fn failure(error: io::Error) -> Error {
    match error.downcast::<reqwest::Error>() {
        Ok(error) => from_reqwest(error),
        Err(error) => Error::new(ErrorKind::Unreachable, format!("the compressed answer cannot be read: {error}")).hint("try again"),
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
