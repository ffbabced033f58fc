//! The conductor: a [`SnapshotRequest`] in, a [`Snapshot`] out. The only place where rooms meet.
//!
//! ```text
//! entry -> (variant -> Media Playlist)* -> plan -> (segment -> feed -> grab)* -> Snapshot
//! ```
//!
//! A star is where the next best is tried when one does not give a clean picture.

mod entry;
mod feed;
mod grab;
mod parts;
mod told;

use crate::{
    error::{Error, ErrorKind},
    fetch::{Client, Job},
    hls::{self, MediaPlaylist, MultivariantPlaylist, Variant},
    report::{Cost, Report},
    request::SnapshotRequest,
};

use entry::Entry;
use told::{Clock, Taken};

/// So many Variants are tried before the first one's failure is told.
const VARIANTS_TRIED: usize = 4;

/// A picture and its report.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The file's bytes.
    pub picture: Vec<u8>,
    /// What is told about it; `output` and the time that storing took are the store's to fill in.
    pub report: Report,
}

/// Takes one picture.
///
/// Fails with any kind of the table but `output`. Nothing is written. The job's time begins here and ends by `limits.timeout`; a decoder
/// that is at work then is left to end by itself.
pub async fn take(request: &SnapshotRequest, client: &Client) -> Result<Snapshot, Error> {
    let base = entry::base(&request.source)?;
    let job = Job::new(client, &base, &request.access, &request.limits)?;
    let mut clock = Clock::start();
    let work = take_within(request, &job, &base, &mut clock);
    tokio::time::timeout_at(job.deadline().into(), work).await.unwrap_or_else(|_| Err(job.timeout().at(&base)))
}

async fn take_within(request: &SnapshotRequest, job: &Job, base: &url::Url, clock: &mut Clock) -> Result<Snapshot, Error> {
    let opened = entry::open(request, job, base).await?;
    let taken = match opened.entry {
        Entry::File(body, head) => {
            clock.playlists_read();
            grab::from_file(request, job, *body, head, clock).await?
        }
        Entry::Media(media) => {
            clock.playlists_read();
            grab::from_playlist(request, job, &media, None, opened.multiplexed, clock).await?
        }
        Entry::Multivariant(multivariant) => from_variants(request, job, &multivariant, opened.multiplexed, clock).await?,
    };
    Ok(taken.into_snapshot(request, base, job.cost(), clock))
}

/// Tries the Variants from the best on. The first one's failure is told where none gives a picture.
async fn from_variants(
    request: &SnapshotRequest,
    job: &Job,
    multivariant: &MultivariantPlaylist,
    multiplexed: bool,
    clock: &mut Clock,
) -> Result<Taken, Error> {
    let variants = hls::choose(multivariant, &request.variant, &request.size)?;
    let mut failure = None;
    let mut notes = Vec::new();
    for variant in variants.into_iter().take(VARIANTS_TRIED) {
        match from_variant(request, job, multivariant, variant, multiplexed, clock).await {
            Ok(mut taken) => {
                taken.variant = Some(told::variant(variant));
                taken.notes.extend(notes);
                return Ok(taken);
            }
            Err(error) if another_may_do(&error) => {
                tracing::info!("Variant {} is passed over: {error}", variant.index);
                notes.push(format!("Variant {} was passed over: {}: {}", variant.index, error.kind(), error.message()));
                failure.get_or_insert(error);
            }
            Err(error) => return Err(failure.unwrap_or(error)),
        }
    }
    Err(failure.unwrap_or_else(|| Error::new(ErrorKind::NoVideo, "no Variant has video")))
}

/// Whether another Variant may do better: not where policy, time or the request itself stand against it.
fn another_may_do(error: &Error) -> bool {
    use ErrorKind::{BadPlaylist, HttpStatus, NoVideo, Undecodable, Unsupported};
    matches!(error.kind(), BadPlaylist | HttpStatus | NoVideo | Undecodable | Unsupported)
}

async fn from_variant(
    request: &SnapshotRequest,
    job: &Job,
    multivariant: &MultivariantPlaylist,
    variant: &Variant,
    multiplexed: bool,
    clock: &mut Clock,
) -> Result<Taken, Error> {
    let media = entry::media(request, job, &variant.url).await?;
    clock.playlists_read();
    let from = grab::Chosen { variant, start: multivariant.start.as_ref() };
    grab::from_playlist(request, job, &media, Some(from), multiplexed, clock).await
}

/// What is behind a URL, by its playlists alone.
#[derive(Debug)]
pub struct Inspection {
    /// The URL that was asked for, redacted.
    pub url: String,
    /// The Multivariant Playlist, where there is one.
    pub multivariant: Option<MultivariantPlaylist>,
    /// The index of the Variant that a picture would be taken from.
    pub chosen: Option<usize>,
    /// The Media Playlist that a picture would be taken from.
    pub media: Option<MediaPlaylist>,
    /// Why that Media Playlist could not be read, or why no Variant was chosen.
    pub media_error: Option<Error>,
    /// What it cost.
    pub cost: Cost,
}

/// Reads the playlists, and no media. Fails where the first one cannot be read.
pub async fn inspect(request: &SnapshotRequest, client: &Client) -> Result<Inspection, Error> {
    let base = entry::base(&request.source)?;
    let job = Job::new(client, &base, &request.access, &request.limits)?;
    let work = inspect_within(request, &job, &base);
    tokio::time::timeout_at(job.deadline().into(), work).await.unwrap_or_else(|_| Err(job.timeout().at(&base)))
}

async fn inspect_within(request: &SnapshotRequest, job: &Job, base: &url::Url) -> Result<Inspection, Error> {
    let mut inspection = Inspection {
        url: crate::error::redacted(base),
        multivariant: None,
        chosen: None,
        media: None,
        media_error: None,
        cost: Cost::default(),
    };
    match entry::open(request, job, base).await?.entry {
        Entry::File(..) => {
            return Err(Error::new(ErrorKind::BadPlaylist, "it is a media file, not a playlist")
                .at(base)
                .hint("take a picture of it with `hlsnap URL`"));
        }
        Entry::Media(media) => inspection.media = Some(media),
        Entry::Multivariant(multivariant) => {
            let chosen = hls::choose(&multivariant, &request.variant, &request.size).map(|variants| variants.into_iter().next());
            match chosen {
                Ok(Some(variant)) => {
                    inspection.chosen = Some(variant.index);
                    match entry::media(request, job, &variant.url).await {
                        Ok(media) => inspection.media = Some(media),
                        Err(error) => inspection.media_error = Some(error),
                    }
                }
                Ok(None) => {}
                Err(error) => inspection.media_error = Some(error),
            }
            inspection.multivariant = Some(multivariant);
        }
    }
    inspection.cost = job.cost();
    Ok(inspection)
}
