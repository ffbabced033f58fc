//! The role of one part of a byte stream in the current access unit.

/// The role of the data after a start code (a NAL unit, in codecs that have them) in the current access unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnitRole {
    /// It belongs to the current access unit.
    Continues,
    /// The next access unit starts here, if the current one has picture data.
    MayStartNext,
    /// Data of the current picture.
    Picture,
    /// Data of another picture: the next access unit starts here, or at the `MayStartNext` before it.
    NewPicture,
    /// Data of the second field of the current frame.
    SecondField,
    /// More bytes are needed.
    Incomplete,
}
