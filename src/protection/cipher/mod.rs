//! What is encrypted, opened: bytes in, bytes out, by the ciphers of HLS.
//!
//! - [`Whole`]: a resource or a range of one that is encrypted as a whole (AES-128 and its greater kin), as it arrives.
//! - [`sample_aes`]: METHOD=SAMPLE-AES in a transport stream, where parts of NAL units are encrypted.
//! - [`Sample`]: Common Encryption, where parts of samples are.
//!
//! The ciphers themselves are RustCrypto's. None of them but GCM can tell a wrong key: whether what comes out is media is for those to see
//! who know media.

mod nal;
mod sample;
mod segment;

pub use nal::{NalCodec, sample_aes};
pub use sample::{EncryptedSample, Scheme};
pub use segment::{Cipher, SegmentCipher};

use aes::{
    Aes128,
    cipher::{Array, InnerIvInit},
};

/// The size of AES's blocks, and of every IV here, in bytes.
pub const BLOCK: usize = 16;

type Block = Array<u8, aes::cipher::consts::U16>;
type Cbc128 = cbc::Decryptor<Aes128>;

/// A chain of blocks, begun by its IV.
fn chain(aes: &Aes128, iv: &[u8; BLOCK]) -> Cbc128 {
    Cbc128::inner_iv_init(aes.clone(), &(*iv).into())
}

/// The whole blocks of `bytes`.
fn blocks_of(bytes: &mut [u8]) -> &mut [Block] {
    Block::slice_as_chunks_mut(bytes).0
}

#[cfg(test)]
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(&two.iter().collect::<String>(), 16).expect("two digits")).collect()
}
