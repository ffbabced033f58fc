//! The facts that an access unit's headers give about decoding and presentation.

/// Facts about a picture from its access unit's headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts about one unit")]
pub struct UnitFacts {
    /// How decoding may start at this picture; `None` if it needs earlier pictures.
    pub entry: Option<EntryPoint>,
    /// The picture's position in output order within `period`: picture order count, or temporal reference.
    pub order: Option<i64>,
    /// Counts the restarts of the output order, for example at IDR pictures.
    pub period: u32,
    /// H.264's `frame_num` and its modulus. Recovery points count in it.
    pub frame_number: Option<(u32, u32)>,
    /// Whether later pictures may refer to this one.
    pub is_reference: bool,
    /// A leading picture that is decodable from the random access point it follows (HEVC's RADL).
    pub is_decodable_leading: bool,
    /// A leading picture that is never decodable from the random access point it follows (HEVC's RASL).
    pub is_skipped_leading: bool,
    /// Whether a picture is shown. Hidden frames of VP9 and AV1 are not.
    pub is_shown: bool,
    /// Whether this is a field without its other field.
    pub is_single_field: bool,
    /// The duration of a frame, as a fraction of seconds, if the headers state it.
    pub duration: Option<(u32, u32)>,
    /// Width and height in pixels, if the headers state them.
    pub size: Option<(u32, u32)>,
    /// Whether it refers to an unknown parameter set.
    pub lacks_parameters: bool,
}

/// How decoding may start at a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryPoint {
    /// This picture and all that follow it in decoding order are whole: IDR, a closed GOP, a key frame of VP9 or AV1.
    Closed,
    /// This picture and all that are shown after it are whole: CRA, BLA, an open GOP, a recovery point SEI with a count of 0.
    Open,
    /// Every slice is intra, but no header announces a random access point. This picture is whole; later ones are unless they refer to earlier
    /// pictures.
    Intra,
    /// Pictures are whole from the recovery point on.
    Gradual(RecoveryPoint),
}

/// When a gradual refresh is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryPoint {
    /// H.264: `recovery_frame_cnt` frames after this one, counted by `frame_num` (ITU-T H.264, D.2.8).
    Frames(u32),
    /// HEVC: at this picture order count (ITU-T H.265, D.3.8).
    Order(i64),
}

impl UnitFacts {
    /// The facts of a picture that only the container describes.
    pub fn from_container(is_key: bool) -> Self {
        Self { entry: is_key.then_some(EntryPoint::Closed), is_reference: true, is_shown: true, ..Self::default() }
    }

    /// Whether the picture is whole if it is decoded alone.
    pub fn is_key(&self) -> bool {
        matches!(self.entry, Some(EntryPoint::Closed | EntryPoint::Open | EntryPoint::Intra))
    }
}
