//! A new, large picture of one channel, which the wall requests when a user opens the channel.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::Error;

/// A new picture of a channel.
#[derive(Debug, Clone)]
pub struct LargePicture {
    /// The encoded picture.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: &'static str,
}

/// Takes pictures of channels for the wall. The caller joins equal requests, and limits how many run at a time.
pub trait LargePictures: Send + Sync {
    /// Takes a picture of the channel with this id, at most `width` pixels wide. Fails as a snapshot does.
    fn take(&self, id: &str, width: u32) -> BoxFuture<'static, Result<LargePicture, Error>>;
}
