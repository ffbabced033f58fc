//! Finds the recovery point message in supplemental enhancement information (ITU-T H.264, 7.3.2.3 and D.1.8; H.265, 7.3.5 and D.2.8).

use super::bits::unescape;

/// `payloadType` of the recovery point message, the same in both codecs.
const RECOVERY_POINT: u32 = 6;
/// Only this many bytes of a SEI are searched.
const MAX_SEI_BYTES: usize = 2048;

/// The content of a SEI's first recovery point message; `payload` is the NAL unit without its header.
pub(super) fn recovery_point_message(payload: &[u8]) -> Option<Vec<u8>> {
    let plain = unescape(payload, MAX_SEI_BYTES);
    let mut rest = plain.as_slice();
    while rest.len() > 2 {
        let (kind, after) = coded_number(rest)?;
        let (size, after) = coded_number(after)?;
        if kind == RECOVERY_POINT {
            return Some(after.to_vec());
        }
        rest = after.get(usize::try_from(size).ok()?..)?;
    }
    None
}

/// `payloadType` or `payloadSize`, coded as bytes of 255 and a last byte (7.3.2.3.1), with the bytes after it.
fn coded_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let full = bytes.iter().take_while(|byte| **byte == 255).count();
    let last = *bytes.get(full)?;
    Some((u32::try_from(full).ok()?.checked_mul(255)?.checked_add(last.into())?, bytes.get(full + 1..)?))
}
