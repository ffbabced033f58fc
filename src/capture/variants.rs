//! Captures a picture from a Multivariant Playlist: tries its Variants from the best one on.

use std::sync::Arc;

use url::Url;

use super::{
    context::{JobContext, TimeShare},
    facts::{self, Capture},
    failure_scope::FailureScope,
    i_frames::{self, capture_i_frame},
    live::capture_with_reloads,
    media_playlist::{SelectedVariant, capture_playlist},
    open,
    playlist_cache::LoadedPlaylist,
};
use crate::{
    error::{Error, ErrorKind},
    hls::{self, MediaPlaylist, MultivariantPlaylist, Variant},
    request::{Format, SnapshotRequest},
};

/// Maximum number of Variants to try before reporting the first failure.
const MAX_VARIANTS: usize = 4;

/// Captures a picture from the best Variant that has one. Fails with the first Variant's failure if none has.
pub(super) async fn capture_best_variant(context: &JobContext, multivariant: &MultivariantPlaylist) -> Result<Capture, Error> {
    let variants = ranked_variants(&context.request, multivariant)?;
    let mut failures = VariantFailures::default();
    if let Some(best) = variants.first()
        && let Some(capture) = capture_i_frame(context, multivariant, best, &mut failures.notes).await?
    {
        return Ok(Capture { variant: Some(facts::variant_report(best)), ..capture });
    }
    for (index, variant) in variants.iter().enumerate() {
        if failures.urls.len() == MAX_VARIANTS || failures.blocks(variant) || context.playlists.is_excluded(&variant.url) {
            continue;
        }
        let has_others = variants.iter().skip(index + 1).any(|other| other.url != variant.url);
        let share = context.with_time_share(TimeShare::VARIANT, has_others && failures.urls.len() + 1 < MAX_VARIANTS);
        match Box::pin(capture_variant(&share, multivariant, variant)).await {
            Ok(mut capture) => {
                context.playlists.count_success(&variant.url);
                failures.urls.iter().for_each(|failed| context.playlists.count_failure(failed));
                capture.variant = Some(facts::variant_report(variant));
                capture.notes.extend(failures.notes);
                return Ok(capture);
            }
            Err(error) if FailureScope::of(&error, &context.job).allows_another_variant() => failures.add(error, variant),
            Err(error) => return Err(failures.first.unwrap_or(error)),
        }
    }
    Err(failures.first.unwrap_or_else(|| Error::new(ErrorKind::NoVideo, "no Variant has video")))
}

/// The playlists that [`capture_best_variant`] would try, in order: requests with the same playlists get the same frame. Fails as it does.
#[cfg(feature = "fleet")]
pub(super) fn candidate_playlists<'a>(request: &SnapshotRequest, multivariant: &'a MultivariantPlaylist) -> Result<Vec<&'a Url>, Error> {
    let variants = ranked_variants(request, multivariant)?;
    let shortcut = variants.first().and_then(|best| i_frames::replacement(request, multivariant, best));
    Ok(shortcut.into_iter().chain(variants.into_iter().take(MAX_VARIANTS)).map(|variant| &variant.url).collect())
}

/// The Variants of the request's choice, the best first. AVIF takes the bytes of AV1.
fn ranked_variants<'a>(request: &SnapshotRequest, multivariant: &'a MultivariantPlaylist) -> Result<Vec<&'a Variant>, Error> {
    let mut variants = hls::select_variants(multivariant, &request.variant, &request.size)?;
    if request.encoding.format == Format::Avif {
        variants.sort_by_key(|variant| !variant.is_av1());
    }
    Ok(variants)
}

/// A Media Playlist that pictures come from.
pub(crate) struct Track {
    pub(super) loaded: Arc<LoadedPlaylist>,
    /// The URL of the playlist before redirects, by which its failures are counted.
    pub(super) url: Url,
    /// Its Variant; `None` without a Multivariant Playlist. For an I-frame Playlist, the Variant that it replaces.
    pub variant: Option<Variant>,
    /// The playlists that failed.
    pub notes: Vec<String>,
}

impl Track {
    pub fn playlist(&self) -> &MediaPlaylist {
        &self.loaded.playlist
    }

