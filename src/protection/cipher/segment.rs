//! Resources that are encrypted as a whole, decrypted as they arrive.

use aes::{
    Aes256,
    cipher::{BlockModeDecrypt, KeyIvInit, StreamCipher, consts::U16},
};
use aes_gcm::{AesGcm, KeyInit, aead::AeadInOut};

use super::blocks::{Aes128Cbc, BLOCK, blocks_of};
use crate::error::{Error, ErrorKind};

/// How a whole resource is encrypted (draft-pantos-hls-rfc8216bis, 4.4.4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    /// AES-128: CBC with PKCS#7 padding.
    Cbc128,
    /// CBC with PKCS#7 padding and a key of 256 bits, which some packagers use.
    Cbc256,
    /// Counter mode with a key of 256 bits, which some packagers use. The counter is the last 64 bits of the IV.
    Ctr256,
    /// AES-256-GCM: an IV of 16 bytes, the ciphertext, and a tag of 16 bytes.
    Gcm256,
}

impl Cipher {
    /// The size of the key in bytes.
    pub fn key_size(self) -> usize {
        if self == Self::Cbc128 { 16 } else { 32 }
    }

    /// Whether decryption starts only after the last byte: a tag authenticates the whole resource.
    pub fn needs_all(self) -> bool {
        self == Self::Gcm256
    }
}

/// Decrypts one resource as it arrives.
pub struct SegmentCipher {
    state: CipherState,
    /// Bytes not decrypted yet: an incomplete block, a block that may be the last, or all.
    held: Vec<u8>,
}

enum CipherState {
    Cbc128(Box<Aes128Cbc>),
    Cbc256(Box<cbc::Decryptor<Aes256>>),
    Ctr(Box<ctr::Ctr64BE<Aes256>>),
    Gcm(Box<AesGcm<Aes256, U16>>),
}

impl SegmentCipher {
    /// Starts at the first byte of a resource. GCM ignores `iv` and reads that of the resource. Fails with `encrypted` if the key has the
    /// wrong size.
    pub fn new(cipher: Cipher, key: &[u8], iv: &[u8; BLOCK]) -> Result<Self, Error> {
        let wrong = |_| Error::new(ErrorKind::Encrypted, "the key has the wrong size");
        let state = match cipher {
            Cipher::Cbc128 => CipherState::Cbc128(Box::new(KeyIvInit::new_from_slices(key, iv).map_err(wrong)?)),
            Cipher::Cbc256 => CipherState::Cbc256(Box::new(KeyIvInit::new_from_slices(key, iv).map_err(wrong)?)),
            Cipher::Ctr256 => CipherState::Ctr(Box::new(KeyIvInit::new_from_slices(key, iv).map_err(wrong)?)),
            Cipher::Gcm256 => CipherState::Gcm(Box::new(KeyInit::new_from_slice(key).map_err(wrong)?)),
        };
        Ok(Self { state, held: Vec::new() })
    }

    /// Adds the next bytes, and returns those that can be decrypted. CBC holds back the last block, which may be padding, and GCM everything.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let ready = match &self.state {
            CipherState::Ctr(_) => self.held.len(),
            CipherState::Gcm(_) => 0,
            // A block is not the last one if a byte follows it
            CipherState::Cbc128(_) | CipherState::Cbc256(_) => self.held.len().saturating_sub(1) / BLOCK * BLOCK,
        };
        let mut decrypted: Vec<u8> = self.held.drain(..ready).collect();
        match &mut self.state {
            CipherState::Cbc128(cbc) => cbc.decrypt_blocks(blocks_of(&mut decrypted)),
            CipherState::Cbc256(cbc) => cbc.decrypt_blocks(blocks_of(&mut decrypted)),
            CipherState::Ctr(ctr) => ctr.apply_keystream(&mut decrypted),
            CipherState::Gcm(_) => {}
        }
        decrypted
    }

    /// Ends the resource, and returns the bytes held back, without padding. Some packagers omit the padding: without a valid one, returns the
    /// whole last block. Drops an incomplete block.
    ///
    /// Fails with `encrypted` if GCM's tag does not match.
    pub fn finish(&mut self) -> Result<Vec<u8>, Error> {
        let mut rest = std::mem::take(&mut self.held);
        if let CipherState::Gcm(gcm) = &self.state {
            return decrypt_gcm(gcm, &rest);
        }
        let is_cut = rest.len() < BLOCK;
        rest.truncate(if is_cut { 0 } else { BLOCK });
        match &mut self.state {
            CipherState::Cbc128(cbc) => cbc.decrypt_blocks(blocks_of(&mut rest)),
            CipherState::Cbc256(cbc) => cbc.decrypt_blocks(blocks_of(&mut rest)),
            CipherState::Ctr(_) | CipherState::Gcm(_) => {}
        }
        rest.truncate(rest.len() - padding(&rest));
        Ok(rest)
    }
}

