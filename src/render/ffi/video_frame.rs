//! Frames whose planes can be read and written (`AVFrame`).

use std::slice;

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::pixel_layout::PixelLayout;
use crate::{
    error::Error,
    libav::{FieldOrder, Frame, PixelFormat, check, failure, no_memory},
    render::{
        geometry::Rect,
        planes::{PlaneView, PlaneViewMut, Sample},
    },
};

/// A frame of samples in reference-counted buffers.
pub struct VideoFrame(ff::frame::Video);

impl From<Frame> for VideoFrame {
    fn from(frame: Frame) -> Self {
        Self(frame.into_video())
    }
}

impl VideoFrame {
    /// A frame whose samples are not set yet.
    pub fn allocate(format: PixelFormat, (width, height): (u32, u32)) -> Result<Self, Error> {
        let video = ff::frame::Video::new(format, width, height);
        // SAFETY: reads a field of a valid frame.
        let is_missing = unsafe { (*video.as_ptr()).buf.first().is_none_or(|buffer| buffer.is_null()) };
        if is_missing { Err(no_memory()) } else { Ok(Self(video)) }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.0.width(), self.0.height())
    }

    /// libavutil's pixel format.
    pub fn format(&self) -> PixelFormat {
        self.0.format()
    }

    pub(super) fn as_ptr(&self) -> *const ffi::AVFrame {
        // SAFETY: the pointer is only handed on; `self` keeps it valid.
        unsafe { self.0.as_ptr() }
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut ffi::AVFrame {
        // SAFETY: as above.
        unsafe { self.0.as_mut_ptr() }
    }

    /// The bytes of a plane.
    pub fn plane(&self, index: usize) -> Result<PlaneView<'_>, Error> {
        // SAFETY: computes a number from the format.
        let bytes = unsafe {
            let index = i32::try_from(index).unwrap_or(i32::MAX);
            ffi::av_image_get_linesize(self.format().into(), self.0.width().cast_signed(), index)
        };
        let missing = || Error::internal("the frame lacks a plane");
        self.view(index, usize::try_from(bytes).map_err(|_| missing())?).ok_or_else(missing)
    }

    /// The samples of a plane of a format with `PixelLayout::is_plain_yuv`.
    pub fn samples<T: Sample>(&self, index: usize) -> Option<PlaneView<'_, T>> {
        self.view(index, self.samples_across(index))
    }

    /// The samples of a plane, as [`Self::samples`]; copies the frame first if its buffers are shared.
    pub fn samples_mut<T: Sample>(&mut self, index: usize) -> Result<Option<PlaneViewMut<'_, T>>, Error> {
        // SAFETY: the frame is valid; after the call no other reference to its buffers exists.
        check(unsafe { ffi::av_frame_make_writable(self.as_mut_ptr()) }).map_err(|e| failure("the frame cannot be copied", e))?;
        let width = self.samples_across(index);
        let Some(PlaneSpan { start, stride, height }) = self.span::<T>(index, width) else { return Ok(None) };
        // SAFETY: the span lies in the frame's buffer (see `span`), which nobody else refers to while `self` is borrowed.
        let samples = unsafe { slice::from_raw_parts_mut(start.cast_mut(), stride * (height - 1) + width) };
        Ok(Some(PlaneViewMut { samples, stride, width, height }))
    }

    fn view<T: Sample>(&self, index: usize, width: usize) -> Option<PlaneView<'_, T>> {
        let PlaneSpan { start, stride, height } = self.span::<T>(index, width)?;
        // SAFETY: the span lies in the frame's buffer (see `span`), which lives as long as `self` and is not written meanwhile.
        let samples = unsafe { slice::from_raw_parts(start, stride * (height - 1) + width) };
        Some(PlaneView { samples, stride, width, height })
    }

    fn samples_across(&self, index: usize) -> usize {
        (self.0.width() as usize).div_ceil(1 << PixelLayout::of(self.format()).plane_shift(index).0)
    }

    /// A plane with `width` samples in each row. libavcodec's and libavutil's frames hold as many rows of at least that many samples as
    /// format and size say, `linesize` bytes apart (frame.h). Rows from the bottom up (a negative `linesize`), which no decoder here makes,
    /// and rows that are not aligned for `T` are refused.
    fn span<T: Sample>(&self, index: usize, width: usize) -> Option<PlaneSpan<T>> {
        let height = (self.0.height() as usize).div_ceil(1 << PixelLayout::of(self.format()).plane_shift(index).1);
        // SAFETY: reads fields of a valid frame.
        let (data, stride) = unsafe { ((*self.as_ptr()).data.get(index).copied()?, *(*self.as_ptr()).linesize.get(index)?) };
        let (start, stride) = (data.cast::<T>().cast_const(), usize::try_from(stride).ok()?);
        let is_usable = !start.is_null() && start.is_aligned() && stride.is_multiple_of(size_of::<T>());
        let stride = stride / size_of::<T>();
        (is_usable && width > 0 && height > 0 && stride >= width).then_some(PlaneSpan { start, stride, height })
    }

    /// A second reference to the same samples, cropped. `rect` must lie within the frame.
    pub(super) fn cropped(&self, rect: Rect) -> Result<Self, Error> {
        let mut other = ff::frame::Video::empty();
        // SAFETY: `other` is blank, and `self` holds reference-counted buffers, as every decoder's frame does.
        check(unsafe { ffi::av_frame_ref(other.as_mut_ptr(), self.as_ptr()) }).map_err(|e| failure("a frame cannot be referenced", e))?;
        let right = self.0.width().saturating_sub(rect.x).saturating_sub(rect.width);
        let bottom = self.0.height().saturating_sub(rect.y).saturating_sub(rect.height);
        // SAFETY: `other` is a reference of our own, so its fields may be changed; the call checks that the crop lies inside.
        let done = unsafe {
            let frame = other.as_mut_ptr();
            (*frame).crop_left = rect.x as usize;
            (*frame).crop_top = rect.y as usize;
            (*frame).crop_right = right as usize;
            (*frame).crop_bottom = bottom as usize;
            ffi::av_frame_apply_cropping(frame, ffi::AV_FRAME_CROP_UNALIGNED as i32)
        };
        check(done).map_err(|e| failure("the frame cannot be cropped", e))?;
        Ok(Self(other))
    }

    /// Keeps every second line: those of the earlier field. Drops the field's last lines of luma if it has no line of chroma for them: with an
    /// odd number of chroma rows, the bottom field has one less than the top field.
    pub fn keep_earlier_field(&mut self, order: FieldOrder) {
        let (layout, height) = (PixelLayout::of(self.format()), self.0.height() as usize);
        let skipped = usize::from(order == FieldOrder::BottomFirst);
        let lines_with = |plane| {
            let shift = layout.plane_shift(plane).1;
            height.div_ceil(1 << shift).saturating_sub(skipped).div_ceil(2) << shift
        };
        let lines = (0..layout.components).map(lines_with).fold(height / 2, usize::min);
        // SAFETY: this reference to the buffers is our own, so its fields may be changed. Each plane has the rows of the field that `lines`
        // lines need, by the computation above.
        unsafe {
            let frame = self.as_mut_ptr();
            for (data, stride) in (*frame).data.iter_mut().zip(&mut (*frame).linesize) {
                if !data.is_null() {
                    if order == FieldOrder::BottomFirst {
                        *data = data.offset(*stride as isize);
                    }
                    *stride *= 2;
                }
            }
            (*frame).height = i32::try_from(lines).unwrap_or(0);
        }
    }
}

