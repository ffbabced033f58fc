//! What is against the specification in a playlist, for those who make it. A picture may well be had all the same.

use std::collections::HashSet;

use super::{
    media::{MediaPlaylist, PlaylistType, Segment},
    multivariant::{MultivariantPlaylist, RenditionType, Variant},
};

/// So many places are named where a rule is broken in many.
const NAMED: usize = 3;

impl MultivariantPlaylist {
    /// What is against sections 4.1, 4.4.6 and 6.2.4, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Warnings::of(&self.oddities);
        let all = self.variants.iter();
        warnings.each("EXT-X-STREAM-INF has no BANDWIDTH", names(all.clone().filter(|variant| variant.bandwidth.is_none())));
        warnings.each(
            "EXT-X-STREAM-INF has no CODECS, so players cannot tell what they need",
            names(all.clone().filter(|variant| variant.codecs.is_none())),
        );
        warnings.each("video without RESOLUTION", names(all.clone().filter(|variant| variant.has_video() && variant.resolution.is_none())));
        warnings.each(
            "AVERAGE-BANDWIDTH is above BANDWIDTH, which is the peak",
            names(all.clone().filter(|variant| variant.average_bandwidth > variant.bandwidth && variant.bandwidth.is_some())),
        );
        let scored = all.clone().filter(|variant| variant.score.is_some()).count();
        if scored > 0 && scored < self.variants.len() {
            warnings.one("SCORE must be on every Variant or on none");
        }
        let groups = |kind: RenditionType| -> HashSet<&str> {
            self.renditions.iter().filter(|rendition| rendition.kind == kind).map(|rendition| rendition.group_id.as_str()).collect()
        };
        let (audio, video) = (groups(RenditionType::Audio), groups(RenditionType::Video));
        let lost = |group: &Option<String>, known: &HashSet<&str>| group.as_deref().is_some_and(|group| !known.contains(group));
        warnings.each("AUDIO names a group that no EXT-X-MEDIA has", names(all.clone().filter(|variant| lost(&variant.audio, &audio))));
        warnings.each("VIDEO names a group that no EXT-X-MEDIA has", names(all.clone().filter(|variant| lost(&variant.video, &video))));
        for kind in [RenditionType::Audio, RenditionType::Video, RenditionType::Subtitles] {
            for group in groups(kind) {
                let members = self.renditions.iter().filter(|rendition| rendition.kind == kind && rendition.group_id == group);
                if members.clone().filter(|rendition| rendition.default).count() > 1 {
                    warnings.one(&format!("more than one Rendition of the group {group:?} is DEFAULT"));
                }
                let known: HashSet<_> = members.clone().map(|rendition| &rendition.name).collect();
                if known.len() < members.count() {
                    warnings.one(&format!("two Renditions of the group {group:?} have one NAME"));
                }
            }
        }
        if self.variants.is_empty() {
            warnings.one("there are no Variants but for trick play");
        }
        warnings.0
    }
}

fn names<'a>(variants: impl Iterator<Item = &'a Variant>) -> impl Iterator<Item = String> {
    variants.map(|variant| format!("#{}", variant.index)).collect::<Vec<_>>().into_iter()
}

