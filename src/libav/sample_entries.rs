//! Sample entries of a movie header, brought into what libavformat takes: it decodes all fragments by the first one, whichever they name, and does
//! not know all names.
//!
//! A track may have several (`stsd`, ISO/IEC 14496-12, 8.5.2), and each fragment names one of them by `sample_description_index` (8.8.7).

use super::fragment_stream::{boxes, u32_at};

const DESCRIPTION_INDEX_PRESENT: u32 = 0x00_00_02;
const BASE_DATA_OFFSET_PRESENT: u32 = 0x00_00_01;

/// Whether a track of this movie header has several sample entries, none of which is encrypted: those differ in more than their order.
pub(super) fn has_several(moov: &[u8]) -> bool {
    tracks(moov).iter().any(|track| {
        let entries = track.entries(moov);
        entries.len() > 1 && !entries.iter().any(|(start, _)| matches!(moov.get(start + 4..start + 8), Some(b"encv" | b"enca")))
    })
}

/// Puts the sample entries first that a fragment names.
pub(super) fn put_first(moov: &mut [u8], fragment: &[u8]) {
    for (track_id, index) in named_entries(fragment) {
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

/// Names of Dolby Vision's sample entries that libavformat does not know, each with the box that tells the codec, and the name that it knows.
const NAMES: [(&[u8; 4], &[u8; 4], &[u8; 4]); 2] = [(b"dvh1", b"hvcC", b"hvc1"), (b"dav1", b"av1C", b"av01")];

/// Renames sample entries whose codec has a name that libavformat knows.
pub(super) fn rename(moov: &mut [u8]) {
    let entries: Vec<_> = tracks(moov).iter().flat_map(|track| track.entries(moov)).collect();
    for (start, end) in entries {
        let Some(entry) = moov.get_mut(start..end) else { continue };
        let known = NAMES
            .iter()
            .find(|(name, record, _)| entry.get(4..8) == Some(name.as_slice()) && entry.windows(4).any(|four| four == record.as_slice()));
        if let Some((.., name)) = known
            && let Some(place) = entry.get_mut(4..8)
        {
            place.copy_from_slice(name.as_slice());
        }
    }
}

/// A track: its number, and where its list of sample entries lies.
struct Track {
    id: u32,
    list: (usize, usize),
}

impl Track {
    /// Where each sample entry starts and ends.
    fn entries(&self, moov: &[u8]) -> Vec<(usize, usize)> {
        // Version and flags, and the count
        let mut start = self.list.0 + 8;
        let mut found = Vec::new();
        for (_, _, end) in boxes(moov, start, self.list.1) {
            found.push((start, end));
            start = end;
        }
        found
    }
}

fn child(bytes: &[u8], (start, end): (usize, usize), name: [u8; 4]) -> Option<(usize, usize)> {
    boxes(bytes, start, end).into_iter().find(|(_, other, _)| *other == name).map(|(start, _, end)| (start, end))
}

fn tracks(moov: &[u8]) -> Vec<Track> {
    let all = boxes(moov, 8, moov.len());
    let traks = all.iter().filter(|(_, name, _)| name == b"trak").map(|(start, _, end)| (*start, *end));
    let read = |trak: (usize, usize)| {
        let header = child(moov, trak, *b"tkhd")?;
        // Two times of 4 or 8 bytes stand before the number
        let at = if moov.get(header.0) == Some(&1) { 20 } else { 12 };
        let id = u32_at(moov, header.0 + at)?;
        let path = [*b"mdia", *b"minf", *b"stbl", *b"stsd"];
        let list = path.into_iter().try_fold(trak, |place, name| child(moov, place, name))?;
        Some(Track { id, list })
    };
    traks.filter_map(read).collect()
}

/// The track of each fragment, and the entry that it names.
fn named_entries(moof: &[u8]) -> Vec<(u32, Option<u32>)> {
    let trafs = boxes(moof, 8, moof.len()).into_iter().filter(|(_, name, _)| name == b"traf");
    let read = |(start, _, end): (usize, [u8; 4], usize)| {
        let (header, _) = child(moof, (start, end), *b"tfhd")?;
        let (flags, track) = (u32_at(moof, header)?, u32_at(moof, header + 4)?);
        let at = header + if flags & BASE_DATA_OFFSET_PRESENT == 0 { 8 } else { 16 };
        let index = if flags & DESCRIPTION_INDEX_PRESENT == 0 { None } else { Some(u32_at(moof, at)?) };
        Some((track, index))
    };
    trafs.filter_map(read).collect()
}

/// What `trex` says of a track (8.8.3).
fn default_entry(moov: &[u8], track: u32) -> Option<u32> {
    let (start, end) = child(moov, (8, moov.len()), *b"mvex")?;
    let all = boxes(moov, start, end);
    let of_track = all.iter().find(|(start, name, _)| name == b"trex" && u32_at(moov, start + 4) == Some(track))?;
    u32_at(moov, of_track.0 + 8)
}
