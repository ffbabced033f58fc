//! Large pictures: only a few at a time, one for each channel, and kept for a moment.

use std::{fmt, sync::Arc, time::Duration};

use moka::future::Cache;
use tokio::sync::Semaphore;

use crate::{
    error::{Error, ErrorKind},
    watch::{LargePicture, LargePictures},
};

/// The largest width of a large picture.
const LARGE_WIDTH: u32 = 1280;
/// How many large pictures are taken at a time, so that viewers do not slow down the watch.
const MAX_LARGE: usize = 2;
/// The longest wait for running captures.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// How many large pictures are kept, and for how long, so that viewers of the same channel share them.
const KEPT_LARGE: u64 = 16;
const KEEP_LARGE: Duration = Duration::from_secs(3);

/// Large pictures, one at a time for each channel.
pub(super) struct LargePictureCache {
    source: Arc<dyn LargePictures>,
    recent: Cache<String, LargePicture>,
    permits: Semaphore,
}

impl fmt::Debug for LargePictureCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LargePictureCache").finish_non_exhaustive()
    }
}

impl LargePictureCache {
    pub fn new(source: Arc<dyn LargePictures>) -> Self {
        let recent = Cache::builder().max_capacity(KEPT_LARGE).time_to_live(KEEP_LARGE).build();
        Self { source, recent, permits: Semaphore::new(MAX_LARGE) }
    }

    /// A new picture of the channel with this id, or one that was taken a moment ago.
    pub async fn get(&self, id: String) -> Result<LargePicture, Arc<Error>> {
        let take = async {
            let busy = || Error::new(ErrorKind::Timeout, "too many large pictures are being taken").with_hint("try again");
            let permit = tokio::time::timeout(MAX_WAIT, self.permits.acquire()).await.map_err(|_| busy())?;
            let _permit = permit.map_err(|e| Error::internal("the semaphore of large pictures is closed").with_source(e))?;
            self.source.take(&id, LARGE_WIDTH).await
        };
        self.recent.try_get_with_by_ref(&id, take).await
    }
}
