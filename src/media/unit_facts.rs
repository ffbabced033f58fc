//! What one access unit says about itself.

/// What an access unit tells about decoding and showing its picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts about one unit")]
pub struct UnitFacts {
    /// Whether decoding may begin here, and how; `None`: it needs earlier pictures.
    pub entry: Option<EntryPoint>,
    /// The picture's place in output order, counted from `period`'s first picture: picture order count, or temporal reference.
    pub order: Option<i64>,
    /// Counts up where the output order starts again, as at an IDR picture.
    pub period: u32,
    /// H.264's `frame_num` with its modulus, by which recovery is counted.
    pub frame_number: Option<(u32, u32)>,
    /// Whether later pictures may refer to it.
    pub is_reference: bool,
    /// A leading picture that is decodable from the random access point it follows (HEVC's RADL).
    pub is_decodable_leading: bool,
    /// A leading picture that is never decodable from the random access point it follows (HEVC's RASL).
    pub is_skipped_leading: bool,
    /// Whether a picture is shown. A hidden frame of VP9 or AV1 is not.
    pub is_shown: bool,
    /// Whether this is one field whose other field was not seen.
    pub is_single_field: bool,
    /// How long a frame lasts, as a fraction of seconds, where a parameter set tells.
    pub duration: Option<(u32, u32)>,
    /// Pixels across and down, where a parameter set tells.
    pub size: Option<(u32, u32)>,
    /// Whether a parameter set that it refers to was never seen.
    pub lacks_parameters: bool,
}

/// How decoding may begin at a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryPoint {
    /// This picture and all that follow in decoding order are whole: IDR, BLA, a closed GOP, a key frame of VP9 or AV1.
    Closed,
    /// This picture is whole, and so is what is shown after it: CRA, an open GOP, recovery point SEI without further frames.
    Open,
    /// Every slice is intra, but nothing announces a random access point: this picture is whole, and what is shown after it if it refers to
    /// nothing earlier.
    Intra,
    /// Pictures are whole once a refresh is complete.
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
    /// Facts of a picture that only the container describes.
    pub fn from_container(is_key: bool) -> Self {
        Self { entry: is_key.then_some(EntryPoint::Closed), is_reference: true, is_shown: true, ..Self::default() }
    }

    /// Whether the picture by itself is whole: a key frame.
    pub fn is_key(&self) -> bool {
        matches!(self.entry, Some(EntryPoint::Closed | EntryPoint::Open | EntryPoint::Intra))
    }
}
