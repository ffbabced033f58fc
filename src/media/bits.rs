//! Reads bits and Exp-Golomb codes of a raw byte sequence payload (ITU-T H.264, 7.2 and 9.1; the same in H.265).

/// Removes the emulation prevention bytes from a NAL unit's payload. Returns at most `limit` bytes, because headers are short.
pub(super) fn unescape(payload: &[u8], limit: usize) -> Vec<u8> {
    let mut plain = Vec::with_capacity(payload.len().min(limit));
    let mut zeros = 0;
    for byte in payload {
        if plain.len() == limit {
            break;
        }
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        plain.push(*byte);
    }
    plain
}

/// Reads bits from the most significant one on. Every read past the end returns `None`.
#[derive(Debug, Clone)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// `u(count)`, at most 32 bits.
    pub fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count.min(32)).try_fold(0_u32, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// `ue(v)`: Exp-Golomb (9.1).
    pub fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1_u32 << zeros) - 1 + self.bits(zeros)?)
    }

    /// Skips `count` values of `ue(v)` or `se(v)`: both have the same length.
    pub fn skip_exp_golomb(&mut self, count: usize) -> Option<()> {
        (0..count).try_for_each(|_| self.unsigned().map(|_| ()))
    }

    /// `se(v)`.
    pub fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned()?);
        i32::try_from(if code % 2 == 0 { -(code / 2) } else { code / 2 + 1 }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_are_read_as_table_9_2_lists_them() {
        // 1, 010, 011, 00100, 00101: 0 to 4
        let bytes = [0b1010_0110, 0b0100_0010, 0b1000_0000];
        let mut bits = BitReader::new(&bytes);
        assert_eq!((0..5).map(|_| bits.unsigned()).collect::<Option<Vec<_>>>(), Some(vec![0, 1, 2, 3, 4]));
        let mut bits = BitReader::new(&bytes);
        assert_eq!((0..5).map(|_| bits.signed()).collect::<Option<Vec<_>>>(), Some(vec![0, 1, -1, 2, -2]));
        assert_eq!(BitReader::new(&[0; 9]).unsigned(), None);
        assert_eq!(BitReader::new(&[]).bit(), None);
    }

    #[test]
    fn emulation_prevention_bytes_are_removed() {
        assert_eq!(unescape(&[1, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3], 100), [1, 0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(unescape(&[0, 0, 3, 3, 3], 3), [0, 0, 3]);
    }
}