struct PlaneSpan<T> {
    start: *const T,
    /// Samples from the start of a row to that of the next.
    stride: usize,
    height: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_only_rows_of_its_frame() {
        for (height, order, lines) in [
            (480, FieldOrder::TopFirst, 240),
            (480, FieldOrder::BottomFirst, 240),
            (485, FieldOrder::TopFirst, 242),
            (485, FieldOrder::BottomFirst, 242),
            (486, FieldOrder::TopFirst, 243),
            (486, FieldOrder::BottomFirst, 242),
        ] {
            let mut video = VideoFrame::allocate(PixelFormat::YUV420P, (16, height)).expect("a frame");
            for index in 0..3 {
                let plane = video.samples_mut::<u8>(index).expect("writable").expect("a plane");
                for (row, samples) in (0..=255).cycle().zip(plane.samples.chunks_mut(plane.stride)) {
                    samples.fill(row);
                }
            }
            let rows = [0, 1, 2].map(|index| video.plane(index).expect("a plane").height);
            video.keep_earlier_field(order);
            assert_eq!(video.size().1, lines, "{height} {order:?}");
            let first = usize::from(order == FieldOrder::BottomFirst);
            for (index, rows) in rows.into_iter().enumerate() {
                let plane = video.plane(index).expect("a plane");
                let last = first + 2 * (plane.height - 1);
                assert!(last < rows, "{height} {order:?}: row {last} of {rows}");
                let sample = plane.row(plane.height - 1).and_then(|row| row.first().copied());
                assert_eq!(sample.map(usize::from), Some(last % 256), "{height} {order:?}");
            }
        }
    }
}
