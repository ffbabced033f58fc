//! What is behind the URL: a Multivariant Playlist, a Media Playlist, or a media file.

use std::time::Instant;

use bytes::BytesMut;
use url::Url;

use super::{JobContext, live::LoadedPlaylist};
use crate::{
    error::{Error, ErrorKind},
    fetch::{Body, Job, Range},
    hls::{self, MediaPlaylist, MultivariantPlaylist, Playlist, Variables},
    libav,
    request::{RAISE_PLAYLIST_BYTES, SnapshotRequest, Source},
};

/// So many bytes tell a playlist from a media file.
const TELLING: usize = 2048;

/// The first resource, read as far as its kind needs.
pub(super) enum OpenedStream {
    Multivariant(Box<MultivariantPlaylist>),
    Media(Box<LoadedPlaylist>),
    /// A media file: the rest of its body, and what has been read of it.
    File(Box<Body>, BytesMut),
}

pub(super) struct StreamEntry {
    pub entry: OpenedStream,
    /// Whether requests can share the connection at the same time.
    pub multiplexed: bool,
}

/// The URL that is asked for, or that a text's URIs are relative to.
pub(super) fn base(source: &Source) -> Result<Url, Error> {
    match source {
        Source::Url(url) => Ok(url.clone()),
        Source::Text { base, .. } => Ok(base.clone()),
        Source::File(path) => {
            let absolute =
                std::path::absolute(path).map_err(|e| Error::new(ErrorKind::Usage, "the path cannot be made absolute").with_source(e))?;
            Url::from_file_path(absolute).map_err(|()| Error::new(ErrorKind::Usage, "the path cannot be written as a URL"))
        }
    }
}

pub(super) async fn open(request: &SnapshotRequest, job: &Job, base: &Url) -> Result<StreamEntry, Error> {
    let asked = Instant::now();
    let no_variables = Variables::default();
    if let Source::Text { text, .. } = &request.source {
        return Ok(StreamEntry { entry: parsed(hls::parse(text, base, &no_variables, &request.limits)?, asked), multiplexed: false });
    }
    let mut body = job.open(base, Range::ALL).await?;
    let multiplexed = body.is_multiplexed();
    let mut head = BytesMut::new();
    while head.len() < TELLING {
        let Some(chunk) = body.chunk().await? else { break };
        head.extend_from_slice(&chunk);
    }
    if !hls::looks_like_playlist(&head) {
        match libav::require_media(&head) {
            Ok(()) => {
                return Ok(StreamEntry { entry: OpenedStream::File(Box::new(body), head), multiplexed });
            }
            // Neither: hls::parse says what it is instead of a playlist
            Err(error) if error.kind() == ErrorKind::Undecodable => {}
            Err(error) => return Err(error.with_url(base)),
        }
    }
    let bytes = body.read_to_end(head, request.limits.max_playlist_bytes).await.map_err(too_large)?;
    let playlist = hls::parse(&bytes, body.url(), &no_variables, &request.limits).map_err(|e| e.with_url(body.url()))?;
    Ok(StreamEntry { entry: parsed(playlist, asked), multiplexed })
}

fn parsed(playlist: Playlist, asked: Instant) -> OpenedStream {
    match playlist {
        Playlist::Multivariant(multivariant) => OpenedStream::Multivariant(Box::new(multivariant)),
        Playlist::Media(playlist) => OpenedStream::Media(Box::new(LoadedPlaylist { playlist, asked })),
    }
}

/// The Media Playlist behind a Variant's URL. Where that is a Multivariant Playlist again, its own best Variant is taken, a few times.
pub(super) async fn media(work: &JobContext<'_>, url: &Url, variables: &Variables) -> Result<LoadedPlaylist, Error> {
    let (mut url, mut variables) = (url.clone(), variables.clone());
    for _ in 0..work.request.limits.max_playlist_depth {
        let asked = Instant::now();
        match read(work, &url, &variables).await? {
            (_, Playlist::Media(playlist)) => return Ok(LoadedPlaylist { playlist, asked }),
            (from, Playlist::Multivariant(again)) => {
                let variants = hls::select_variants(&again, &work.request.variant, &work.request.size).map_err(|e| e.with_url(&from))?;
                url = variants
                    .first()
                    .map(|variant| variant.url.clone())
                    .ok_or_else(|| Error::new(ErrorKind::NoVideo, "no Variant has video"))?;
                variables = again.variables;
            }
        }
    }
    Err(Error::new(ErrorKind::BadPlaylist, "Multivariant Playlists name each other and no Media Playlist")
        .with_url(&url)
        .with_hint("this is the origin's mistake"))
}

/// A Media Playlist that was read before.
pub(super) async fn reload(work: &JobContext<'_>, url: &Url, variables: &Variables) -> Result<MediaPlaylist, Error> {
    match read(work, url, variables).await? {
        (_, Playlist::Media(playlist)) => Ok(playlist),
        (from, Playlist::Multivariant(_)) => {
            Err(Error::new(ErrorKind::BadPlaylist, "the Media Playlist has become another one").with_url(&from))
        }
    }
}

async fn read(work: &JobContext<'_>, url: &Url, variables: &Variables) -> Result<(Url, Playlist), Error> {
    let limits = &work.request.limits;
    let mut body = work.job.open(url, Range::ALL).await?;
    let mut head = BytesMut::new();
    while head.len() < TELLING
        && let Some(chunk) = body.chunk().await?
    {
        head.extend_from_slice(&chunk);
    }
    let from = body.url().clone();
    if !hls::looks_like_playlist(&head) && libav::require_media(&head).is_ok() {
        // It may have no end
        return Err(Error::new(ErrorKind::BadPlaylist, "this is media, not a playlist")
            .with_url(&from)
            .with_hint("this is the origin's mistake"));
    }
    let bytes = body.read_to_end(head, limits.max_playlist_bytes).await.map_err(too_large)?;
    let playlist = hls::parse(&bytes, &from, variables, limits).map_err(|e| e.with_url(&from))?;
    Ok((from, playlist))
}

/// A playlist that is too large says how to read it all the same; other limits have hints of their own.
fn too_large(error: Error) -> Error {
    let has_hint = error.kind() != ErrorKind::TooLarge || error.hint().is_some();
    if has_hint { error } else { error.with_hint(RAISE_PLAYLIST_BYTES) }
}
