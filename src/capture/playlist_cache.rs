//! The Media Playlists of a job, so that many pictures load each once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::sync::OnceCell;
use url::Url;

use crate::{error::Error, hls::MediaPlaylist};

/// A Media Playlist, and when it was requested.
pub(crate) struct LoadedPlaylist {
    pub playlist: MediaPlaylist,
    pub requested_at: Instant,
}

/// Media Playlists by URL. Clones share their content.
#[derive(Clone, Default)]
pub(super) struct PlaylistCache(Arc<Mutex<HashMap<Url, Entry>>>);

#[derive(Default)]
struct Entry {
    loaded: Arc<OnceCell<Arc<LoadedPlaylist>>>,
    failures: usize,
}

/// After this many failures in a row, further pictures do not try a playlist again.
const MAX_FAILURES: usize = 3;

impl PlaylistCache {
    /// The playlist at `url`; `load` loads it unless the cache has it. Pictures that need it at the same time share one load.
    pub async fn get(&self, url: &Url, load: impl Future<Output = Result<LoadedPlaylist, Error>>) -> Result<Arc<LoadedPlaylist>, Error> {
        let entry = self.with(url, |entry| Arc::clone(&entry.loaded));
        entry.get_or_try_init(|| async { load.await.map(Arc::new) }).await.cloned()
    }

    /// The playlist at `url`, if it was loaded again.
    pub fn newest(&self, url: &Url) -> Option<Arc<LoadedPlaylist>> {
        self.with(url, |entry| entry.loaded.get().cloned())
    }

    /// Replaces the playlist at `url` by a newer one.
    pub fn replace(&self, url: &Url, playlist: Arc<LoadedPlaylist>) {
        self.with(url, |entry| entry.loaded = Arc::new(OnceCell::new_with(Some(playlist))));
    }

    /// A copy of this cache with only the playlists of recordings.
    #[cfg(feature = "fleet")]
    pub fn of_recordings(&self) -> Self {
        let recordings = Self::default();
        recordings.add_recordings(self);
        recordings
    }

    /// Adds the playlists of recordings from another cache.
    #[cfg(feature = "fleet")]
    pub fn add_recordings(&self, other: &Self) {
        if Arc::ptr_eq(&self.0, &other.0) {
            return;
        }
        let loaded: Vec<_> = other.with_all(|url, loaded| (!loaded.playlist.is_live()).then(|| (url.clone(), Arc::clone(loaded))));
        for (url, playlist) in loaded {
            self.with(&url, |entry| _ = entry.loaded.set(playlist));
        }
    }

    /// The approximate size of the playlists in bytes.
    #[cfg(feature = "fleet")]
    pub fn size(&self) -> usize {
        self.with_all(|_, loaded| Some(loaded.playlist.size())).into_iter().sum()
    }

    /// Counts a picture that could not be had from the playlist at `url`.
    pub fn count_failure(&self, url: &Url) {
        self.with(url, |entry| entry.failures += 1);
    }

    /// Forgets earlier failures of the playlist at `url`, which gave a picture, unless it is excluded.
    pub fn count_success(&self, url: &Url) {
        self.with(url, |entry| entry.failures *= usize::from(entry.failures >= MAX_FAILURES));
    }

    /// Excludes the playlist at `url`.
    pub fn exclude(&self, url: &Url) {
        self.with(url, |entry| entry.failures = MAX_FAILURES);
    }

    /// Whether the playlist at `url` failed too often to be tried again.
    pub fn is_excluded(&self, url: &Url) -> bool {
        self.with(url, |entry| entry.failures >= MAX_FAILURES)
    }

    #[cfg(feature = "fleet")]
    fn with_all<T>(&self, work: impl Fn(&Url, &Arc<LoadedPlaylist>) -> Option<T>) -> Vec<T> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().filter_map(|(url, entry)| work(url, entry.loaded.get()?)).collect()
    }

    fn with<T>(&self, url: &Url, work: impl FnOnce(&mut Entry) -> T) -> T {
        work(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(url.clone()).or_default())
    }
}
