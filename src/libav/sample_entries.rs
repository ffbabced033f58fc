//! Adapts the sample entries of a movie header to libavformat, which decodes all fragments by a track's first entry and does not know all
//! entry names.
//!
//! A track may have several entries (`stsd`, ISO/IEC 14496-12, 8.5.2). Each fragment selects one by `sample_description_index` (8.8.7).

use super::boxes::{BoxContent, boxes, child, u32_at};

const DESCRIPTION_INDEX_PRESENT: u32 = 0x00_00_02;
const BASE_DATA_OFFSET_PRESENT: u32 = 0x00_00_01;

/// Whether a track has several sample entries to reorder. If one is encrypted, their order is kept.
pub(super) fn has_several(moov: &[u8]) -> bool {
    tracks(moov).iter().any(|track| {
        let entries = track.entries(moov);
        entries.len() > 1 && !entries.iter().any(|(start, _)| matches!(moov.get(start + 4..start + 8), Some(b"encv" | b"enca")))
    })
}

/// Moves the sample entries that a fragment selects to the front.
pub(super) fn put_first(moov: &mut [u8], fragment: &[u8]) {
    for (track_id, index) in selected_entries(fragment) {
        let Some(track) = tracks(moov).into_iter().find(|track| track.id == track_id) else { continue };
        let index = index.or_else(|| default_entry(moov, track_id)).unwrap_or(1) as usize;
        let entries = track.entries(moov);
        let (Some((first, _)), Some((start, end))) = (entries.first(), index.checked_sub(1).and_then(|index| entries.get(index))) else {
            continue;
        };
        if let Some(list) = moov.get_mut(*first..*end) {
            list.rotate_left(start - first);
        }
    }
}

/// Dolby Vision's sample entries that libavformat does not know: name, the configuration box that gives the codec, and the known name.
const KNOWN_NAMES: [(&[u8; 4], &[u8; 4], &[u8; 4]); 2] = [(b"dvh1", b"hvcC", b"hvc1"), (b"dav1", b"av1C", b"av01")];

/// Renames sample entries for whose codec libavformat knows another name.
pub(super) fn rename(moov: &mut [u8]) {
    let entries: Vec<_> = tracks(moov).iter().flat_map(|track| track.entries(moov)).collect();
    for (start, end) in entries {
        let Some(entry) = moov.get_mut(start..end) else { continue };
        let known = KNOWN_NAMES
            .iter()
            .find(|(name, record, _)| entry.get(4..8) == Some(name.as_slice()) && entry.windows(4).any(|four| four == record.as_slice()));
        if let Some((.., name)) = known
            && let Some(field) = entry.get_mut(4..8)
        {
            field.copy_from_slice(name.as_slice());
        }
    }
}

/// A track's ID, and the content of its `stsd` box.
struct Track {
    id: u32,
    descriptions: (usize, usize),
}

impl Track {
    /// The range of each sample entry.
    fn entries(&self, moov: &[u8]) -> Vec<(usize, usize)> {
        // Version and flags, and the count
        let mut start = self.descriptions.0 + 8;
        let mut entries = Vec::new();
        for entry in boxes(moov, start, self.descriptions.1) {
            entries.push((start, entry.end));
            start = entry.end;
        }
        entries
    }
}

fn tracks(moov: &[u8]) -> Vec<Track> {
    let read = |trak: BoxContent| {
        let trak = (trak.start, trak.end);
        let header = child(moov, trak, *b"tkhd")?;
        // Two times of 4 or 8 bytes precede the ID
        let at = if moov.get(header.0) == Some(&1) { 20 } else { 12 };
        let id = u32_at(moov, header.0 + at)?;
        let path = [*b"mdia", *b"minf", *b"stbl", *b"stsd"];
        let descriptions = path.into_iter().try_fold(trak, |parent, name| child(moov, parent, name))?;
        Some(Track { id, descriptions })
    };
    boxes(moov, 8, moov.len()).into_iter().filter(|child| child.name == *b"trak").filter_map(read).collect()
}

/// The track of each track fragment, and the number of the sample entry that it selects.
fn selected_entries(moof: &[u8]) -> Vec<(u32, Option<u32>)> {
    let read = |traf: BoxContent| {
        let (header, _) = child(moof, (traf.start, traf.end), *b"tfhd")?;
        let (flags, track) = (u32_at(moof, header)?, u32_at(moof, header + 4)?);
        let at = header + if flags & BASE_DATA_OFFSET_PRESENT == 0 { 8 } else { 16 };
        let index = if flags & DESCRIPTION_INDEX_PRESENT == 0 { None } else { Some(u32_at(moof, at)?) };
        Some((track, index))
    };
    boxes(moof, 8, moof.len()).into_iter().filter(|child| child.name == *b"traf").filter_map(read).collect()
}

/// `default_sample_description_index` of a track's `trex` box (8.8.3).
fn default_entry(moov: &[u8], track: u32) -> Option<u32> {
    let (start, end) = child(moov, (8, moov.len()), *b"mvex")?;
    let all = boxes(moov, start, end);
    let of_track = all.iter().find(|child| child.name == *b"trex" && u32_at(moov, child.start + 4) == Some(track))?;
    u32_at(moov, of_track.start + 8)
}