    /// Captures a picture from this playlist alone, as it is.
    pub(super) async fn capture(&self, context: &JobContext) -> Result<Capture, Error> {
        let selected = self.variant.as_ref().map(|variant| SelectedVariant { variant, start: None });
        let capture = Box::pin(capture_playlist(context, &self.loaded.playlist, selected, usize::MAX)).await?;
        Ok(Capture { variant: self.variant.as_ref().map(facts::variant_report), ..capture })
    }
}

/// The first playlist that [`capture_best_variant`] uses, if it loads: the I-frame Playlist, else that of the best Variant.
pub(super) async fn open_best_track(context: &JobContext, multivariant: &MultivariantPlaylist) -> Result<Track, Error> {
    let variants = ranked_variants(&context.request, multivariant)?;
    let mut failures = VariantFailures::default();
    if let Some(best) = variants.first()
        && let Some((url, loaded)) = i_frames::load(context, multivariant, best, &mut failures.notes).await?
    {
        context.timing.playlists_loaded();
        return Ok(Track { loaded, url, variant: Some((*best).clone()), notes: failures.notes });
    }
    for variant in variants {
        if failures.urls.len() == MAX_VARIANTS || failures.blocks(variant) {
            continue;
        }
        match open::load_media_playlist(context, &variant.url, &multivariant.variables).await {
            Ok(loaded) => {
                context.timing.playlists_loaded();
                return Ok(Track { loaded, url: variant.url.clone(), variant: Some(variant.clone()), notes: failures.notes });
            }
            Err(error) if FailureScope::of(&error, &context.job).allows_another_variant() => {
                context.playlists.exclude(&variant.url);
                failures.add(error, variant);
            }
            Err(error) => return Err(failures.first.unwrap_or(error)),
        }
    }
    Err(failures.first.unwrap_or_else(|| Error::new(ErrorKind::NoVideo, "no Variant has video")))
}

/// Loads a Variant's Media Playlist and captures a picture from it.
async fn capture_variant(context: &JobContext, multivariant: &MultivariantPlaylist, variant: &Variant) -> Result<Capture, Error> {
    context.open_lanes(&variant.url, variant.bandwidth);
    let loaded = open::load_media_playlist(context, &variant.url, &multivariant.variables).await?;
    context.timing.playlists_loaded();
    let selected = SelectedVariant { variant, start: multivariant.start.as_ref() };
    Box::pin(capture_with_reloads(context, loaded, Some(selected), &multivariant.variables)).await
}

/// Failures of the Variants that were tried.
#[derive(Default)]
struct VariantFailures {
    /// The failure to report if no Variant succeeds.
    first: Option<Error>,
    notes: Vec<String>,
    /// Playlists that failed; they are not requested again.
    urls: Vec<Url>,
    /// Hosts and ports that refused a connection.
    dead_hosts: Vec<String>,
}

impl VariantFailures {
    fn add(&mut self, error: Error, variant: &Variant) {
        self.urls.push(variant.url.clone());
        let error = explained_by_codecs(error, variant);
        tracing::info!("skipping Variant {}: {}", variant.index, error.one_line());
        self.notes.push(format!("Variant {} was skipped: {}: {}", variant.index, error.kind(), error.message()));
        if error.kind() == ErrorKind::Unreachable && error.is_connect_failure() {
            self.dead_hosts.extend(error.full_url().and_then(host_and_port));
        }
        self.first.get_or_insert(error);
    }

    /// Whether a Variant would fail in the same way.
    fn blocks(&self, variant: &Variant) -> bool {
        self.urls.contains(&variant.url) || host_and_port(&variant.url).is_some_and(|host| self.dead_hosts.contains(&host))
    }
}

fn host_and_port(url: &Url) -> Option<String> {
    url.host_str().map(|host| format!("{host}:{:?}", url.port_or_known_default()))
}

/// Replaces a failure to get media or a picture by what CODECS says against the Variant, if it does.
fn explained_by_codecs(error: Error, variant: &Variant) -> Error {
    let concerns_media = matches!(error.kind(), ErrorKind::NoVideo | ErrorKind::Undecodable | ErrorKind::Unsupported);
    let may_be_explained = concerns_media || matches!(error.origin_status(), Some(404 | 410));
    hls::undecodable_reason(variant).filter(|_| may_be_explained).map_or(error, |reason| reason.with_url(&variant.url))
}
