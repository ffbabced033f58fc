//! Joins fields that are coded as separate pictures (H.265, `field_seq_flag`) to frames.

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{error::no_memory, frame::Frame};
use crate::error::Error;

/// Which lines of a frame a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parity {
    Top,
    Bottom,
}

/// The parity of a decoded frame that is a single field. The HEVC decoder flags frames as interlaced only if the picture timing SEI declares
/// single fields (`hevc_frame_start`); the field order flag then gives the parity.
pub(super) fn parity(frame: &Frame) -> Option<Parity> {
    let is_field = frame.codec == "hevc" && frame.is_interlaced();
    is_field.then(|| if frame.video().is_top_first() { Parity::Top } else { Parity::Bottom })
}

/// Joins pairs of fields in presentation order; frames pass through.
#[derive(Default)]
pub(super) struct FieldJoiner {
    first: Option<IndexedFrame>,
}

/// A frame, and the indices of the access units of its first and its last field.
type IndexedFrame = (Frame, usize, usize);

impl FieldJoiner {
    /// Adds the next frame and passes complete frames to `each`. The lines of a field without a clean partner are doubled.
    pub fn push(&mut self, next: IndexedFrame, mut each: impl FnMut(Frame, usize, usize)) -> Result<(), Error> {
        match (self.first.take(), parity(&next.0)) {
            (None, None) => each(next.0, next.1, next.2),
            (None, Some(_)) => self.first = Some(next),
            (Some(first), Some(_)) if are_a_pair(&first.0, &next.0) => {
                let frame = join_fields(first.0, Some(&next.0))?;
                each(frame, first.1, next.2);
            }
            (Some(first), _) => {
                each(join_fields(first.0, None)?, first.1, first.2);
                return self.push(next, each);
            }
        }
        Ok(())
    }

    /// Passes a last field without a partner to `each`.
    pub fn finish(self, mut each: impl FnMut(Frame, usize, usize)) -> Result<(), Error> {
        if let Some((frame, first, last)) = self.first {
            each(join_fields(frame, None)?, first, last);
        }
        Ok(())
    }
}

fn are_a_pair(first: &Frame, second: &Frame) -> bool {
    let form = |frame: &Frame| (frame.video().format(), frame.video().width(), frame.video().height());
    // A key field begins a frame: the field before it may depend on pictures that were not decoded
    let begins_frame = second.is_key() && !first.is_key();
    parity(first) != parity(second) && form(first) == form(second) && second.is_clean() && !begins_frame
}

/// Joins two fields, or doubles the lines of one. Fields carry the sample aspect ratio of the frame already (H.265, E.3.1).
fn join_fields(first: Frame, second: Option<&Frame>) -> Result<Frame, Error> {
    let other = second.unwrap_or(&first);
    let (top, bottom) = if parity(&first) == Some(Parity::Top) { (&first, other) } else { (other, &first) };
    let (width, height) = (first.video().width(), first.video().height());
    // Fields with an odd number of lines round their chroma up twice
    let mut video = ff::frame::Video::new(first.video().format(), width, (height * 2).next_multiple_of(4));
    // SAFETY: the frame is our own, with buffers for at least twice the lines of a field in every plane, which was checked. Each field is
    // copied to every second line of it, the bottom one from the second line on. The properties, with the flags for interlaced frames and
    // their first field, are those of the first field; without memory for its side data, that is lost, which is harmless.
    unsafe {
        let frame = video.as_mut_ptr();
        if (*frame).buf.first().is_none_or(|buffer| buffer.is_null()) {
            return Err(no_memory());
        }
        ffi::av_frame_copy_props(frame, first.video().as_ptr());
        (*frame).height = i32::try_from(height * 2).unwrap_or(0);
        for (field, offset) in [(top, 0), (bottom, 1)] {
            let (mut data, mut strides) = ([std::ptr::null_mut(); 4], [0; 4]);
            let planes = data.iter_mut().zip(&mut strides).zip((*frame).data.iter().zip(&(*frame).linesize));
            for ((data, stride), (from, step)) in planes {
                if !from.is_null() {
                    (*data, *stride) = (from.offset(offset * *step as isize), *step * 2);
                }
            }
            let source = field.video().as_ptr();
            // FFmpeg 5.1 declares these pointers without `const`
            let (planes, steps) = ((*source).data.as_ptr().cast::<*const u8>().cast_mut(), (*source).linesize.as_ptr());
            ffi::av_image_copy(
                data.as_mut_ptr(),
                strides.as_mut_ptr(),
                planes,
                steps,
                field.video().format().into(),
                (*source).width,
                (*source).height,
            );
        }
    }
    Ok(first.with_video(video))
}

#[cfg(all(test, feature = "vendored"))]
mod tests {
    use super::*;

    const TOP: i32 = ffi::AV_FRAME_FLAG_TOP_FIELD_FIRST;
    const KEY: i32 = ffi::AV_FRAME_FLAG_KEY;

    /// A field of 6x3 pixels of one value.
    fn field(flags: i32, value: u8) -> Frame {
        let mut video = ff::frame::Video::new(ff::format::Pixel::YUV420P, 6, 3);
        for plane in 0..3 {
            video.data_mut(plane).fill(value);
        }
        // SAFETY: sets the flags of a frame of our own.
        unsafe { (*video.as_mut_ptr()).flags |= ffi::AV_FRAME_FLAG_INTERLACED | flags };
        Frame::of_still(video, "hevc")
    }

    /// The first column of luma and of Cb, and the index of the first field, of each joined frame.
    fn joined(fields: &[(i32, u8)]) -> Vec<(Vec<u8>, Vec<u8>, usize)> {
        let mut frames = Vec::new();
        let mut each = |frame: Frame, first: usize, _: usize| {
            let video = frame.video();
            assert_eq!((video.width(), video.height(), frame.size().1), (6, 6, 6));
            let column = |plane: usize, lines: usize| {
                video.data(plane).chunks(video.stride(plane)).take(lines).filter_map(|row| row.first().copied()).collect()
            };
            frames.push((column(0, 6), column(1, 3), first));
        };
        let mut joiner = FieldJoiner::default();
        for (index, (flags, value)) in fields.iter().enumerate() {
            joiner.push((field(*flags, *value), index, index), &mut each).expect("joined");
        }
        joiner.finish(&mut each).expect("joined");
        frames
    }

    #[test]
    fn two_fields_make_one_frame_in_either_order() {
        let lines = (vec![10, 20, 10, 20, 10, 20], vec![10, 20, 10], 0);
        assert_eq!(joined(&[(TOP, 10), (0, 20)]), std::slice::from_ref(&lines));
        assert_eq!(joined(&[(0, 20), (TOP, 10)]), [lines]);
    }

    #[test]
    fn a_field_without_a_partner_is_doubled() {
        let doubled = |value: u8, first: usize| (vec![value; 6], vec![value; 3], first);
        assert_eq!(joined(&[(TOP, 10)]), [doubled(10, 0)]);
        assert_eq!(joined(&[(TOP, 10), (TOP, 20)]), [doubled(10, 0), doubled(20, 1)]);
    }

    #[test]
    fn a_key_field_begins_a_frame() {
        let frames = joined(&[(0, 5), (TOP | KEY, 10), (0, 20)]);
        assert_eq!(frames.iter().map(|frame| frame.2).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(frames[1].0, [10, 20, 10, 20, 10, 20]);
    }
}
