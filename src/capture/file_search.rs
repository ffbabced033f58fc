//! Searches one media file for a frame.

use url::Url;

use super::{
    context::JobContext,
    decode_job::{DecodeInput, InputLayout, RenderedPicture, run_decode_job},
    domain_states::DomainStates,
    facts::{self, Capture},
};
use crate::{
    error::{Error, ErrorKind, redacted},
    libav::SearchTarget,
    read::{ByteSpan, SegmentReader},
    report::{Encryption, SegmentReport},
};

/// Searches of one media file, which share what they learn.
pub(super) struct FileSearch<'a> {
    context: &'a JobContext,
    url: Url,
    states: DomainStates,
}

/// A file has no discontinuities.
const DOMAIN: u64 = 0;

impl<'a> FileSearch<'a> {
    pub fn new(context: &'a JobContext, url: Url) -> Self {
        Self { context, url, states: DomainStates::default() }
    }

    /// The first key frame presented after `seconds`.
    pub async fn key_frame_after(&self, seconds: f64) -> Result<Option<Capture>, Error> {
        match self.read_again(SearchTarget::KeyFrameAfter(seconds)).await {
            Err(error) if error.kind() == ErrorKind::Undecodable => Ok(None),
            result => result,
        }
    }

    /// Reads the file from its start.
    pub async fn read_again(&self, target: SearchTarget) -> Result<Option<Capture>, Error> {
        let reader = self.context.open_reader(vec![ByteSpan::whole(&self.url)], None).await?;
        self.decode(reader, target).await
    }

    /// Decodes the frame of `target`. `None`: the frame depends on bytes before those of the reader.
    pub async fn decode(&self, reader: SegmentReader, target: SearchTarget) -> Result<Option<Capture>, Error> {
        let mut state = self.states.get(DOMAIN);
        let input = DecodeInput { reader, layout: InputLayout::File, segment_starts: Vec::new() };
        let picture = run_decode_job(self.context, input, target, &mut state).await.map_err(|e| e.with_url(&self.url));
        self.states.set(DOMAIN, state);
        Ok(picture?.map(|picture| self.capture(picture)))
    }

    fn capture(&self, picture: RenderedPicture) -> Capture {
        Capture {
            live: false,
            encryption: picture.encryption.unwrap_or(Encryption::None),
            variant: None,
            segment: SegmentReport {
                url: redacted(&self.url),
                media_sequence_number: None,
                discontinuity_sequence_number: None,
                part: None,
                i_frame: false,
            },
            frame: picture.frame,
            presentation: facts::presentation(picture.seconds, 0.0, None),
            picture: picture.picture,
            kept: picture.kept,
            freshness: None,
            decoded_at: picture.decoded_at,
            render_time: picture.render_time,
            sound: picture.sound,
            notes: Vec::new(),
        }
    }
}
