//! Finds the boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2).

/// A box's header.
pub(super) struct BoxHeader {
    /// The box's size in bytes, with its header. 0: it extends to the end of the file.
    pub size: u64,
    /// The header's own size in bytes.
    pub length: usize,
    pub name: [u8; 4],
}

impl BoxHeader {
    /// Reads the header at the start of `bytes`; `None` if it is truncated.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let name = bytes.get(4..8)?.try_into().ok()?;
        match u32_at(bytes, 0)? {
            1 => Some(Self { size: u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?), length: 16, name }),
            size => Some(Self { size: size.into(), length: 8, name }),
        }
    }

    /// Whether the size is smaller than the header, so that the next box cannot be found.
    pub fn is_open_ended(&self) -> bool {
        self.size < self.length as u64
    }
}

/// A box's name, and the range of its content.
#[derive(Debug, Clone, Copy)]
pub(super) struct BoxContent {
    pub name: [u8; 4],
    pub start: usize,
    pub end: usize,
}

/// The boxes in `bytes[start..end]`. The last one may be truncated.
pub(super) fn boxes(bytes: &[u8], start: usize, end: usize) -> Vec<BoxContent> {
    let mut found = Vec::new();
    let mut at = start;
    while let Some(header) = bytes.get(at..end).and_then(BoxHeader::read).filter(|header| !header.is_open_ended()) {
        let Some(next) = usize::try_from(header.size).ok().and_then(|size| at.checked_add(size)) else { break };
        found.push(BoxContent { name: header.name, start: at + header.length, end: next.min(end) });
        at = next;
    }
    found
}

/// The content of the first child box with this name.
pub(super) fn child(bytes: &[u8], parent: (usize, usize), name: [u8; 4]) -> Option<(usize, usize)> {
    boxes(bytes, parent.0, parent.1).into_iter().find(|child| child.name == name).map(|child| (child.start, child.end))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
