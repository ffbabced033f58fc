//! Judges the sound of a channel by the bytes that were read of one segment.

use super::sample::Sound;
use crate::capture::SoundFacts;

/// Audio with a lower root mean square is silence, in dBFS: the noise of 12 bits, or of an unused line.
const SILENCE_DBFS: f64 = -70.0;
/// Less decoded audio than this, in seconds, may be a pause between two words.
const MIN_SECONDS: f64 = 0.2;
/// A segment with this much video, in seconds, but no audio packets has no audio.
const MIN_VIDEO_SECONDS: f64 = 1.0;

impl Sound {
    /// The sound of a segment; `None` if nothing is known of it. If the audio is in a Rendition of its own, the caller gives the facts of
    /// the Rendition, or `None`.
    pub fn of(facts: Option<&SoundFacts>) -> Self {
        let Some(facts) = facts.filter(|facts| !facts.is_encrypted) else { return Self::Unknown };
        let is_read = facts.is_whole || facts.video_seconds >= MIN_VIDEO_SECONDS;
        match (facts.lists_audio, facts.level) {
            (None, _) => Self::Unknown,
            (Some(false), _) => Self::Missing,
            _ if facts.packets == 0 && is_read => Self::Missing,
            _ if facts.packets == 0 => Self::Unknown,
            (_, Some(level)) if level.seconds < MIN_SECONDS => Self::Present,
            (_, Some(level)) if level.rms_dbfs < SILENCE_DBFS => Self::Silent,
            _ => Self::Present,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::SoundLevel;

    #[test]
    fn a_judgment_needs_enough_of_the_segment() {
        let read = SoundFacts { lists_audio: Some(true), ..SoundFacts::default() };
        let level = |seconds, rms_dbfs| SoundFacts { packets: 9, level: Some(SoundLevel { seconds, rms_dbfs }), ..read };
        for (facts, sound) in [
            (SoundFacts::default(), Sound::Unknown),
            (SoundFacts { lists_audio: Some(false), ..read }, Sound::Missing),
            (SoundFacts { is_encrypted: true, ..level(1.0, -90.0) }, Sound::Unknown),
            (SoundFacts { video_seconds: 0.4, ..read }, Sound::Unknown),
            (SoundFacts { video_seconds: 1.2, ..read }, Sound::Missing),
            (SoundFacts { is_whole: true, ..read }, Sound::Missing),
            (SoundFacts { packets: 1, ..read }, Sound::Present),
            (level(1.0, f64::NEG_INFINITY), Sound::Silent),
            (level(1.0, -70.1), Sound::Silent),
            (level(1.0, -69.9), Sound::Present),
            (level(0.1, -90.0), Sound::Present),
        ] {
            assert_eq!(Sound::of(Some(&facts)), sound, "{facts:?}");
        }
        assert_eq!(Sound::of(None), Sound::Unknown);
    }
}
