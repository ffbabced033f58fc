//! Specification violations, reported to packagers. A snapshot may still succeed.

use std::collections::HashSet;

use super::{
    media::{MediaPlaylist, PlaylistType},
    multivariant::{MultivariantPlaylist, Rendition, RenditionType},
    segment::Segment,
    variant::Variant,
};
use crate::time::TIME_TOLERANCE;

/// Number of Variants or segments that one warning names.
const MAX_NAMED: usize = 3;

impl MultivariantPlaylist {
    /// Violations of sections 4.1, 4.4.6 and 6.2.4, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Warnings::new(&self.text_flaws);
        self.check_attributes(&mut warnings);
        self.check_scores(&mut warnings);
        self.check_group_references(&mut warnings);
        self.check_groups(&mut warnings);
        if self.variants.is_empty() {
            warnings.add("the playlist has I-frame Variants only");
        }
        warnings.0
    }

    fn check_attributes(&self, warnings: &mut Warnings) {
        let mut check = |message: &str, is_violation: fn(&Variant) -> bool| {
            warnings.add_for(message, self.variants.iter().filter(|variant| is_violation(variant)).map(variant_name));
        };
        check("EXT-X-STREAM-INF has no BANDWIDTH", |variant| variant.bandwidth.is_none());
        check("EXT-X-STREAM-INF has no CODECS, so players do not know which decoders they need", |variant| variant.codecs.is_none());
        check("video has no RESOLUTION", |variant| variant.has_video() && variant.resolution.is_none());
        check("AVERAGE-BANDWIDTH exceeds BANDWIDTH, which is the peak", |variant| {
            variant.bandwidth.is_some() && variant.average_bandwidth > variant.bandwidth
        });
    }

    fn check_scores(&self, warnings: &mut Warnings) {
        let scored = self.variants.iter().filter(|variant| variant.score.is_some()).count();
        if scored > 0 && scored < self.variants.len() {
            warnings.add("SCORE must be on every Variant or on none");
        }
    }

    fn check_group_references(&self, warnings: &mut Warnings) {
        let mut check = |message: &str, kind: RenditionType, group_of: fn(&Variant) -> Option<&str>| {
            let groups = self.group_ids(kind);
            let is_unknown = |variant: &&Variant| group_of(variant).is_some_and(|group| !groups.contains(group));
            warnings.add_for(message, self.variants.iter().filter(is_unknown).map(variant_name));
        };
        check("AUDIO names a group without EXT-X-MEDIA", RenditionType::Audio, |variant| variant.audio.as_deref());
        check("VIDEO names a group without EXT-X-MEDIA", RenditionType::Video, |variant| variant.video.as_deref());
    }

    fn check_groups(&self, warnings: &mut Warnings) {
        for kind in [RenditionType::Audio, RenditionType::Video, RenditionType::Subtitles] {
            for group in self.group_ids(kind) {
                let members: Vec<_> = self.renditions_of(kind).filter(|rendition| rendition.group_id == group).collect();
                if members.iter().filter(|rendition| rendition.default).count() > 1 {
                    warnings.add(&format!("more than one Rendition of the group {group:?} is DEFAULT"));
                }
                let names: HashSet<_> = members.iter().map(|rendition| &rendition.name).collect();
                if names.len() < members.len() {
                    warnings.add(&format!("two Renditions of the group {group:?} have the same NAME"));
                }
            }
        }
    }

    fn renditions_of(&self, kind: RenditionType) -> impl Iterator<Item = &Rendition> {
        self.renditions.iter().filter(move |rendition| rendition.kind == kind)
    }

    fn group_ids(&self, kind: RenditionType) -> HashSet<&str> {
        self.renditions_of(kind).map(|rendition| rendition.group_id.as_str()).collect()
    }
}