impl MediaPlaylist {
    /// What is against sections 4.1, 4.4.3 to 4.4.5 and 6.2, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Warnings::of(&self.oddities);
        self.check_durations(&mut warnings);
        self.check_version(&mut warnings);
        self.check_parts(&mut warnings);
        if self.playlist_type == Some(PlaylistType::Vod) && !self.ended {
            warnings.one("a playlist of the type VOD has no EXT-X-ENDLIST");
        }
        if !self.date_ranges.is_empty() && self.segments.iter().all(|segment| segment.program_date_time.is_none()) {
            warnings.one("EXT-X-DATERANGE without any EXT-X-PROGRAM-DATE-TIME");
        }
        let nowhere = self.segments.iter().filter(|segment| segment.gap && segment.url == self.url);
        warnings.each("a segment's URI makes no sense", numbers(nowhere));
        warnings.0
    }

    fn check_durations(&self, warnings: &mut Warnings) {
        let Some(target) = self.target_duration else {
            return warnings.one("EXT-X-TARGETDURATION is missing");
        };
        let longer = self.segments.iter().filter(|segment| segment.duration.round() > target);
        warnings.each(&format!("a segment is longer than the target duration, {target} s"), numbers(longer));
        let unknown = self.complete_segments().iter().filter(|segment| segment.duration <= 0.0);
        warnings.each("a segment has no duration", numbers(unknown));
        // What is shorter at the start of a stream may still grow
        let has_slid = self.media_sequence > 0;
        if self.is_live() && has_slid && self.duration() < 3.0 * target {
            warnings.one(&format!("the live window, {:.1} s, is shorter than three target durations", self.duration()));
        }
        if self.control.hold_back.is_some_and(|seconds| seconds < 3.0 * target) {
            warnings.one("HOLD-BACK is less than three target durations");
        }
    }

    fn check_version(&self, warnings: &mut Warnings) {
        let any = |has: fn(&Segment) -> bool| self.segments.iter().any(has);
        let formats =
            |segment: &Segment| segment.key.as_ref().is_some_and(|key| key.formats.iter().any(|format| format.name != "identity"));
        let needs = [
            (3, "durations that are no integers", any(|segment| segment.duration.fract() > 0.0)),
            (4, "EXT-X-BYTERANGE", any(|segment| segment.byte_range.is_some())),
            (4, "EXT-X-I-FRAMES-ONLY", self.i_frames_only),
            (5, "KEYFORMAT", any(formats)),
            (5, "EXT-X-MAP", any(|segment| segment.init.is_some())),
            (6, "EXT-X-MAP without EXT-X-I-FRAMES-ONLY", any(|segment| segment.init.is_some()) && !self.i_frames_only),
            (9, "EXT-X-SKIP", self.skipped > 0),
        ];
        let version = self.version.unwrap_or(1);
        if let Some((needed, what, _)) = needs.into_iter().filter(|(needed, _, used)| *used && *needed > version).max_by_key(|need| need.0)
        {
            let told = self.version.map_or_else(|| "is missing".to_owned(), |version| format!("is {version}"));
            warnings.one(&format!("EXT-X-VERSION {told}, but {what} needs {needed}"));
        }
    }

    fn check_parts(&self, warnings: &mut Warnings) {
        let mut parts = self.segments.iter().flat_map(|segment| &segment.parts).peekable();
        if parts.peek().is_none() {
            return;
        }
        let Some(target) = self.part_target else {
            return warnings.one("EXT-X-PART without EXT-X-PART-INF");
        };
        let longer = parts.filter(|part| part.duration > target + 0.0005).count();
        if longer > 0 {
            warnings.one(&format!("{longer} parts are longer than PART-TARGET, {target} s"));
        }
        match self.control.part_hold_back {
            None => warnings.one("parts without PART-HOLD-BACK in EXT-X-SERVER-CONTROL"),
            Some(seconds) if seconds < 2.0 * target => warnings.one("PART-HOLD-BACK is less than two part targets"),
            Some(_) => {}
        }
    }
}

fn numbers<'a>(segments: impl Iterator<Item = &'a Segment>) -> impl Iterator<Item = String> {
    segments.map(|segment| segment.media_sequence_number.to_string()).collect::<Vec<_>>().into_iter()
}

struct Warnings(Vec<String>);

impl Warnings {
    fn of(oddities: &[&str]) -> Self {
        Self(oddities.iter().map(|oddity| (*oddity).to_owned()).collect())
    }

    fn one(&mut self, what: &str) {
        self.0.push(what.to_owned());
    }

    /// One warning for all places, of which the first are named.
    fn each(&mut self, what: &str, places: impl Iterator<Item = String>) {
        let places: Vec<_> = places.collect();
        let more = places.len().saturating_sub(NAMED);
        if let Some(named) = places.get(..places.len().min(NAMED)).filter(|named| !named.is_empty()) {
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            self.0.push(format!("{what}: {}{more}", named.join(", ")));
        }
    }
}
