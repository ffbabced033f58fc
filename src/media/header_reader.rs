//! The codecs whose headers are read here: where an access unit ends, and what it says.

use super::{av1, h264, hevc, mpeg2, nal, nal::NalFraming, unit_facts::UnitFacts, vp9};

/// The state of reading one stream's headers, by codec.
#[derive(Debug, Clone)]
pub enum HeaderReader {
    /// ITU-T H.264.
    H264(Box<h264::H264Reader>),
    /// ITU-T H.265.
    Hevc(Box<hevc::HevcReader>),
    /// ISO/IEC 11172-2 and 13818-2.
    Mpeg2(mpeg2::Mpeg2Reader),
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
    /// Any other: the container's flags are all there is.
    Other,
}

/// What a NAL unit, or what follows a start code, means for the access unit that is being assembled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnitRole {
    /// It belongs to the access unit at hand.
    Continues,
    /// If the access unit has picture data, the next one starts here.
    MayStartNext,
    /// Data of the picture at hand.
    Picture,
    /// Data of another picture: the next access unit starts here, or where it was announced.
    NewPicture,
    /// Data of the second field of the frame at hand.
    SecondField,
    /// More bytes are needed.
    Incomplete,
}

impl HeaderReader {
    /// By libavcodec's name of the codec and the stream's extradata.
    pub fn of(codec: &str, extradata: &[u8]) -> Self {
        match codec {
            "h264" => Self::H264(Box::new(h264::H264Reader::new(extradata))),
            "hevc" => Self::Hevc(Box::new(hevc::HevcReader::new(extradata))),
            "mpeg2video" | "mpeg1video" => Self::Mpeg2(mpeg2::Mpeg2Reader::default()),
            "vp9" => Self::Vp9,
            "av1" => Self::Av1,
            _ => Self::Other,
        }
    }

    /// Whether access units can be found in a byte stream of this codec.
    pub fn can_split(&self) -> bool {
        matches!(self, Self::H264(_) | Self::Hevc(_) | Self::Mpeg2(_))
    }

    /// Whether the byte stream consists of NAL units.
    pub(super) fn has_nal_units(&self) -> bool {
        matches!(self, Self::H264(_) | Self::Hevc(_))
    }

    /// The role of what begins behind a start code; `ended` says that no more bytes of it come.
    pub(super) fn role(&mut self, unit: &[u8], ended: bool) -> UnitRole {
        match self {
            Self::H264(reader) => reader.role(unit, ended),
            Self::Hevc(reader) => reader.role(unit, ended),
            Self::Mpeg2(reader) => reader.role(unit, ended),
            _ => UnitRole::Continues,
        }
    }

    /// Starts the next access unit.
    pub(super) fn start_unit(&mut self) {
        match self {
            Self::H264(reader) => reader.start_unit(),
            Self::Hevc(_) | Self::Vp9 | Self::Av1 | Self::Other => {}
            Self::Mpeg2(reader) => reader.start_unit(),
        }
    }

    /// What a whole access unit says, in decoding order. `is_key` is the container's flag, which counts where the bytes say nothing.
    pub fn facts(&mut self, unit: &[u8], is_key: bool) -> UnitFacts {
        match self {
            Self::H264(reader) => reader.facts(&nal::nal_units(unit, reader.framing)),
            Self::Hevc(reader) => reader.facts(&nal::nal_units(unit, reader.framing)),
            Self::Mpeg2(reader) => reader.facts(unit),
            Self::Vp9 => vp9::facts(unit).unwrap_or_else(|| UnitFacts::from_container(is_key)),
            Self::Av1 => av1::facts(unit).unwrap_or_else(|| UnitFacts::from_container(is_key)),
            Self::Other => UnitFacts::from_container(is_key),
        }
    }

    /// The parameter sets that were seen so far and that an access unit which starts with a random access point lacks, as a byte stream.
    pub fn missing_parameters(&self, unit: &[u8]) -> Vec<u8> {
        match self {
            Self::H264(reader) if reader.framing == NalFraming::StartCodes => {
                reader.parameters.missing(&nal::nal_units(unit, reader.framing))
            }
            Self::Hevc(reader) if reader.framing == NalFraming::StartCodes => {
                reader.parameters.missing(&nal::nal_units(unit, reader.framing))
            }
            Self::Mpeg2(reader) => reader.missing(unit),
            _ => Vec::new(),
        }
    }

    /// Takes over the parameter sets that another part of the same stream had.
    pub fn inherit(&mut self, earlier: &Self) {
        match (self, earlier) {
            (Self::H264(own), Self::H264(other)) => own.parameters.inherit(&other.parameters),
            (Self::Hevc(own), Self::Hevc(other)) => own.parameters.inherit(&other.parameters),
            (Self::Mpeg2(own), Self::Mpeg2(other)) => own.inherit(other),
            _ => {}
        }
    }
}
