//! Forgets data that the newest playlist of a live stream does not need, so that memory does not grow with time.

use std::collections::HashSet;

use url::Url;

use super::context::JobContext;
use crate::hls::{Key, MediaPlaylist};

/// Forgets the inits, keys and parameter sets that `playlist` does not need. With `all`, forgets all of them: after a restart, the same
/// URLs may have other content.
pub(super) async fn forget_unneeded(context: &JobContext, playlist: &MediaPlaylist, all: bool) {
    let (inits, keys) = if all { (HashSet::new(), HashSet::new()) } else { (init_urls(playlist), key_urls(playlist)) };
    context.downloads.retain_inits(&inits);
    context.keyring.retain(&keys).await;
    context.headers.forget_before(if all { u64::MAX } else { playlist.discontinuity_sequence });
}

fn init_urls(playlist: &MediaPlaylist) -> HashSet<Url> {
    let inits = playlist.segments.iter().filter_map(|segment| segment.init.as_ref());
    inits.map(|init| init.url.clone()).collect()
}

fn key_urls(playlist: &MediaPlaylist) -> HashSet<Url> {
    let keys = playlist.segments.iter().flat_map(|segment| {
        let of_init = segment.init.as_ref().and_then(|init| init.key.as_deref());
        [segment.key.as_deref(), of_init].into_iter().flatten()
    });
    let urls = |key: &Key| key.formats.iter().filter_map(|format| format.url.clone()).collect::<Vec<_>>();
    keys.flat_map(urls).collect()
}
