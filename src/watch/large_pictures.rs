//! A fresh, large picture of one channel, which the wall asks for when somebody looks at it.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::Error;

/// A fresh picture of a channel.
#[derive(Debug, Clone)]
pub struct LargePicture {
    /// The encoded picture.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: &'static str,
}

/// Takes pictures of channels for those who look at the wall. Its caller joins equal requests, and bounds how many run at a time.
pub trait LargePictures: Send + Sync {
    /// A picture of the channel with this id, now, at most `width` pixels wide. Fails as a snapshot does.
    fn take(&self, id: &str, width: u32) -> BoxFuture<'static, Result<LargePicture, Error>>;
}
