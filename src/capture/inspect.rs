//! Inspects a stream by its playlists alone.

use chrono::Utc;
use url::Url;

use super::{
    context::JobContext,
    i_frames,
    inspected_playlists::InspectedPlaylists,
    inspection_report::Inspection,
    open::{self, OpenedStream},
};
use crate::{
    error::{Error, ErrorKind, redacted},
    fetch::{Client, Job},
    hls::{self, MultivariantPlaylist},
    report::Cost,
    request::SnapshotRequest,
};

/// Loads the playlists, and no media. Needs a tokio runtime with I/O and time enabled. Fails if the first playlist does.
pub async fn inspect(request: &SnapshotRequest, client: &Client) -> Result<Inspection, Error> {
    let base = open::base_url(&request.source)?;
    let job = Job::new(client, &base, &request.headers, &request.limits)?;
    let work = Box::pin(inspect_within(JobContext::new(request, job.clone()), &base));
    tokio::time::timeout_at(job.deadline().into(), work).await.unwrap_or_else(|_| Err(job.timeout().with_url(&base)))
}

async fn inspect_within(context: JobContext, base: &Url) -> Result<Inspection, Error> {
    let mut inspection = InspectedPlaylists {
        url: redacted(base),
        multivariant: None,
        chosen: None,
        why: None,
        i_frame: None,
        media: None,
        media_error: None,
        cost: Cost::default(),
    };
    match open::open_stream(&context, base).await?.0 {
        OpenedStream::File(..) => {
            return Err(Error::new(ErrorKind::BadPlaylist, "this is a media file, not a playlist")
                .with_url(base)
                .with_hint("take a snapshot of it with `hlsnap URL`"));
        }
        OpenedStream::Media(loaded) => inspection.media = Some(loaded.playlist.clone()),
        OpenedStream::Multivariant(multivariant) => {
            inspect_variant(&context, &multivariant, &mut inspection).await;
            inspection.multivariant = Some(*multivariant);
        }
    }
    inspection.cost = context.job.cost();
    Ok(Inspection::new(&inspection, Utc::now()))
}

/// Adds the best Variant and its Media Playlist.
async fn inspect_variant(context: &JobContext, multivariant: &MultivariantPlaylist, inspection: &mut InspectedPlaylists) {
    let request = &context.request;
    let variant = match hls::select_variants(multivariant, &request.variant, &request.size) {
        Ok(variants) => variants.into_iter().next(),
        Err(error) => {
            inspection.media_error = Some(error);
            return;
        }
    };
    let Some(variant) = variant else { return };
    inspection.chosen = Some(variant.index);
    inspection.why = Some(hls::explain_choice(multivariant, &request.variant, &request.size));
    inspection.i_frame = i_frames::replacement(request, multivariant, variant).map(|variant| variant.index);
    match open::load_media_playlist(context, &variant.url, &multivariant.variables).await {
        Ok(loaded) => inspection.media = Some(loaded.playlist.clone()),
        Err(error) => inspection.media_error = Some(error),
    }
}
