//! Takes large pictures of channels for the wall.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    capture,
    channels::Channel,
    error::{Error, ErrorKind},
    fetch::Client,
    request::{Format, Source},
    watch::{LargePicture, LargePictures},
};

/// Takes a new snapshot of a channel for each request.
pub(super) struct ChannelSnapshots {
    client: Client,
    channels: Mutex<HashMap<String, Arc<Channel>>>,
}

impl ChannelSnapshots {
    pub fn new(client: Client, channels: &[Channel]) -> Self {
        let this = Self { client, channels: Mutex::default() };
        this.replace_channels(channels);
        this
    }

    pub fn replace_channels(&self, channels: &[Channel]) {
        let by_id = channels.iter().map(|channel| (channel.id.clone(), Arc::new(channel.clone()))).collect();
        *self.channels.lock().unwrap_or_else(PoisonError::into_inner) = by_id;
    }
}

impl LargePictures for ChannelSnapshots {
    fn take(&self, id: &str, width: u32) -> BoxFuture<'static, Result<LargePicture, Error>> {
        let channel = self.channels.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        let client = self.client.clone();
        async move {
            let channel = channel.ok_or_else(|| Error::new(ErrorKind::NotFound, "the channel is not on the list any more"))?;
            let mut options = channel.options.clone();
            options.format = Some(Format::Jpeg);
            options.set_width(width);
            let source = Source::parse(options.url.as_deref().unwrap_or_default())?;
            let snapshot = capture::capture(&options.request(source, None), &client).await?;
            Ok(LargePicture { bytes: snapshot.picture.into(), media_type: Format::Jpeg.media_type() })
        }
        .boxed()
    }
}
