//! Baseline JPEG by libavcodec's mjpeg encoder, which takes YCbCr planes as they are.

use std::{ffi::c_void, ptr};

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use crate::{
    error::{Error, ErrorKind},
    libav::{check, failure, limit_allocations, no_memory},
    render::planes::{Chroma, Plane, Planes},
};

/// Quantization tables of ITU-T T.81, annex K.1, row by row. libjpeg scales them by its quality.
const LUMA: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62, 18, 22,
    37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
const CHROMA: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// The encoder multiplies its tables by `qscale / 8`; this value leaves them as they are.
const QSCALE: i32 = 8;

/// Encodes a JPEG file. `quality` is 1 to 100 on libjpeg's scale. The quantization step of the DC coefficient is 8, 4, 2 or 1, the next
/// below libjpeg's. The system's libavcodec always uses 8, and rounds an eighth lower than to the nearest (`vendor/changes` fixes both).
pub fn encode(planes: Planes, quality: u8) -> Result<Vec<u8>, Error> {
    let (width, height) = planes.size();
    let chroma = planes.chroma();
    let encoder = Encoder::new(width, height, chroma, quality)?;
    let frame = wrap_planes(planes)?;
    let mut packet = ff::Packet::empty();
    // SAFETY: the encoder is open, the frame has its size and format, and the packet is blank.
    let coded = unsafe {
        match check(ffi::avcodec_send_frame(encoder.0, frame.as_ptr())) {
            Ok(_) => check(ffi::avcodec_receive_packet(encoder.0, ff::packet::Mut::as_mut_ptr(&mut packet))),
            failed => failed,
        }
    };
    coded.map_err(|e| failure("the JPEG cannot be encoded", e))?;
    packet.data().map(<[u8]>::to_vec).ok_or_else(|| Error::internal("the JPEG encoder returned no packet"))
}

struct Encoder(*mut ffi::AVCodecContext);

