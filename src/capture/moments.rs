//! Plans many pictures of one playlist as one plan: which moments share a segment, which fall on the same key frame, and which segments take
//! one request.

use crate::{
    hls::{self, Goal, MediaPlaylist},
    request::{Position, Precision},
};

/// Consecutive moments that are captured together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MomentGroup {
    /// Seconds from the start of the playlist, in ascending order.
    pub moments: Vec<f64>,
    pub kind: GroupKind,
}

/// How the pictures of a group are captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupKind {
    /// Each by a search of its own; they share what is downloaded. The segment is `None` if no segment has the moment.
    Separate(Option<usize>),
    /// All moments are in one entry of an I-frame Playlist: one picture.
    OneKeyFrame(usize),
    /// All moments are in one segment: one pass over its bytes.
    OnePass(usize),
}

/// Groups that follow each other, and whose bytes one request may fetch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GroupRun {
    pub groups: Vec<MomentGroup>,
    /// Indices of the segments to fetch by one request; fewer than two if there is nothing to join.
    pub touching: Vec<usize>,
}

/// Limits of one request that joins the byte ranges of segments.
const MAX_JOINED_BYTES: u64 = 1 << 20;
const MAX_JOINED_SEGMENTS: usize = 16;

impl GroupRun {
    /// A run of one moment that no plan covers.
    pub fn separate(moment: f64) -> Self {
        Self { groups: vec![MomentGroup { moments: vec![moment], kind: GroupKind::Separate(None) }], touching: Vec::new() }
    }
}

impl MomentGroup {
    /// The segment that holds the moments.
    pub fn segment(&self) -> Option<usize> {
        match self.kind {
            GroupKind::Separate(segment) => segment,
            GroupKind::OneKeyFrame(segment) | GroupKind::OnePass(segment) => Some(segment),
        }
    }
}

/// Groups ascending moments, in seconds from the start of the playlist.
pub(super) fn group_moments(playlist: &MediaPlaylist, moments: &[f64], precision: Precision) -> Vec<GroupRun> {
    let mut groups: Vec<MomentGroup> = Vec::new();
    for moment in moments {
        let kind = group_kind(playlist, *moment, precision);
        match groups.last_mut() {
            Some(last) if last.kind == kind && kind != GroupKind::Separate(None) => last.moments.push(*moment),
            _ => groups.push(MomentGroup { moments: vec![*moment], kind }),
        }
    }
    join_groups(playlist, groups)
}

fn group_kind(playlist: &MediaPlaylist, moment: f64, precision: Precision) -> GroupKind {
    let at = Position::FromStart(std::time::Duration::try_from_secs_f64(moment.max(0.0)).unwrap_or_default());
    let Ok(plan) = hls::plan(playlist, Some(at), Some(precision), None) else { return GroupKind::Separate(None) };
    let Some(index) = plan.candidates.first().map(|start| start.segment) else { return GroupKind::Separate(None) };
    let is_image = playlist.segments.get(index).is_some_and(|segment| segment.tiles.is_some());
    match plan.goal {
        // A note belongs to one picture
        _ if is_image || plan.note.is_some() => GroupKind::Separate(Some(index)),
        Goal::FirstKeyFrame => GroupKind::OneKeyFrame(index),
        Goal::KeyFrameAtOrBefore(_) | Goal::FrameAt(_) => GroupKind::OnePass(index),
        Goal::LastFrame => GroupKind::Separate(Some(index)),
    }
}

/// Joins neighboring groups whose segments are byte ranges that touch, such as those of an I-frame Playlist where every frame is one.
fn join_groups(playlist: &MediaPlaylist, groups: Vec<MomentGroup>) -> Vec<GroupRun> {
    let mut runs: Vec<GroupRun> = Vec::new();
    let mut bytes = 0;
    for group in groups {
        let segment = group.segment().filter(|_| playlist.i_frames_only);
        let length = segment.and_then(|index| joinable_bytes(playlist, index));
        let last = runs.last_mut().filter(|run| run.touching.len() < MAX_JOINED_SEGMENTS);
        if let (Some(run), Some(index), Some(length)) = (last, segment, length)
            && run.touching.last().is_some_and(|last| touches(playlist, *last, index))
            && bytes + length <= MAX_JOINED_BYTES
        {
            bytes += length;
            run.touching.push(index);
            run.groups.push(group);
        } else {
            bytes = length.unwrap_or_default();
            runs.push(GroupRun { groups: vec![group], touching: segment.filter(|_| length.is_some()).into_iter().collect() });
        }
    }
    runs
}

/// The bytes of a segment that may be fetched together with its neighbors'. The first of a resource is joined to its init already.
fn joinable_bytes(playlist: &MediaPlaylist, index: usize) -> Option<u64> {
    let segment = playlist.segments.get(index)?;
    let first = playlist.segments.iter().position(|other| other.url == segment.url);
    segment.byte_range.filter(|_| first != Some(index)).map(|range| range.length)
}

fn touches(playlist: &MediaPlaylist, one: usize, next: usize) -> bool {
    let (Some(one), Some(next)) = (playlist.segments.get(one), playlist.segments.get(next)) else { return false };
    let (Some(first), Some(second)) = (one.byte_range, next.byte_range) else { return false };
    one.url == next.url && first.offset.checked_add(first.length) == Some(second.offset)
}
