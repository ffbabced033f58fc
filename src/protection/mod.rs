//! Keys and decryption: which key opens a segment, fetching it, and decrypting segments and samples with it.

pub mod cipher;
mod keyring;
mod sample_decryptor;
mod segment_decryptor;

pub(crate) use keyring::{KeyRef, KeyScope, Keyring};
pub(crate) use sample_decryptor::{SampleDecryptor, SegmentOffsets};
pub(crate) use segment_decryptor::SegmentDecryptor;
