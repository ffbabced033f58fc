//! What is behind a URL, by its playlists alone.

use url::Url;

use super::{
    JobContext, i_frames,
    open::{self, OpenedStream},
};
use crate::{
    error::{Error, ErrorKind, redacted},
    fetch::{Client, Job},
    hls::{self, MediaPlaylist, MultivariantPlaylist},
    protection::Keyring,
    read::DownloadCache,
    report::Cost,
    request::SnapshotRequest,
};

/// What is behind a URL, by its playlists alone.
#[derive(Debug)]
pub struct Inspection {
    /// The URL that was asked for, redacted.
    pub url: String,
    /// The Multivariant Playlist, where there is one.
    pub multivariant: Option<MultivariantPlaylist>,
    /// The index of the Variant that a picture would be taken from.
    pub chosen: Option<usize>,
    /// Why it is that one.
    pub why: Option<String>,
    /// The index of the I-frame Variant that would serve, where a key frame will do.
    pub i_frame: Option<usize>,
    /// The Media Playlist that a picture would be taken from.
    pub media: Option<MediaPlaylist>,
    /// Why that Media Playlist could not be read, or why no Variant was chosen.
    pub media_error: Option<Error>,
    /// What it cost.
    pub cost: Cost,
}

/// Reads the playlists, and no media. Fails where the first one cannot be read.
pub async fn inspect(request: &SnapshotRequest, client: &Client) -> Result<Inspection, Error> {
    let base = open::base(&request.source)?;
    let job = Job::new(client, &base, &request.headers, &request.limits)?;
    let work = inspect_within(request, &job, &base);
    tokio::time::timeout_at(job.deadline().into(), work).await.unwrap_or_else(|_| Err(job.timeout().with_url(&base)))
}

async fn inspect_within(request: &SnapshotRequest, job: &Job, base: &Url) -> Result<Inspection, Error> {
    let mut inspection = Inspection {
        url: redacted(base),
        multivariant: None,
        chosen: None,
        why: None,
        i_frame: None,
        media: None,
        media_error: None,
        cost: Cost::default(),
    };
    let opened = open::open(request, job, base).await?;
    let keyring = Keyring::new(request, job);
    let shelf = DownloadCache::default();
    let work = JobContext { request, job, multiplexed: opened.multiplexed, keyring: &keyring, shelf: &shelf };
    match opened.entry {
        OpenedStream::File(..) => {
            return Err(Error::new(ErrorKind::BadPlaylist, "it is a media file, not a playlist")
                .with_url(base)
                .with_hint("take a picture of it with `hlsnap URL`"));
        }
        OpenedStream::Media(loaded) => inspection.media = Some(loaded.playlist),
        OpenedStream::Multivariant(multivariant) => {
            let chosen = hls::select_variants(&multivariant, &request.variant, &request.size).map(|variants| variants.into_iter().next());
            match chosen {
                Ok(Some(variant)) => {
                    inspection.chosen = Some(variant.index);
                    inspection.why = Some(hls::explain_choice(&multivariant, &request.variant, &request.size));
                    inspection.i_frame = i_frames::stands_for(request, &multivariant, variant).map(|variant| variant.index);
                    match open::media(&work, &variant.url, &multivariant.variables).await {
                        Ok(loaded) => inspection.media = Some(loaded.playlist),
                        Err(error) => inspection.media_error = Some(error),
                    }
                }
                Ok(None) => {}
                Err(error) => inspection.media_error = Some(error),
            }
            inspection.multivariant = Some(*multivariant);
        }
    }
    inspection.cost = job.cost();
    Ok(inspection)
}
