//! Reads one segment of a playlist for its sound alone.

use url::Url;

use super::{
    context::JobContext,
    decode_job::{DecodeInput, InputLayout, run_sound_job},
    facts::{FinishedSnapshot, Snapshot},
    open,
    presentation::Presentation,
};
use crate::{
    error::{Error, ErrorKind},
    fetch::Client,
    hls::{MediaPlaylist, RenditionType, Variables, Variant},
    libav::{self, SoundFacts},
    read::SegmentSpan,
    report::Report,
    request::SnapshotRequest,
};

impl Presentation {
    /// Makes each capture also read the sound in the bytes that it downloads anyway. This links audio decoders.
    #[must_use]
    pub(crate) fn with_sound(mut self) -> Self {
        self.context.sound_reader = Some(libav::read_sound);
        self
    }

    /// The Media Playlist of a Variant's audio: the Rendition that players start with. `None` if its audio is in its own segments.
    pub(crate) fn audio_playlist(&self, variant: &Variant) -> Option<Url> {
        let group = variant.audio.as_ref()?;
        let multivariant = self.multivariant()?;
        let in_group = || multivariant.renditions.iter().filter(|one| one.kind == RenditionType::Audio && one.group_id == *group);
        let chosen = in_group().find(|rendition| rendition.default).or_else(|| in_group().next())?;
        chosen.url.clone().filter(|url| *url != variant.url)
    }
}

/// Loads the Media Playlist of an audio Rendition, and judges the sound of its newest segment: two requests.
pub(super) async fn probe_audio_playlist(context: &JobContext, url: &Url, variables: &Variables) -> Result<SoundFacts, Error> {
    let playlist = open::reload_media_playlist(context, url, variables).await?;
    probe_sound(context, &playlist).await
}

/// Reads the sound of a playlist's newest complete segment, and downloads no more of it than that needs.
///
/// Fails with `not_found` if there is no such segment, and as reading and decrypting one does.
pub(super) async fn probe_sound(context: &JobContext, playlist: &MediaPlaylist) -> Result<SoundFacts, Error> {
    let context = context.without_media();
    let newest = playlist.complete_segments().iter().rposition(|segment| !segment.gap);
    let (index, segment) = newest
        .and_then(|index| Some((index, playlist.segments.get(index)?)))
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "the playlist has no complete segment").with_url(&playlist.url))?;
    let located = |error: Error| error.with_url(&segment.url).with_media_sequence_number(segment.media_sequence_number);
    let span = SegmentSpan::new(playlist, index.into(), index);
    let spans = span.byte_spans(&context.keyring).map_err(located)?;
    let reader = context.open_reader(spans, None).await.map_err(located)?;
    let input = DecodeInput { reader, layout: InputLayout::of(segment), segment_starts: span.starts() };
    run_sound_job(&context, input, libav::read_sound).await.map_err(located)
}

/// Takes a picture, and reads the sound in its bytes.
pub async fn picture_and_sound(request: &SnapshotRequest, client: &Client) -> Result<(Snapshot, Option<SoundFacts>), Error> {
    let presentation = Presentation::open(request, client).await?.with_sound();
    let capture = presentation.capture_in(&presentation.context).await?;
    let sound = capture.sound;
    let FinishedSnapshot { picture, facts, .. } = presentation.finish(capture).await?;
    Ok((Snapshot { picture, report: Report::new(facts, None) }, sound))
}

/// The sound of a stream's newest segment, or of that of its audio Rendition.
pub async fn sound_of_newest_segment(request: &SnapshotRequest, client: &Client) -> Result<SoundFacts, Error> {
    let presentation = Presentation::open(request, client).await?;
    let track = presentation.track().await?.ok_or_else(|| Error::usage("a media file has no segments", "give a playlist"))?;
    match track.variant.as_ref().and_then(|variant| presentation.audio_playlist(variant)) {
        Some(url) => probe_audio_playlist(&presentation.context, &url, &presentation.variables()).await,
        None => probe_sound(&presentation.context, track.playlist()).await,
    }
}
