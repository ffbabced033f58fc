//! Progressive JPEG, by the `jpeg-encoder` crate: libavcodec only encodes baseline.

use jpeg_encoder::{Encoder, EncodingError, ImageBuffer, JpegColorType, SamplingFactor};

use super::planes::{Chroma, Plane, Planes};
use crate::error::{Error, ErrorKind};

/// Encodes a progressive JPEG file. `quality` is 1 to 100 on libjpeg's scale.
pub fn encode(planes: &Planes, quality: u8) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
    encoder.set_progressive(true);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_sampling_factor(match planes.chroma() {
        Chroma::Half => SamplingFactor::R_4_2_0,
        Chroma::Full => SamplingFactor::R_4_4_4,
    });
    let done: Result<(), EncodingError> = encoder.encode_image(Rows(planes));
    done.map_err(|e| Error::new(ErrorKind::Internal, "the JPEG cannot be encoded").with_source(e))?;
    Ok(bytes)
}

/// Planes as the encoder reads them: rows of pixels with chroma of full size. It averages chroma again when it subsamples; the repeated
/// samples have the original value as their mean.
struct Rows<'a>(&'a Planes);

impl ImageBuffer for Rows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        u16::try_from(self.0.size().0).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(self.0.size().1).unwrap_or(u16::MAX)
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (across, down) = self.0.chroma().shift();
        let [luma, cb, cr, _] = buffers;
        let row = usize::from(y);
        luma.extend_from_slice(self.0.y.row(row).unwrap_or_default());
        let repeat = |plane: &Plane, to: &mut Vec<u8>| {
            let samples = plane.row(row >> down).unwrap_or_default();
            to.extend(samples.iter().flat_map(|sample| std::iter::repeat_n(*sample, 1 << across)).take(self.0.y.width));
        };
        repeat(&self.0.cb, cb);
        repeat(&self.0.cr, cr);
    }
}
