//! AES blocks, and what the ciphers share on them.

use aes::{
    Aes128,
    cipher::{Array, InnerIvInit},
};

/// The size of an AES block, and of every IV here, in bytes.
pub const BLOCK: usize = 16;

pub(super) type Block = Array<u8, aes::cipher::consts::U16>;
pub(super) type Aes128Cbc = cbc::Decryptor<Aes128>;

/// CBC from a new IV.
pub(super) fn cbc_with_iv(aes: &Aes128, iv: &[u8; BLOCK]) -> Aes128Cbc {
    Aes128Cbc::inner_iv_init(aes.clone(), &(*iv).into())
}

/// The whole blocks of `bytes`.
pub(super) fn blocks_of(bytes: &mut [u8]) -> &mut [Block] {
    Block::slice_as_chunks_mut(bytes).0
}
