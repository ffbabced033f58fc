//! Writes an AVIF file around an AV1 key frame (AV1 Image File Format 1.1; ISO/IEC 23008-12, HEIF).
//!
//! Crates that write AVIF fix the level in `av1C`, know a part of the color codes, or lack `irot`, `imir` and `pasp`.

use super::geometry::Orientation;
use crate::libav::{Av1KeyFrame, ContentLight, MasteringDisplay};

/// What the file says about the picture besides its coded bytes.
#[derive(Debug, Clone)]
pub struct AvifProperties {
    /// Pixels across and down as coded, before the orientation.
    pub size: (u32, u32),
    /// Width to height of a pixel.
    pub sample_aspect_ratio: (u32, u32),
    /// How the frame becomes upright.
    pub orientation: Orientation,
    /// Primaries, transfer and matrix (ITU-T H.273).
    pub color: [u16; 3],
    /// Whether the samples have the full range.
    pub full_range: bool,
    /// For `clli`.
    pub content_light: Option<ContentLight>,
    /// For `mdcv`.
    pub mastering_display: Option<MasteringDisplay>,
}

/// The identifier of the file's only item.
const ITEM: [u8; 2] = 1_u16.to_be_bytes();
/// Marks a property that readers must understand (`ipma`).
const ESSENTIAL: u8 = 0x80;
/// Largest `seq_level_idx` of the profiles of AVIF (8.2, 8.3): 5.1 for Main, 6.0 for High.
const LARGEST_BASELINE_LEVEL: u8 = 13;
const LARGEST_ADVANCED_LEVEL: u8 = 16;

/// The bytes of the file; `None` beyond 4 GB.
pub fn avif_file(key_frame: &Av1KeyFrame, properties: &AvifProperties) -> Option<Vec<u8>> {
    let size = u32::try_from(key_frame.obus.len()).ok()?;
    let head = |offset: u32| [file_type(key_frame), meta(key_frame, properties, offset, size)].concat();
    let data_offset = head(0).len() + 8;
    Some([head(u32::try_from(data_offset).ok()?), bytes_of_box(*b"mdat", &[&key_frame.obus])].concat())
}

/// `ftyp`, with the profile of AVIF that the picture conforms to.
fn file_type(key_frame: &Av1KeyFrame) -> Vec<u8> {
    let profile: &[u8] = match (key_frame.sequence.profile, key_frame.sequence.level) {
        (0, ..=LARGEST_BASELINE_LEVEL) => b"MA1B",
        (0 | 1, ..=LARGEST_ADVANCED_LEVEL) => b"MA1A",
        _ => b"",
    };
    bytes_of_box(*b"ftyp", &[b"avif", &[0; 4], b"avifmif1miaf", profile])
}

/// `meta` (ISO/IEC 14496-12, 8.11): one item, its location and its properties.
fn meta(key_frame: &Av1KeyFrame, properties: &AvifProperties, offset: u32, size: u32) -> Vec<u8> {
    // pre_defined, handler_type, reserved, name
    let handler = full_box(*b"hdlr", 0, &[&[0; 4], b"pict", &[0; 12], b"\0"]);
    let primary = full_box(*b"pitm", 0, &[&ITEM]);
    // Offset and length of 4 bytes, no base offset; one item in this file with one extent
    let location = full_box(*b"iloc", 0, &[&[0x44, 0], &[0, 1], &ITEM, &[0, 0], &[0, 1], &offset.to_be_bytes(), &size.to_be_bytes()]);
    // item_protection_index, item_type, item_name
    let entry = full_box(*b"infe", 2, &[&ITEM, &[0, 0], b"av01", b"\0"]);
    let information = full_box(*b"iinf", 0, &[&[0, 1], &entry]);
    let (boxes, associations) = property_boxes(key_frame, properties);
    let count = u8::try_from(associations.len()).unwrap_or(0);
    let association = full_box(*b"ipma", 0, &[&[0, 0, 0, 1], &ITEM, &[count], &associations]);
    let item_properties = bytes_of_box(*b"iprp", &[&bytes_of_box(*b"ipco", &[&boxes]), &association]);
    full_box(*b"meta", 0, &[&handler, &primary, &location, &information, &item_properties])
}

