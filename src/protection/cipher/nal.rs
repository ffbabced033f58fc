//! METHOD=SAMPLE-AES in a transport stream: encrypts blocks of the NAL units that hold slices (Apple, "MPEG-2 Stream Encryption Format for
//! HTTP Live Streaming").

use aes::{
    Aes128,
    cipher::{BlockModeDecrypt, KeyInit},
};

use super::blocks::{Aes128Cbc, BLOCK, blocks_of, cbc_with_iv};

/// The codec of NAL units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NalCodec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265. The format does not cover it; packagers encrypt it like H.264.
    Hevc,
}

/// The clear bytes at the start of an encrypted NAL unit, header included.
const CLEAR_LEAD: usize = 32;
/// NAL units up to this size are not encrypted.
const LONGEST_CLEAR: usize = 48;
/// One block of ten is encrypted.
const PERIOD: usize = 10 * BLOCK;

/// Decrypts a packet of NAL units with start codes. `None` if it holds no encrypted unit.
pub fn decrypt_sample_aes(packet: &[u8], codec: NalCodec, key: &[u8; BLOCK], iv: &[u8; BLOCK]) -> Option<Vec<u8>> {
    let aes = Aes128::new(&(*key).into());
    let mut decrypted = Vec::with_capacity(packet.len());
    let mut copied = 0;
    let mut changed = false;
    for (start, end) in units(packet) {
        let unit = packet.get(start..end).unwrap_or_default();
        if !codec.has_slice(unit) || unit.len() <= LONGEST_CLEAR {
            continue;
        }
        decrypted.extend_from_slice(packet.get(copied..start).unwrap_or_default());
        let mut unit = without_emulation_prevention(unit);
        decrypt_unit(&mut unit, cbc_with_iv(&aes, iv));
        decrypted.append(&mut unit);
        copied = end;
        changed = true;
    }
    decrypted.extend_from_slice(packet.get(copied..).unwrap_or_default());
    changed.then_some(decrypted)
}

impl NalCodec {
    fn has_slice(self, unit: &[u8]) -> bool {
        match (self, unit.first()) {
            (Self::H264, Some(header)) => matches!(header & 0x1f, 1 | 5),
            (Self::Hevc, Some(header)) => header >> 1 & 0x3f < 32,
            (_, None) => false,
        }
    }
}

/// The start and end of each NAL unit in a byte stream (ITU-T H.264, annex B), without trailing zeros.
fn units(packet: &[u8]) -> Vec<(usize, usize)> {
    let mut starts: Vec<usize> = Vec::new();
    let mut zeros = 0;
    for (at, byte) in packet.iter().enumerate() {
        if *byte == 1 && zeros >= 2 {
            starts.push(at + 1);
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
    }
    let ends = starts.iter().skip(1).map(|next| next - 3).chain([packet.len()]);
    let trimmed = |(start, end): (&usize, usize)| {
        let zeros = packet.get(*start..end).unwrap_or_default().iter().rev().take_while(|byte| **byte == 0).count();
        (*start, end - zeros)
    };
    starts.iter().zip(ends).map(trimmed).collect()
}

/// Packagers apply emulation prevention again after encryption. Removing it once leaves that of the clear unit.
fn without_emulation_prevention(unit: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for byte in unit {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        bytes.push(*byte);
    }
    bytes
}

/// Decrypts the first block after the clear lead, then every tenth. A block at the very end of the unit stays clear.
fn decrypt_unit(unit: &mut [u8], mut cbc: Aes128Cbc) {
    let mut at = CLEAR_LEAD;
    while unit.len() > at + BLOCK {
        if let Some(block) = unit.get_mut(at..at + BLOCK) {
            cbc.decrypt_blocks(blocks_of(block));
        }
        at += PERIOD;
    }
}

#[cfg(test)]
mod tests {
    use aes::cipher::{BlockModeEncrypt, KeyIvInit};

    use super::*;

    const KEY: [u8; 16] = [0x5a; 16];
    const IV: [u8; 16] = [0xc3; 16];

    /// Encrypts a clear unit, written from the text of the format alone.
    fn encrypted(unit: &[u8]) -> Vec<u8> {
        if unit.len() <= 48 {
            return unit.to_vec();
        }
        let mut cbc = cbc::Encryptor::<Aes128>::new(&KEY.into(), &IV.into());
        let (mut bytes, mut rest) = (unit[..32].to_vec(), &unit[32..]);
        while !rest.is_empty() {
            if rest.len() > 16 {
                let mut block = rest[..16].to_vec();
                cbc.encrypt_blocks(blocks_of(&mut block));
                bytes.extend(block);
                rest = &rest[16..];
            }
            let clear = rest.len().min(144);
            bytes.extend(&rest[..clear]);
            rest = &rest[clear..];
        }
        let mut protected = Vec::new();
        for byte in bytes {
            if byte <= 3 && protected.ends_with(&[0, 0]) {
                protected.push(3);
            }
            protected.push(byte);
        }
        protected
    }

    /// A slice of `size` bytes, some of which look like emulation prevention.
    fn slice(size: usize, header: &[u8]) -> Vec<u8> {
        let body = (0..).map(|at: u32| if at % 37 < 2 { 0 } else { (at * 41 % 251).to_le_bytes()[0] | 4 });
        let mut unit: Vec<u8> = header.iter().copied().chain(body).take(size).collect();
        if size > 40 {
            unit[20..24].copy_from_slice(&[0, 0, 3, 1]);
        }
        *unit.last_mut().expect("not empty") = 0x80;
        unit
    }

    #[test]
    fn slices_of_every_length_are_decrypted_and_other_units_stay_unchanged() {
        for (codec, header, other) in [(NalCodec::H264, &[0x65][..], 0x67), (NalCodec::Hevc, &[0x26, 1][..], 0x42)] {
            for size in [20, 47, 48, 49, 50, 64, 65, 192, 193, 207, 208, 209, 210, 400, 1000] {
                let (unit, parameters) = (slice(size, header), slice(100, &[other]));
                let packet = |unit: &[u8]| [&[0, 0, 0, 1][..], &parameters, &[0, 0, 1], unit, &[0, 0, 0, 1], unit, &[0, 0]].concat();
                let decrypted = decrypt_sample_aes(&packet(&encrypted(&unit)), codec, &KEY, &IV);
                assert_eq!(decrypted, (size > 48).then(|| packet(&unit)), "{codec:?}, {size} bytes");
            }
        }
    }

    #[test]
    fn bytes_without_nal_units_are_not_decrypted() {
        for packet in [&b""[..], b"\0\0\x01", b"\0\0\0\0\0", b"no start code, but long enough to be a slice of a picture"] {
            assert_eq!(decrypt_sample_aes(packet, NalCodec::H264, &KEY, &IV), None);
        }
    }
}
