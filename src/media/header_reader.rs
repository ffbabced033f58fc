//! Reads the headers of any codec: where an access unit ends, and its [`UnitFacts`].

use super::{
    av1, h264, hevc, mpeg2,
    nal::{NalFraming, nal_units},
    unit_facts::UnitFacts,
    unit_role::UnitRole,
    vp9,
};

/// Reads the headers of one stream.
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
    /// Any other codec: only the container describes its access units.
    Other,
}

impl HeaderReader {
    /// Creates the reader for a codec, by libavcodec's name, with the stream's extradata.
    pub fn new(codec: &str, extradata: &[u8]) -> Self {
        match codec {
            "h264" => Self::H264(Box::new(h264::H264Reader::new(extradata))),
            "hevc" => Self::Hevc(Box::new(hevc::HevcReader::new(extradata))),
            "mpeg2video" | "mpeg1video" => Self::Mpeg2(mpeg2::Mpeg2Reader::default()),
            "vp9" => Self::Vp9,
            "av1" => Self::Av1,
            _ => Self::Other,
        }
    }

    /// Whether this reader finds access units in a byte stream.
    pub fn can_split(&self) -> bool {
        matches!(self, Self::H264(_) | Self::Hevc(_) | Self::Mpeg2(_))
    }

    /// Whether the byte stream consists of NAL units.
    pub(super) fn has_nal_units(&self) -> bool {
        matches!(self, Self::H264(_) | Self::Hevc(_))
    }

    /// The role of the data after a start code. `is_complete`: no more bytes of it follow.
    pub(super) fn role(&mut self, unit: &[u8], is_complete: bool) -> UnitRole {
        match self {
            Self::H264(reader) => reader.role(unit, is_complete),
            Self::Hevc(reader) => reader.role(unit, is_complete),
            Self::Mpeg2(reader) => reader.role(unit, is_complete),
            _ => UnitRole::Continues,
        }
    }

    /// Begins the next access unit.
    pub(super) fn start_unit(&mut self) {
        match self {
            Self::H264(reader) => reader.start_unit(),
            Self::Hevc(_) | Self::Vp9 | Self::Av1 | Self::Other => {}
            Self::Mpeg2(reader) => reader.start_unit(),
        }
    }

    /// Reads the headers of a whole access unit. Call this in decoding order. `is_key`, the container's flag, counts if the codec's headers cannot be read.
    pub fn facts(&mut self, unit: &[u8], is_key: bool) -> UnitFacts {
        match self {
            Self::H264(reader) => reader.facts(&nal_units(unit, reader.framing)),
            Self::Hevc(reader) => reader.facts(&nal_units(unit, reader.framing)),
            Self::Mpeg2(reader) => reader.facts(unit),
            Self::Vp9 => vp9::facts(unit).unwrap_or_else(|| UnitFacts::from_container(is_key)),
            Self::Av1 => av1::facts(unit).unwrap_or_else(|| UnitFacts::from_container(is_key)),
            Self::Other => UnitFacts::from_container(is_key),
        }
    }

    /// The known parameter sets that are not in an access unit, as a byte stream to put before it.
    pub fn missing_parameters(&self, unit: &[u8]) -> Vec<u8> {
        match self {
            Self::H264(reader) if reader.framing == NalFraming::StartCodes => reader.parameters.missing(&nal_units(unit, reader.framing)),
            Self::Hevc(reader) if reader.framing == NalFraming::StartCodes => reader.parameters.missing(&nal_units(unit, reader.framing)),
            Self::Mpeg2(reader) => reader.missing(unit),
            _ => Vec::new(),
        }
    }

    /// Adds the parameter sets of another part of the same stream.
    pub fn inherit(&mut self, earlier: &Self) {
        match (self, earlier) {
            (Self::H264(own), Self::H264(other)) => own.parameters.inherit(&other.parameters),
            (Self::Hevc(own), Self::Hevc(other)) => own.parameters.inherit(&other.parameters),
            (Self::Mpeg2(own), Self::Mpeg2(other)) => own.inherit(other),
            _ => {}
        }
    }
}
