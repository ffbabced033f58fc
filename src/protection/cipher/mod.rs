//! The ciphers of HLS: encrypted bytes in, decrypted bytes out.
//!
//! - [`SegmentCipher`] decrypts a whole resource as it arrives: METHOD=AES-128 and its variants with keys of 256 bits.
//! - [`decrypt_sample_aes`] decrypts METHOD=SAMPLE-AES in a transport stream, which encrypts blocks of NAL units.
//! - [`EncryptedSample`] decrypts Common Encryption, which encrypts ranges of samples.
//!
//! AES comes from RustCrypto. Only GCM detects a wrong key; for the other ciphers the caller checks that the result is media.

mod nal;
mod sample;
mod segment;

pub use nal::{NalCodec, decrypt_sample_aes};
pub use sample::{EncryptedSample, Scheme};
pub use segment::{Cipher, SegmentCipher};

use aes::{
    Aes128,
    cipher::{Array, InnerIvInit},
};

/// The size of an AES block, and of every IV here, in bytes.
pub const BLOCK: usize = 16;

type Block = Array<u8, aes::cipher::consts::U16>;
type Aes128Cbc = cbc::Decryptor<Aes128>;

/// CBC from a new IV.
fn cbc_with_iv(aes: &Aes128, iv: &[u8; BLOCK]) -> Aes128Cbc {
    Aes128Cbc::inner_iv_init(aes.clone(), &(*iv).into())
}

/// The whole blocks of `bytes`.
fn blocks_of(bytes: &mut [u8]) -> &mut [Block] {
    Block::slice_as_chunks_mut(bytes).0
}

/// The bytes of hexadecimal digits with white space.
#[cfg(test)]
fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(&two.iter().collect::<String>(), 16).expect("two digits")).collect()
}
