//! Static HDR metadata of a frame: the light level of the content, and the mastering display.

use ff::frame::side_data::Type;
use ffmpeg_next as ff;

/// Light levels of the program (CTA-861.3), in cd/m².
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentLight {
    /// MaxCLL: the brightest pixel.
    pub max: u16,
    /// MaxFALL: the brightest mean of a frame.
    pub max_frame_average: u16,
}

impl ContentLight {
    pub(super) fn of(video: &ff::frame::Video) -> Option<Self> {
        let side = video.side_data(Type::ContentLightLevel)?;
        // AVContentLightMetadata: MaxCLL and MaxFALL
        let level = |index| u16::try_from(word(side.data(), index)?).ok();
        Some(Self { max: level(0)?, max_frame_average: level(1)? })
    }
}

/// The display that a program was graded on (SMPTE ST 2086).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MasteringDisplay {
    /// x and y of green, blue, red and white, in steps of 0.00002.
    pub chromaticities: [[u16; 2]; 4],
    /// The largest and the smallest luminance, in steps of 0.0001 cd/m².
    pub luminances: [u32; 2],
}

impl MasteringDisplay {
    pub(super) fn of(video: &ff::frame::Video) -> Option<Self> {
        let side = video.side_data(Type::MasteringDisplayMetadata)?;
        Self::parse(side.data())
    }

    /// AVMasteringDisplayMetadata: ten fractions (x and y of red, green, blue and white, smallest and largest luminance), and whether
    /// primaries and luminances are set.
    fn parse(data: &[u8]) -> Option<Self> {
        if word(data, 20)? == 0 || word(data, 21)? == 0 {
            return None;
        }
        let fraction = |index: usize, steps: u64| {
            let (numerator, denominator) = (u64::from(word(data, 2 * index)?), u64::from(word(data, 2 * index + 1)?));
            u32::try_from((numerator * steps + denominator / 2).checked_div(denominator)?).ok()
        };
        let point = |index: usize| {
            let part = |index| u16::try_from(fraction(index, 50_000)?).ok();
            Some([part(2 * index)?, part(2 * index + 1)?])
        };
        Some(Self {
            chromaticities: [point(1)?, point(2)?, point(0)?, point(3)?],
            luminances: [fraction(9, 10_000)?, fraction(8, 10_000)?],
        })
    }
}

/// A number of 32 bits.
fn word(data: &[u8], index: usize) -> Option<u32> {
    data.as_chunks::<4>().0.get(index).map(|bytes| u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mastering_display_is_in_the_order_and_the_steps_of_st_2086() {
        // P3 with D65, 0.005 to 1000 cd/m²
        let fractions = [34_000, 16_000, 13_250, 34_500, 7_500, 3_000, 15_635, 16_450].map(|value| [value, 50_000]);
        let luminances = [[50, 10_000], [10_000_000, 10_000]];
        let words: Vec<u32> = fractions.into_iter().chain(luminances).flatten().chain([1, 1]).collect();
        let bytes = |words: &[u32]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<_>>();
        let expected = MasteringDisplay {
            chromaticities: [[13_250, 34_500], [7_500, 3_000], [34_000, 16_000], [15_635, 16_450]],
            luminances: [10_000_000, 50],
        };
        assert_eq!(MasteringDisplay::parse(&bytes(&words)), Some(expected));
        assert_eq!(MasteringDisplay::parse(&bytes(&words[..21])), None);
        let unset: Vec<u32> = words[..20].iter().copied().chain([1, 0]).collect();
        assert_eq!(MasteringDisplay::parse(&bytes(&unset)), None);
    }
}
