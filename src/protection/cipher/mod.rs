//! The ciphers of HLS: encrypted bytes in, decrypted bytes out.
//!
//! - [`SegmentCipher`] decrypts a whole resource as it arrives: METHOD=AES-128 and its variants with keys of 256 bits.
//! - [`decrypt_sample_aes`] decrypts METHOD=SAMPLE-AES in a transport stream, which encrypts blocks of NAL units.
//! - [`EncryptedSample`] decrypts Common Encryption, which encrypts ranges of samples.
//!
//! AES comes from RustCrypto. Only GCM detects a wrong key; for the other ciphers the caller checks that the result is media.

mod blocks;
mod nal;
mod sample;
mod segment;

pub use blocks::BLOCK;
pub use nal::{NalCodec, decrypt_sample_aes};
pub use sample::{EncryptedSample, Scheme};
pub use segment::{Cipher, SegmentCipher};
