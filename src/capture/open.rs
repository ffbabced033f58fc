//! Opens the stream at a URL, which may be a Multivariant Playlist, a Media Playlist or a media file, and loads Media Playlists.

use std::{sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use url::Url;

use super::{context::JobContext, playlist_cache::LoadedPlaylist};
use crate::{
    error::{Error, ErrorKind},
    fetch::{Body, Range, Validators},
    hls::{self, MediaPlaylist, MultivariantPlaylist, Playlist, Variables},
    libav,
    request::{RAISE_PLAYLIST_BYTES, Source},
};

/// Enough bytes to tell a playlist from a media file.
const PROBE_BYTES: usize = 2048;

/// The resource at the requested URL.
pub(super) enum OpenedStream {
    Multivariant(Box<MultivariantPlaylist>),
    Media(Arc<LoadedPlaylist>),
    /// A media file: its open body, and the first bytes, which have been read from it.
    File(Box<Body>, BytesMut),
}

/// The requested URL; for text from stdin, the URL that its URIs are relative to.
pub(super) fn base_url(source: &Source) -> Result<Url, Error> {
    match source {
        Source::Url(url) => Ok(url.clone()),
        Source::Text { base, .. } => Ok(base.clone()),
        Source::File(path) => {
            let absolute =
                std::path::absolute(path).map_err(|e| Error::new(ErrorKind::Usage, "cannot make the path absolute").with_source(e))?;
            Url::from_file_path(absolute).map_err(|()| Error::new(ErrorKind::Usage, "cannot write the path as a URL"))
        }
    }
}

/// Opens the requested resource; also returns whether its connection carries several requests at once.
pub(super) async fn open_stream(context: &JobContext, base: &Url) -> Result<(OpenedStream, bool), Error> {
    let limits = &context.request.limits;
    let requested_at = Instant::now();
    let no_variables = Variables::default();
    if let Source::Text { text, .. } = &context.request.source {
        return Ok((opened(hls::parse(text, base, &no_variables, limits)?, requested_at), false));
    }
    let mut body = context.opening_job().open(base, Range::ALL).await?;
    let is_multiplexed = body.is_multiplexed();
    let head = read_head(&mut body).await?;
    if !hls::looks_like_playlist(&head) {
        match libav::require_media(&head) {
            Ok(()) => return Ok((OpenedStream::File(Box::new(body), head), is_multiplexed)),
            // Neither playlist nor media: hls::parse says what it is
            Err(error) if error.kind() == ErrorKind::Undecodable => {}
            Err(error) => return Err(error.with_url(base)),
        }
    }
    let bytes = read_playlist(context, &mut body, head).await?;
    let playlist = hls::parse(&bytes, body.url(), &no_variables, limits).map_err(|e| e.with_url(body.url()))?;
    Ok((opened(playlist, requested_at), is_multiplexed))
}

fn opened(playlist: Playlist, requested_at: Instant) -> OpenedStream {
    match playlist {
        Playlist::Multivariant(multivariant) => OpenedStream::Multivariant(Box::new(multivariant)),
        Playlist::Media(playlist) => OpenedStream::Media(Arc::new(LoadedPlaylist { playlist, requested_at })),
    }
}

/// The Media Playlist of a Variant, loaded once in a job. If its URL leads to another Multivariant Playlist, follows that one's best Variant.
pub(super) async fn load_media_playlist(context: &JobContext, url: &Url, variables: &Variables) -> Result<Arc<LoadedPlaylist>, Error> {
    context.playlists.get(url, load_variant(context, url, variables)).await
}

async fn load_variant(context: &JobContext, url: &Url, variables: &Variables) -> Result<LoadedPlaylist, Error> {
    let (mut url, mut variables) = (url.clone(), variables.clone());
    for _ in 0..context.request.limits.max_playlist_depth {
        let requested_at = Instant::now();
        match load(context, &url, &variables).await? {
            (_, Playlist::Media(playlist)) => return Ok(LoadedPlaylist { playlist, requested_at }),
            (from, Playlist::Multivariant(nested)) => {
                let variants =
                    hls::select_variants(&nested, &context.request.variant, &context.request.size).map_err(|e| e.with_url(&from))?;
                let best = variants.first().ok_or_else(|| Error::new(ErrorKind::NoVideo, "no Variant has video"))?;
                url = best.url.clone();
                variables = nested.variables;
            }
        }
    }
    Err(Error::new(ErrorKind::BadPlaylist, "Multivariant Playlists refer to each other instead of a Media Playlist")
        .with_url(&url)
        .with_hint("report it to the origin's operator"))
}

/// Loads a Media Playlist again.
pub(super) async fn reload_media_playlist(context: &JobContext, url: &Url, variables: &Variables) -> Result<MediaPlaylist, Error> {
    media_playlist(load(context, url, variables).await?)
}

fn media_playlist((from, playlist): (Url, Playlist)) -> Result<MediaPlaylist, Error> {
    match playlist {
        Playlist::Media(playlist) => Ok(playlist),
        Playlist::Multivariant(_) => {
            Err(Error::new(ErrorKind::BadPlaylist, "the Media Playlist has become a Multivariant Playlist").with_url(&from))
        }
    }
}

/// Loads a Media Playlist again, and returns its version too. `None` if it is still the version `known`.
pub(super) async fn reload_if_changed(
    context: &JobContext,
    url: &Url,
    variables: &Variables,
    known: Option<&Validators>,
) -> Result<Option<(MediaPlaylist, Validators)>, Error> {
    let job = known.map_or_else(|| context.job.clone(), |known| context.job.if_changed_from(known));
    let mut body = job.open(url, Range::ALL).await?;
    if body.is_unchanged() {
        return Ok(None);
    }
    let version = body.validators().clone();
    Ok(Some((media_playlist(read(context, &mut body, variables).await?)?, version)))
}

/// Loads a playlist; also returns its URL after redirects.
async fn load(context: &JobContext, url: &Url, variables: &Variables) -> Result<(Url, Playlist), Error> {
    let mut body = context.job.open(url, Range::ALL).await?;
    read(context, &mut body, variables).await
}

/// Reads an open playlist; also returns its URL.
async fn read(context: &JobContext, body: &mut Body, variables: &Variables) -> Result<(Url, Playlist), Error> {
    let head = read_head(body).await?;
    let from = body.url().clone();
    // Media may be endless
    if !hls::looks_like_playlist(&head) && libav::require_media(&head).is_ok() {
        return Err(Error::new(ErrorKind::BadPlaylist, "expected a playlist, but this is media")
            .with_url(&from)
            .with_hint("report it to the origin's operator"));
    }
    let bytes = read_playlist(context, body, head).await?;
    let playlist = hls::parse(&bytes, &from, variables, &context.request.limits).map_err(|e| e.with_url(&from))?;
    Ok((from, playlist))
}

async fn read_head(body: &mut Body) -> Result<BytesMut, Error> {
    let mut head = BytesMut::new();
    while head.len() < PROBE_BYTES
        && let Some(chunk) = body.chunk().await?
    {
        head.extend_from_slice(&chunk);
    }
    Ok(head)
}

async fn read_playlist(context: &JobContext, body: &mut Body, head: BytesMut) -> Result<Bytes, Error> {
    let playlist = body.read_to_end(head, context.request.limits.max_playlist_bytes).await;
    playlist.map_err(|error| {
        // Other limits have hints of their own
        let has_hint = error.kind() != ErrorKind::TooLarge || error.hint().is_some();
        if has_hint { error } else { error.with_hint(RAISE_PLAYLIST_BYTES) }
    })
}
