//! Keys and decryption: finds and fetches the key of a segment, and decrypts segments and samples with it.

pub mod cipher;
mod keyring;
mod sample_decryptor;
mod segment_decryptor;
mod segment_offsets;

pub(crate) use cipher::Cipher;
pub(crate) use keyring::{KeyRef, Keyring};
pub(crate) use sample_decryptor::SampleDecryptor;
pub(crate) use segment_decryptor::SegmentDecryptor;
pub(crate) use segment_offsets::SegmentOffsets;
