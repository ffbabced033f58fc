//! Common Encryption (ISO/IEC 23001-7): encrypts ranges of samples, whole or in a pattern of blocks.

use aes::{
    Aes128,
    cipher::{BlockModeDecrypt, KeyInit, KeyIvInit, StreamCipher},
};

use super::blocks::{Aes128Cbc, BLOCK, blocks_of, cbc_with_iv};
use crate::error::{Error, ErrorKind};

/// The protection scheme (ISO/IEC 23001-7, section 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Counter mode over all protected bytes.
    Cenc,
    /// Counter mode in a pattern of blocks.
    Cens,
    /// CBC over all whole blocks.
    Cbc1,
    /// CBC in a pattern of blocks. Each subsample starts again with the IV.
    Cbcs,
}

impl Scheme {
    /// The scheme with this four-character code.
    pub fn of(name: [u8; 4]) -> Option<Self> {
        match &name {
            b"cenc" => Some(Self::Cenc),
            b"cens" => Some(Self::Cens),
            b"cbc1" => Some(Self::Cbc1),
            b"cbcs" => Some(Self::Cbcs),
            _ => None,
        }
    }

    /// The name in reports: `cenc` for counter mode, `cbcs` for CBC.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cenc | Self::Cens => "cenc",
            Self::Cbc1 | Self::Cbcs => "cbcs",
        }
    }
}

/// How one sample is encrypted.
#[derive(Debug, Clone, Copy)]
pub struct EncryptedSample<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// The IV, padded with zeros at the end.
    pub iv: [u8; BLOCK],
    /// The encrypted blocks of the pattern and the clear ones after them. If the first is 0, every block is encrypted.
    pub pattern: (u32, u32),
    /// The clear and protected bytes of each subsample. If empty, the whole sample is protected.
    pub subsamples: &'a [(u32, u32)],
}

impl EncryptedSample<'_> {
    /// Decrypts a sample in place. Returns whether any of it was encrypted. Fails with `encrypted` if the subsamples exceed the sample.
    pub fn decrypt(&self, data: &mut [u8], key: &[u8; BLOCK]) -> Result<bool, Error> {
        let mut ctr = <ctr::Ctr64BE<Aes128> as KeyIvInit>::new(&(*key).into(), &self.iv.into());
        let aes = <Aes128 as KeyInit>::new(&(*key).into());
        let mut cbc = cbc_with_iv(&aes, &self.iv);
        let whole = [(0, u32::try_from(data.len()).unwrap_or(u32::MAX))];
        let subsamples = if self.subsamples.is_empty() { &whole } else { self.subsamples };
        let (mut at, mut changed) = (0_usize, false);
        for (clear, protected) in subsamples {
            let start = at.saturating_add(*clear as usize);
            at = start.saturating_add(*protected as usize);
            let range = data.get_mut(start..at).ok_or_else(|| {
                Error::new(ErrorKind::Encrypted, "the subsamples of an encrypted sample are larger than the sample")
                    .with_hint("the media is damaged")
            })?;
            match self.scheme {
                Scheme::Cenc => {
                    ctr.apply_keystream(range);
                    changed |= !range.is_empty();
                }
                Scheme::Cbc1 => changed |= decrypt_blocks(&mut cbc, range),
                Scheme::Cens => self.for_each_run(range, |blocks| {
                    ctr.apply_keystream(blocks);
                    changed = true;
                }),
                Scheme::Cbcs => {
                    let mut cbc = cbc_with_iv(&aes, &self.iv);
                    self.for_each_run(range, |blocks| changed |= decrypt_blocks(&mut cbc, blocks));
                }
            }
        }
        Ok(changed)
    }

    /// Calls `each` with every run of encrypted blocks in the pattern. An incomplete block at the end is clear.
    fn for_each_run(&self, range: &mut [u8], mut each: impl FnMut(&mut [u8])) {
        let bytes = |blocks: u32| (blocks as usize).saturating_mul(BLOCK);
        let (encrypted, period) = match self.pattern {
            (0, _) => (usize::MAX, usize::MAX),
            (encrypted, clear) => (bytes(encrypted), bytes(encrypted).saturating_add(bytes(clear))),
        };
        for repetition in range.chunks_mut(period) {
            let count = repetition.len().min(encrypted) / BLOCK * BLOCK;
            if let Some(blocks) = repetition.get_mut(..count).filter(|blocks| !blocks.is_empty()) {
                each(blocks);
            }
        }
    }
}

/// Decrypts the whole blocks of `range`. Returns whether it has any.
fn decrypt_blocks(cbc: &mut Aes128Cbc, range: &mut [u8]) -> bool {
    let blocks = blocks_of(range);
    cbc.decrypt_blocks(blocks);
    !blocks.is_empty()
}

#[cfg(test)]
mod tests {
    use aes::cipher::BlockCipherEncrypt;

    use super::*;

    const KEY: [u8; 16] = [0x2b; 16];

    /// AES of one block, from which the tests build every scheme by hand.
    fn aes(block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        <Aes128 as KeyInit>::new(&KEY.into()).encrypt_block(&mut block);
        block.into()
    }

    fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
        one.iter().zip(other).map(|(one, other)| one ^ other).collect()
    }

    /// Encrypts the bytes at `places` in counter mode.
    fn ctr_encrypted(text: &[u8], iv: [u8; 16], places: &[usize]) -> Vec<u8> {
        let mut encrypted = text.to_vec();
        let (high, low) = (u64::from_be_bytes(iv[..8].try_into().expect("8")), u64::from_be_bytes(iv[8..].try_into().expect("8")));
        for (count, at) in places.iter().enumerate() {
            let counter = low.wrapping_add(u64::try_from(count / 16).expect("small"));
            let stream = aes([high.to_be_bytes(), counter.to_be_bytes()].concat().try_into().expect("16"));
            encrypted[*at] ^= stream[count % 16];
        }
        encrypted
    }

    /// Encrypts the blocks at the offsets `blocks` as one CBC chain.
    fn cbc_encrypted(text: &[u8], iv: [u8; 16], blocks: &[usize]) -> Vec<u8> {
        let mut encrypted = text.to_vec();
        let mut last = iv.to_vec();
        for at in blocks {
            last = aes(xor(&encrypted[*at..at + 16], &last).try_into().expect("16")).to_vec();
            encrypted[*at..at + 16].copy_from_slice(&last);
        }
        encrypted
    }

    fn text(size: usize) -> Vec<u8> {
        (0..size).map(|at| (at * 7 % 256).to_le_bytes()[0]).collect()
    }

    fn decrypted(sample: EncryptedSample<'_>, encrypted: &[u8]) -> Vec<u8> {
        let mut data = encrypted.to_vec();
        assert!(sample.decrypt(&mut data, &KEY).expect("its subsamples fit"));
        data
    }

    #[test]
    fn the_counter_continues_from_subsample_to_subsample() {
        // The counter of 64 bits wraps to 0 without a carry
        let iv = [[1; 8], [0xff; 8]].concat().try_into().expect("16");
        let subsamples = [(5, 20), (10, 3), (0, 41)];
        let places: Vec<usize> = (5..25).chain(35..38).chain(38..79).collect();
        let sample = EncryptedSample { scheme: Scheme::Cenc, iv, pattern: (0, 0), subsamples: &subsamples };
        assert_eq!(decrypted(sample, &ctr_encrypted(&text(79), iv, &places)), text(79));
        let whole = EncryptedSample { subsamples: &[], ..sample };
        assert_eq!(decrypted(whole, &ctr_encrypted(&text(50), iv, &(0..50).collect::<Vec<_>>())), text(50));
    }

    #[test]
    fn patterns_skip_blocks_and_leave_an_incomplete_block_clear() {
        let iv = [9; 16];
        let cens = EncryptedSample { scheme: Scheme::Cens, iv, pattern: (1, 2), subsamples: &[(4, 120)] };
        let places: Vec<usize> = (4..20).chain(52..68).chain(100..116).collect();
        assert_eq!(decrypted(cens, &ctr_encrypted(&text(124), iv, &places)), text(124));
        // The last run is shorter than in the pattern, and an incomplete block remains
        let cbcs = EncryptedSample { scheme: Scheme::Cbcs, iv, pattern: (2, 1), subsamples: &[(4, 74), (0, 16)] };
        let first = cbc_encrypted(&text(94)[..78], iv, &[4, 20, 52]);
        let second = cbc_encrypted(&text(94)[78..], iv, &[0]);
        assert_eq!(decrypted(cbcs, &[first, second].concat()), text(94));
        // Without a pattern, every block is encrypted
        let all = EncryptedSample { pattern: (0, 0), subsamples: &[], ..cbcs };
        assert_eq!(decrypted(all, &cbc_encrypted(&text(40), iv, &[0, 16])), text(40));
    }

    #[test]
    fn cbc1_is_one_chain_over_all_subsamples() {
        let iv = [3; 16];
        let cbc1 = EncryptedSample { scheme: Scheme::Cbc1, iv, pattern: (0, 0), subsamples: &[(2, 32), (3, 16)] };
        assert_eq!(decrypted(cbc1, &cbc_encrypted(&text(53), iv, &[2, 18, 37])), text(53));
    }

    #[test]
    fn subsamples_larger_than_the_sample_are_an_error() {
        for scheme in [Scheme::Cenc, Scheme::Cens, Scheme::Cbc1, Scheme::Cbcs] {
            let sample = EncryptedSample { scheme, iv: [0; 16], pattern: (1, 9), subsamples: &[(0, 10), (u32::MAX, u32::MAX)] };
            assert_eq!(sample.decrypt(&mut text(30), &KEY).map_err(|e| e.kind()), Err(ErrorKind::Encrypted));
            let clear = EncryptedSample { subsamples: &[(30, 0)], ..sample };
            assert_eq!(clear.decrypt(&mut text(30), &KEY).ok(), Some(false));
        }
    }

    #[test]
    fn schemes_are_known_by_their_four_characters() {
        assert_eq!(Scheme::of(*b"cbcs").map(Scheme::name), Some("cbcs"));
        assert_eq!(Scheme::of(*b"cens").map(Scheme::name), Some("cenc"));
        assert_eq!(Scheme::of(*b"piff"), None);
    }
}
