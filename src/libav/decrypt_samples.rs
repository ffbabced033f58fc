//! The interface to sample decryption: encrypted packets, and the trait that decrypts them.

use ffmpeg_next as ff;

use crate::error::Error;

/// Decrypts packets. Like [`Upstream`](super::Upstream) it may block: it is called on the decoding thread.
pub trait DecryptSamples {
    /// Returns the packet's clear data; `None` if nothing in it is encrypted. Fails with `encrypted` without a key.
    fn decrypt(&self, packet: &EncryptedPacket<'_>) -> Result<Option<Vec<u8>>, Error>;

    /// The playlist time at which the resource at an offset of the downloaded bytes starts, in seconds.
    fn resource_time(&self, _position: Option<u64>) -> f64 {
        0.0
    }

    /// Whether the samples there may be encrypted although the container does not say so. Their key is then verified like any other.
    fn may_be_encrypted(&self, _position: Option<u64>) -> bool {
        false
    }

    /// Whether the playlist has a key for samples there.
    fn has_key(&self, _position: Option<u64>) -> bool {
        false
    }
}

/// A packet as the demuxer returned it.
pub struct EncryptedPacket<'a> {
    /// Its data.
    pub data: &'a [u8],
    /// Its offset in the demuxer's input, if it is known.
    pub position: Option<u64>,
    /// libavcodec's name of the codec.
    pub codec: &'static str,
    /// Whether the container is a transport stream.
    pub is_transport_stream: bool,
    /// Its Common Encryption parameters, if it has any.
    pub common_encryption: Option<CommonEncryption>,
    /// System IDs of the DRM systems that the container names (`pssh`, ISO/IEC 23001-7, 8.1).
    pub drm_systems: &'a [Vec<u8>],
}

/// The Common Encryption parameters of one sample (`AVEncryptionInfo`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonEncryption {
    /// The scheme's four-character code.
    pub scheme: [u8; 4],
    /// The number of encrypted blocks, and of the clear blocks after them.
    pub pattern: (u32, u32),
    /// The key's identifier.
    pub key_id: Vec<u8>,
    /// The IV, padded with zeros.
    pub iv: [u8; 16],
    /// The numbers of clear and encrypted bytes of each subsample. Without subsamples the whole sample is encrypted.
    pub subsamples: Vec<(u32, u32)>,
}

impl CommonEncryption {
    /// Reads the parameters from a packet's side data.
    pub(super) fn of_packet(packet: &ff::Packet) -> Option<Self> {
        let side = packet.side_data().find(|side| side.kind() == ff::packet::side_data::Type::EncryptionInfo)?;
        Self::parse(side.data())
    }

    /// Parses `AV_PKT_DATA_ENCRYPTION_INFO`, 32-bit big-endian numbers (libavutil/encryption_info.c): the scheme, the pattern, the sizes of key
    /// ID and IV, the number of subsamples; then the key ID, the IV and the subsamples.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut words = WordReader(bytes);
        let scheme = words.word()?.to_be_bytes();
        let pattern = (words.word()?, words.word()?);
        let [id_size, vector_size, count] = [words.word()?, words.word()?, words.word()?];
        let key_id = words.bytes(id_size)?.to_vec();
        let vector = words.bytes(vector_size)?;
        let mut iv = [0; 16];
        iv.iter_mut().zip(vector).for_each(|(byte, value)| *byte = *value);
        let subsamples = (0..count).map(|_| Some((words.word()?, words.word()?))).collect::<Option<_>>()?;
        Some(Self { scheme, pattern, key_id, iv, subsamples })
    }
}

/// Parses the system IDs in `AV_PKT_DATA_ENCRYPTION_INIT_INFO` (libavutil/encryption_info.c): a count, then for each system the sizes of its
/// ID, of its key IDs and of its data, followed by these.
pub(super) fn parse_drm_systems(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut words = WordReader(bytes);
    let count = words.word().unwrap_or_default();
    let mut next = || {
        let (id_size, ids, one_id, data) = (words.word()?, words.word()?, words.word()?, words.word()?);
        let id = words.bytes(id_size)?.to_vec();
        words.bytes(ids.checked_mul(one_id)?)?;
        words.bytes(data)?;
        Some(id)
    };
    (0..count.min(64)).map_while(|_| next()).collect()
}

/// Reads big-endian numbers of 32 bits, and bytes.
struct WordReader<'a>(&'a [u8]);

impl<'a> WordReader<'a> {
    fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*word))
    }

    fn bytes(&mut self, count: u32) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[u32]) -> Vec<u8> {
        list.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn side_data_is_parsed_and_truncated_data_is_none() {
        let bytes = [b"cbcs".to_vec(), words(&[1, 9, 16, 8, 2]), vec![7; 16], vec![5; 8], words(&[10, 160, 0, 32])].concat();
        let read = CommonEncryption::parse(&bytes).expect("whole");
        assert_eq!((&read.scheme, read.pattern, read.key_id), (b"cbcs", (1, 9), vec![7; 16]));
        assert_eq!((read.iv[..8].to_vec(), read.iv[8..].to_vec()), (vec![5; 8], vec![0; 8]));
        assert_eq!(read.subsamples, [(10, 160), (0, 32)]);
        for size in 0..bytes.len() {
            assert_eq!(CommonEncryption::parse(&bytes[..size]), None, "{size}");
        }
        assert_eq!(CommonEncryption::parse(&[b"cenc".to_vec(), words(&[0, 0, 0, 0, u32::MAX])].concat()), None);
    }

    #[test]
    fn drm_systems_are_named_by_their_ids() {
        let one = |id: u8, data: u32| [words(&[2, 1, 3, data]), vec![id; 2], vec![0; 3 + data as usize]].concat();
        let bytes = [words(&[2]), one(0xed, 5), one(0x94, 0)].concat();
        assert_eq!(parse_drm_systems(&bytes), [[0xed; 2], [0x94; 2]]);
        assert_eq!(parse_drm_systems(&bytes[..30]), [[0xed; 2]]);
        assert_eq!(parse_drm_systems(&words(&[u32::MAX])), Vec::<Vec<u8>>::new());
    }
}