impl MediaPlaylist {
    /// Violations of sections 4.1, 4.4.3 to 4.4.5 and 6.2, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Warnings::new(&self.text_flaws);
        self.check_durations(&mut warnings);
        self.check_version(&mut warnings);
        self.check_parts(&mut warnings);
        self.check_end(&mut warnings);
        self.check_dates(&mut warnings);
        self.check_uris(&mut warnings);
        warnings.0
    }

    fn check_durations(&self, warnings: &mut Warnings) {
        let Some(target) = self.target_duration else {
            return warnings.add("EXT-X-TARGETDURATION is missing");
        };
        let too_long = self.segments.iter().filter(|segment| segment.duration.round() > target);
        warnings.add_for(&format!("a segment is longer than the target duration, {target} s"), too_long.map(segment_number));
        let without_duration = self.complete_segments().iter().filter(|segment| segment.duration <= 0.0);
        warnings.add_for("a segment has no duration", without_duration.map(segment_number));
        // A stream that has just started has a short window
        let has_removed_segments = self.media_sequence > 0;
        if self.is_live() && has_removed_segments && self.duration() < 3.0 * target {
            warnings.add(&format!("the live window, {:.1} s, is shorter than three target durations", self.duration()));
        }
        if self.control.hold_back.is_some_and(|seconds| seconds < 3.0 * target) {
            warnings.add("HOLD-BACK is less than three target durations");
        }
    }

    /// EXT-X-VERSION must be high enough for the tags in use (section 8).
    fn check_version(&self, warnings: &mut Warnings) {
        let any = |has: fn(&Segment) -> bool| self.segments.iter().any(has);
        let has_key_format = |segment: &Segment| segment.key.iter().flat_map(|key| &key.formats).any(|format| format.name != "identity");
        let features = [
            (3, "a duration that is not an integer", any(|segment| segment.duration.fract() > 0.0)),
            (4, "EXT-X-BYTERANGE", any(|segment| segment.byte_range.is_some())),
            (4, "EXT-X-I-FRAMES-ONLY", self.i_frames_only),
            (5, "KEYFORMAT", any(has_key_format)),
            (5, "EXT-X-MAP", any(|segment| segment.init.is_some())),
            (6, "EXT-X-MAP without EXT-X-I-FRAMES-ONLY", any(|segment| segment.init.is_some()) && !self.i_frames_only),
            (9, "EXT-X-SKIP", self.skipped > 0),
        ];
        let version = self.version.unwrap_or(1);
        let violations = features.into_iter().filter(|(needed, _, is_used)| *is_used && *needed > version);
        if let Some((needed, feature, _)) = violations.max_by_key(|(needed, ..)| *needed) {
            let written = self.version.map_or_else(|| "is missing".to_owned(), |version| format!("is {version}"));
            warnings.add(&format!("EXT-X-VERSION {written}, but {feature} needs {needed}"));
        }
    }

    fn check_parts(&self, warnings: &mut Warnings) {
        let mut parts = self.segments.iter().flat_map(|segment| &segment.parts).peekable();
        if parts.peek().is_none() {
            return;
        }
        let Some(target) = self.part_target else {
            return warnings.add("EXT-X-PART without EXT-X-PART-INF");
        };
        let too_long = parts.filter(|part| part.duration > target + TIME_TOLERANCE).count();
        if too_long > 0 {
            warnings.add(&format!("{too_long} parts are longer than PART-TARGET, {target} s"));
        }
        match self.control.part_hold_back {
            None => warnings.add("EXT-X-PART without PART-HOLD-BACK in EXT-X-SERVER-CONTROL"),
            Some(seconds) if seconds < 2.0 * target => warnings.add("PART-HOLD-BACK is less than two part targets"),
            Some(_) => {}
        }
    }

    fn check_end(&self, warnings: &mut Warnings) {
        if self.playlist_type == Some(PlaylistType::Vod) && !self.ended {
            warnings.add("a playlist of type VOD has no EXT-X-ENDLIST");
        }
    }

    fn check_dates(&self, warnings: &mut Warnings) {
        if !self.date_ranges.is_empty() && self.segments.iter().all(|segment| segment.program_date_time.is_none()) {
            warnings.add("EXT-X-DATERANGE without EXT-X-PROGRAM-DATE-TIME");
        }
    }

    fn check_uris(&self, warnings: &mut Warnings) {
        // A segment with an invalid URI has the playlist's URL
        let invalid = self.segments.iter().filter(|segment| segment.gap && segment.url == self.url);
        warnings.add_for("a segment has an invalid URI", invalid.map(segment_number));
    }
}

fn variant_name(variant: &Variant) -> String {
    format!("#{}", variant.index)
}

fn segment_number(segment: &Segment) -> String {
    segment.media_sequence_number.to_string()
}

struct Warnings(Vec<String>);

impl Warnings {
    fn new(text_flaws: &[&str]) -> Self {
        Self(text_flaws.iter().map(|flaw| (*flaw).to_owned()).collect())
    }

    fn add(&mut self, message: &str) {
        self.0.push(message.to_owned());
    }

    /// Adds one warning for all `names` and lists the first of them. Without names there is no warning.
    fn add_for(&mut self, message: &str, names: impl Iterator<Item = String>) {
        let names: Vec<_> = names.collect();
        let (listed, omitted) = names.split_at(names.len().min(MAX_NAMED));
        if !listed.is_empty() {
            let more = if omitted.is_empty() { String::new() } else { format!(" and {} more", omitted.len()) };
            self.0.push(format!("{message}: {}{more}", listed.join(", ")));
        }
    }
}
