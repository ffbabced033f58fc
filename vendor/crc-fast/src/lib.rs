//! Stands in for the crate `crc-fast` (see `[patch.crates-io]` in `Cargo.toml`): the one checksum that `object_store` wants of it, by the
//! well-kept crate `crc`.
//!
//! The real one brings 700 KB of tables for every CRC there is, which do not compress: a tenth of the Lambda zip, for a checksum that is only
//! computed where `AWS_CHECKSUM_ALGORITHM` asks for it.

use crc::{CRC_64_NVME, Crc, Table};

static NVME: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// The checksums that can be computed.
#[derive(Debug, Clone, Copy)]
pub enum CrcAlgorithm {
    /// CRC-64/NVME, as S3 has it.
    Crc64Nvme,
}

/// A checksum that is being computed.
pub struct Digest(crc::Digest<'static, u64, Table<16>>);

impl Digest {
    /// Of no bytes yet.
    pub fn new(CrcAlgorithm::Crc64Nvme: CrcAlgorithm) -> Self {
        Self(NVME.digest())
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    pub fn finalize(&self) -> u64 {
        self.0.clone().finalize()
    }
}

/// The catalogue's check value.
const _: () = assert!(Crc::<u64, Table<1>>::new(&CRC_64_NVME).checksum(b"123456789") == 0xae8b_1486_0a79_9888);