/// The properties, and for each its index, marked if it is essential.
fn property_boxes(key_frame: &Av1KeyFrame, properties: &AvifProperties) -> (Vec<u8>, Vec<u8>) {
    let sequence = &key_frame.sequence;
    let (width, height) = properties.size;
    let channels = if sequence.is_monochrome { 1 } else { 3 };
    let numbers = |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>();
    let mut boxes = vec![
        (0, full_box(*b"ispe", 0, &[&width.to_be_bytes(), &height.to_be_bytes()])),
        (0, full_box(*b"pixi", 0, &[&[channels], &vec![sequence.bit_depth; channels.into()]])),
        (ESSENTIAL, bytes_of_box(*b"av1C", &[&sequence.configuration()])),
        (0, bytes_of_box(*b"colr", &[b"nclx", &numbers(&properties.color), &[u8::from(properties.full_range) << 7]])),
    ];
    if let Some(light) = properties.content_light {
        boxes.push((0, bytes_of_box(*b"clli", &[&numbers(&[light.max, light.max_frame_average])])));
    }
    if let Some(display) = properties.mastering_display {
        let luminances = display.luminances.map(u32::to_be_bytes);
        boxes.push((0, bytes_of_box(*b"mdcv", &[&numbers(display.chromaticities.as_flattened()), luminances.as_flattened()])));
    }
    let (across, down) = properties.sample_aspect_ratio;
    if across != down {
        boxes.push((0, bytes_of_box(*b"pasp", &[&across.to_be_bytes(), &down.to_be_bytes()])));
    }
    let (quarters, is_mirrored) = rotation_before_mirroring(properties.orientation);
    if quarters > 0 {
        boxes.push((ESSENTIAL, bytes_of_box(*b"irot", &[&[quarters]])));
    }
    if is_mirrored {
        // Left and right are exchanged (HEIF:2022, 6.5.12)
        boxes.push((ESSENTIAL, bytes_of_box(*b"imir", &[&[1]])));
    }
    let associations = boxes.iter().zip(1_u8..).map(|((mark, _), index)| mark | index).collect();
    (boxes.into_iter().flat_map(|(_, bytes)| bytes).collect(), associations)
}

/// Counterclockwise quarter turns, and whether left and right are swapped after them: the order of HEIF (MIAF, 7.3.6.7). [`Orientation`]
/// swaps them first, which reverses the turn.
fn rotation_before_mirroring(orientation: Orientation) -> (u8, bool) {
    let clockwise = u8::try_from(orientation.rotation / 90 % 4).unwrap_or(0);
    (if orientation.mirrored { clockwise } else { (4 - clockwise) % 4 }, orientation.mirrored)
}

/// A box (ISO/IEC 14496-12, 4.2). Its size is known to fit into 32 bits.
fn bytes_of_box(name: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = u32::try_from(body.len() + 8).unwrap_or(0).to_be_bytes();
    [&size[..], &name, &body].concat()
}

/// A box with a version and no flags.
fn full_box(name: [u8; 4], version: u8, parts: &[&[u8]]) -> Vec<u8> {
    bytes_of_box(name, &[&[version, 0, 0, 0], &parts.concat()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirroring_after_the_rotation_gives_the_same_picture() {
        // Where the top left corner of a picture goes, in clockwise order of corners: 0 is the top left, 1 the top right
        let mirror = |corner: u16| [1, 0, 3, 2][usize::from(corner)];
        let turn = |corner: u16, clockwise: u16| (corner + clockwise) % 4;
        for rotation in [0, 90, 180, 270] {
            for mirrored in [false, true] {
                let (quarters, is_mirrored) = rotation_before_mirroring(Orientation { mirrored, rotation });
                assert_eq!(is_mirrored, mirrored);
                for corner in 0..4 {
                    let expected = turn(if mirrored { mirror(corner) } else { corner }, rotation / 90);
                    let turned = turn(corner, 4 - u16::from(quarters));
                    assert_eq!(if mirrored { mirror(turned) } else { turned }, expected, "{rotation} {mirrored} {corner}");
                }
            }
        }
    }
}
