//! Replaces the crate `crc-fast` in the programs that this workspace builds (`[patch.crates-io]` in `Cargo.toml`). It has the one checksum
//! that `object_store` needs, by the well-kept crate `crc`.
//!
//! The real crate links the tables of all its 50 checksums into every program, 679,936 bytes that do not compress: they would take the
//! Lambda zip beyond its limit, for a checksum that is only computed if `AWS_CHECKSUM_ALGORITHM` asks for it. Version 1.10.0 has no feature
//! that leaves them out, `object_store` 0.14 has none that does without the crate, and the request for one is open:
//! <https://github.com/awesomized/crc-fast-rust/issues/61>. Once a release has it, delete this folder and the patch.
//!
//! Patches hold for this workspace alone. Whoever depends on hlsnap from a registry gets the real crate with the feature `stores`, and it
//! works: `script/crate --install` builds that.

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