impl Encoder {
    fn new(width: u32, height: u32, chroma: Chroma, quality: u8) -> Result<Self, Error> {
        let int = |pixels: u32| i32::try_from(pixels).map_err(|_| Error::new(ErrorKind::TooLarge, "the picture is too large for JPEG"));
        let (width, height) = (int(width)?, int(height)?);
        limit_allocations();
        // SAFETY: `Drop` frees the context once it is allocated; its fields are set before `avcodec_open2`. The tables are 64 entries
        // from `av_malloc`, which the context frees (avcodec.h: set by the user for encoding).
        unsafe {
            let codec = ffi::avcodec_find_encoder(ffi::AVCodecID::AV_CODEC_ID_MJPEG);
            if codec.is_null() {
                return Err(Error::new(ErrorKind::Unsupported, "this build has no JPEG encoder").with_hint("ask for --format png"));
            }
            let context = ffi::avcodec_alloc_context3(codec);
            if context.is_null() {
                return Err(no_memory());
            }
            let encoder = Self(context);
            (*context).width = width;
            (*context).height = height;
            (*context).pix_fmt = match chroma {
                Chroma::Half => ffi::AVPixelFormat::AV_PIX_FMT_YUVJ420P,
                Chroma::Full => ffi::AVPixelFormat::AV_PIX_FMT_YUVJ444P,
            };
            (*context).color_range = ffi::AVColorRange::AVCOL_RANGE_JPEG;
            (*context).time_base = ffi::AVRational { num: 1, den: 25 };
            (*context).sample_aspect_ratio = ffi::AVRational { num: 1, den: 1 };
            (*context).thread_count = 1;
            // Without BITEXACT the encoder writes its version into every file
            (*context).flags |= (ffi::AV_CODEC_FLAG_QSCALE | ffi::AV_CODEC_FLAG_BITEXACT).cast_signed();
            (*context).global_quality = QSCALE * ffi::FF_QP2LAMBDA;
            (*context).intra_matrix = allocate_table(&LUMA, quality)?;
            (*context).chroma_intra_matrix = allocate_table(&CHROMA, quality)?;
            check(ffi::avcodec_open2(context, codec, ptr::null_mut())).map_err(|e| failure("the JPEG encoder cannot be opened", e))?;
            Ok(encoder)
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: allocated by `avcodec_alloc_context3`, freed once.
        unsafe { ffi::avcodec_free_context(&raw mut self.0) };
    }
}

/// A table scaled as by libjpeg's `jpeg_set_quality`.
fn scale_table(base: &[u16; 64], quality: u8) -> [u16; 64] {
    let quality = u32::from(quality.clamp(1, 100));
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    base.map(|step| u16::try_from(((u32::from(step) * percent + 50) / 100).clamp(1, 255)).unwrap_or(255))
}

/// A scaled table in memory that libavcodec may free.
fn allocate_table(base: &[u16; 64], quality: u8) -> Result<*mut u16, Error> {
    // SAFETY: `av_malloc` gives null or that many bytes, aligned for any type; all 64 entries are written before use.
    unsafe {
        let memory = ffi::av_malloc(size_of::<[u16; 64]>()).cast::<u16>();
        if memory.is_null() {
            return Err(no_memory());
        }
        ptr::copy_nonoverlapping(scale_table(base, quality).as_ptr(), memory, 64);
        Ok(memory)
    }
}

/// A frame that owns the planes, without copying them.
fn wrap_planes(planes: Planes) -> Result<ff::frame::Video, Error> {
    let (width, height) = planes.size();
    let format = match planes.chroma() {
        Chroma::Half => ff::format::Pixel::YUVJ420P,
        Chroma::Full => ff::format::Pixel::YUVJ444P,
    };
    let mut video = ff::frame::Video::empty();
    video.set_format(format);
    video.set_width(width);
    video.set_height(height);
    let Planes { y, cb, cr, .. } = planes;
    for (index, plane) in [y, cb, cr].into_iter().enumerate() {
        let Plane { width, bytes, .. } = plane;
        let length = bytes.len();
        let owner = Box::into_raw(Box::new(bytes));
        // SAFETY: `owner` keeps the bytes alive and in place until libavutil calls `free_bytes` with it, after the last reference is gone;
        // if no buffer could be allocated, it is freed here.
        unsafe {
            let data = (*owner).as_mut_ptr();
            let buffer = ffi::av_buffer_create(data, length as _, Some(free_bytes), owner.cast::<c_void>(), 0);
            if buffer.is_null() {
                drop(Box::from_raw(owner));
                return Err(no_memory());
            }
            let frame = video.as_mut_ptr();
            if let (Some(slot), Some(start), Some(stride)) =
                ((*frame).buf.get_mut(index), (*frame).data.get_mut(index), (*frame).linesize.get_mut(index))
            {
                (*slot, *start, *stride) = (buffer, data, i32::try_from(width).unwrap_or(0));
            }
        }
    }
    // SAFETY: sets plain fields of a frame of our own. With AV_CODEC_FLAG_QSCALE the encoder reads the frame's quality.
    unsafe {
        (*video.as_mut_ptr()).quality = QSCALE * ffi::FF_QP2LAMBDA;
        (*video.as_mut_ptr()).color_range = ffi::AVColorRange::AVCOL_RANGE_JPEG;
        (*video.as_mut_ptr()).pts = 0;
    }
    Ok(video)
}

unsafe extern "C" fn free_bytes(owner: *mut c_void, _data: *mut u8) {
    // SAFETY: called once, with the pointer that `wrap_planes` made of a `Box<Vec<u8>>`.
    drop(unsafe { Box::from_raw(owner.cast::<Vec<u8>>()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "vendored")]
    use crate::render::ffi::VideoFrame;

    #[test]
    fn quantization_tables_equal_those_of_libjpeg() {
        // The first row of luminance at 85 and at 10, as cjpeg writes them
        assert_eq!(scale_table(&LUMA, 85)[..8], [5, 3, 3, 5, 7, 12, 15, 18]);
        assert_eq!(scale_table(&LUMA, 10)[..4], [80, 55, 50, 80]);
        assert_eq!(scale_table(&CHROMA, 100), [1; 64]);
    }

    /// Noise of four sizes, about as hard to encode as a frame of a film.
    #[cfg(feature = "vendored")]
    fn noise() -> image::RgbImage {
        let lattice = |x: u32, y: u32, kind: u32| {
            let mixed =
                x.wrapping_mul(374_761_393).wrapping_add(y.wrapping_mul(668_265_263)).wrapping_add(kind.wrapping_mul(2_246_822_519));
            ((mixed ^ (mixed >> 13)).wrapping_mul(1_274_126_177) >> 16) & 255
        };
        let at = |x: u32, y: u32, size: u32, kind: u32| {
            let (column, row, right, below) = (x / size, y / size, x % size, y % size);
            let line = |row| lattice(column, row, kind) * (size - right) + lattice(column + 1, row, kind) * right;
            (line(row) * (size - below) + line(row + 1) * below) / (size * size)
        };
        image::RgbImage::from_fn(480, 270, |x, y| {
            let shared = at(x, y, 16, 9) * 5 + at(x, y, 4, 8) * 2 + at(x, y, 2, 7);
            image::Rgb([1, 2, 3].map(|kind| u8::try_from((at(x, y, 64, kind) * 8 + shared) / 16).expect("8 bits")))
        })
    }

    /// Results of libjpeg-turbo 3.1 for that picture with optimized tables: quality, bytes and luma's PSNR in dB in 4:2:0, bytes in 4:4:4.
    #[cfg(feature = "vendored")]
    const LIBJPEG: [(u8, usize, f64, usize); 4] =
        [(50, 11_008, 39.18, 12_755), (75, 16_994, 41.50, 19_900), (85, 22_825, 43.11, 26_771), (95, 40_068, 46.18, 45_804)];

    #[test]
    #[cfg(feature = "vendored")]
    fn size_and_fidelity_at_a_quality_are_near_those_of_libjpeg() {
        let image = noise();
        for (quality, half, fidelity, full) in LIBJPEG {
            for (chroma, bytes) in [(Chroma::Half, half), (Chroma::Full, full)] {
                let planes = crate::render::jfif::from_rgb(&image, chroma);
                let file = encode(planes.clone(), quality).expect("a JPEG");
                // libjpeg's own step for DC is 16 at 50
                let most = if quality == 50 { 8 } else { 3 };
                assert!(file.len().abs_diff(bytes) * 100 <= bytes * most, "{quality} {chroma:?}: {} bytes, not {bytes}", file.len());
                let frame = crate::libav::decode_jpeg(&file, 1 << 20).expect("a JPEG");
                let decoded = VideoFrame::from(frame).plane(0).expect("luma").to_plane();
                let squares = |(one, other): (&u8, &u8)| f64::from(one.abs_diff(*other)).powi(2);
                let error: f64 = planes.y.bytes.iter().zip(&decoded.bytes).map(squares).sum::<f64>() / (480.0 * 270.0);
                let actual = 10.0 * (255.0_f64.powi(2) / error).log10();
                assert!(actual > fidelity - 0.3 && actual < fidelity * 1.05, "{quality} {chroma:?}: {actual} dB, not {fidelity}");
            }
        }
    }

    #[test]
    fn planes_of_any_size_become_a_jpeg_file() {
        for chroma in [Chroma::Half, Chroma::Full] {
            for (width, height) in [(640, 360), (17, 3), (1, 1)] {
                let file = encode(Planes::filled(width, height, chroma, [90, 100, 150]), 85).expect("a JPEG");
                assert!(file.starts_with(&[0xff, 0xd8, 0xff, 0xe0]) && file.ends_with(&[0xff, 0xd9]), "{width}x{height}");
            }
        }
    }
}