/// The number of padding bytes in the last block (RFC 5652, 6.3); 0 if the padding is invalid.
fn padding(block: &[u8]) -> usize {
    let count = block.last().map_or(0, |last| usize::from(*last));
    let is_valid = (1..=block.len()).contains(&count) && block.iter().rev().take(count).all(|byte| usize::from(*byte) == count);
    if is_valid { count } else { 0 }
}

fn decrypt_gcm(gcm: &AesGcm<Aes256, U16>, encrypted: &[u8]) -> Result<Vec<u8>, Error> {
    let tag_mismatch = || {
        Error::new(ErrorKind::Encrypted, "the tag of AES-256-GCM does not match: the key is wrong, or the segment was changed")
            .with_hint("check the key")
    };
    let (iv, encrypted) = encrypted.split_first_chunk::<BLOCK>().ok_or_else(tag_mismatch)?;
    let (text, tag) = encrypted.split_last_chunk::<BLOCK>().ok_or_else(tag_mismatch)?;
    let mut text = text.to_vec();
    gcm.decrypt_inout_detached(&(*iv).into(), &[], text.as_mut_slice().into(), &(*tag).into()).map_err(|_| tag_mismatch())?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::decode_hex;

    /// The bytes of hexadecimal digits with white space.
    fn from_hex(text: &str) -> Vec<u8> {
        decode_hex(&text.split_whitespace().collect::<String>()).expect("pairs of digits")
    }

    fn decrypt(cipher: Cipher, key: &str, iv: &str, encrypted: &[u8], piece: usize) -> Result<Vec<u8>, ErrorKind> {
        let iv = from_hex(iv).try_into().expect("16 bytes");
        let mut segment = SegmentCipher::new(cipher, &from_hex(key), &iv).map_err(|e| e.kind())?;
        let mut decrypted: Vec<u8> = encrypted.chunks(piece).flat_map(|bytes| segment.push(bytes)).collect();
        decrypted.extend(segment.finish().map_err(|e| e.kind())?);
        Ok(decrypted)
    }

    const PIECES: [usize; 6] = [1, 15, 16, 17, 33, 1000];

    /// NIST SP 800-38A, F.2: the plaintext of all vectors.
    const TEXT: &str = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                        30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";
    const IV: &str = "000102030405060708090a0b0c0d0e0f";
    const KEY_256: &str = "603deb1015ca71be2b73aef0857d7781 1f352c073b6108d72d9810a30914dff4";

    #[test]
    fn cbc_matches_nist_sp_800_38a_f_2_2_and_f_2_6() {
        let key = "2b7e151628aed2a6abf7158809cf4f3c";
        let encrypted = from_hex(
            "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2
                          73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7",
        );
        let sealed_256 = from_hex(
            "f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d
                              39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b",
        );
        for piece in PIECES {
            // The vectors have no padding, and lose no bytes
            assert_eq!(decrypt(Cipher::Cbc128, key, IV, &encrypted, piece), Ok(from_hex(TEXT)), "{piece}");
            assert_eq!(decrypt(Cipher::Cbc256, KEY_256, IV, &sealed_256, piece), Ok(from_hex(TEXT)), "{piece}");
        }
        // Of a resource cut within a block, the whole blocks remain
        assert_eq!(decrypt(Cipher::Cbc128, key, IV, &encrypted[..63], 7), Ok(from_hex(TEXT)[..48].to_vec()));
        assert_eq!(decrypt(Cipher::Cbc128, key, IV, &encrypted[..5], 7), Ok(Vec::new()));
        assert_eq!(decrypt(Cipher::Cbc128, key, IV, &[], 7), Ok(Vec::new()));
    }

    #[test]
    fn ctr_matches_nist_sp_800_38a_f_5_6() {
        let encrypted = from_hex(
            "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
                          2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6",
        );
        for piece in PIECES {
            let decrypted = decrypt(Cipher::Ctr256, KEY_256, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", &encrypted, piece);
            assert_eq!(decrypted, Ok(from_hex(TEXT)), "{piece}");
            let cut = decrypt(Cipher::Ctr256, KEY_256, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", &encrypted[..21], piece);
            assert_eq!(cut, Ok(from_hex(TEXT)[..21].to_vec()), "{piece}");
        }
    }

    #[test]
    fn only_padding_is_removed() {
        use aes::cipher::BlockModeEncrypt;
        for size in 0..50_usize {
            let text: Vec<u8> = (0..size).map(|at| u8::try_from(at).expect("small")).collect();
            let count = 16 - size % 16;
            let mut encrypted = [text.clone(), vec![u8::try_from(count).expect("small"); count]].concat();
            cbc::Encryptor::<aes::Aes128>::new(&[7; 16].into(), &[9; 16].into()).encrypt_blocks(blocks_of(&mut encrypted));
            for piece in PIECES {
                let decrypted = decrypt(Cipher::Cbc128, &"07".repeat(16), &"09".repeat(16), &encrypted, piece);
                assert_eq!(decrypted, Ok(text.clone()), "{size} bytes in pieces of {piece}");
            }
        }
        assert_eq!([padding(&[5; 4]), padding(&[16; 16]), padding(&[0; 16]), padding(&[17; 16]), padding(&[])], [0, 16, 0, 0, 0]);
    }

    #[test]
    fn gcm_returns_only_bytes_that_match_the_tag() {
        use aes_gcm::aead::AeadInOut;
        let gcm = AesGcm::<Aes256, U16>::new(&[3; 32].into());
        let mut text = b"the segment".to_vec();
        let tag = gcm.encrypt_inout_detached(&[8; 16].into(), &[], text.as_mut_slice().into()).expect("encrypted");
        let encrypted = [&[8; 16], text.as_slice(), tag.as_slice()].concat();
        let key = "03".repeat(32);
        for piece in PIECES {
            assert_eq!(decrypt(Cipher::Gcm256, &key, IV, &encrypted, piece), Ok(b"the segment".to_vec()), "{piece}");
        }
        for at in 0..encrypted.len() {
            let mut changed = encrypted.clone();
            changed[at] ^= 1;
            assert_eq!(decrypt(Cipher::Gcm256, &key, IV, &changed, 9), Err(ErrorKind::Encrypted), "byte {at}");
            assert_eq!(decrypt(Cipher::Gcm256, &key, IV, &encrypted[..at], 9), Err(ErrorKind::Encrypted), "cut at {at}");
        }
    }

    /// Test case 15 of McGrew and Viega, "The Galois/Counter Mode of Operation", with an IV of 96 bits.
    #[test]
    fn gcm_matches_a_published_vector() {
        use aes_gcm::{Aes256Gcm, aead::AeadInOut};
        let gcm = Aes256Gcm::new_from_slice(&from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")).expect("a key");
        let mut text = from_hex(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                            8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
        );
        let iv: [u8; 12] = from_hex("cafebabefacedbaddecaf888").try_into().expect("12 bytes");
        let tag: [u8; 16] = from_hex("b094dac5d93471bdec1a502270e3cc6c").try_into().expect("16 bytes");
        gcm.decrypt_inout_detached(&iv.into(), &[], text.as_mut_slice().into(), &tag.into()).expect("the tag matches");
        assert_eq!(text[..8], from_hex("d9313225f88406e5"));
    }

    #[test]
    fn keys_of_the_wrong_size_are_refused() {
        for (cipher, size) in [(Cipher::Cbc128, 16), (Cipher::Cbc256, 32), (Cipher::Ctr256, 32), (Cipher::Gcm256, 32)] {
            assert_eq!(cipher.key_size(), size);
            for wrong in [0, 15, 17, 24, 33] {
                assert_eq!(decrypt(cipher, &"00".repeat(wrong), IV, &[], 1), Err(ErrorKind::Encrypted));
            }
            assert!(decrypt(cipher, &"00".repeat(size), IV, &[0; 16], 1).is_ok() || cipher == Cipher::Gcm256);
        }
    }
}
