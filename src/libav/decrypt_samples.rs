//! Packets that are encrypted, and who opens them.

use ffmpeg_next as ff;

use crate::error::Error;

/// Opens packets. Like [`Upstream`](super::Upstream), it may wait for what it needs: it is called on the thread that decodes.
pub trait DecryptSamples {
    /// The packet's clear content; `None` where nothing of it is encrypted. Fails with `encrypted` where no key is there.
    fn decrypt(&self, sealed: &EncryptedPacket<'_>) -> Result<Option<Vec<u8>>, Error>;

    /// Where in the playlist the resource starts that lies at an offset of what was downloaded, in seconds.
    fn resource_time(&self, _position: Option<u64>) -> f64 {
        0.0
    }

    /// Whether what lies there may be encrypted though nothing in the container says so: then it has to be proven as if it had been opened.
    fn may_be_encrypted(&self, _position: Option<u64>) -> bool {
        false
    }
}

/// A packet as the demuxer gave it.
pub struct EncryptedPacket<'a> {
    /// Its content.
    pub data: &'a [u8],
    /// Where it lies in the bytes that the demuxer read, where it is known.
    pub position: Option<u64>,
    /// libavcodec's name of the codec.
    pub codec: &'static str,
    /// Whether it came in a transport stream.
    pub is_transport_stream: bool,
    /// How Common Encryption has it; `None` where it does not.
    pub common_encryption: Option<CommonEncryption>,
    /// System IDs of the DRM systems that the container names (`pssh`, ISO/IEC 23001-7, 8.1).
    pub drm_systems: &'a [Vec<u8>],
}

/// How Common Encryption has one sample (`AVEncryptionInfo`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonEncryption {
    /// The scheme's four characters.
    pub scheme: [u8; 4],
    /// Blocks that are encrypted, and blocks that follow them and are not.
    pub pattern: (u32, u32),
    /// Which key it is.
    pub key_id: Vec<u8>,
    /// The IV, filled up with zeros.
    pub iv: [u8; 16],
    /// Clear and encrypted bytes, one after the other; none is the whole sample.
    pub subsamples: Vec<(u32, u32)>,
}

impl CommonEncryption {
    /// What the demuxer put beside the packet.
    pub(super) fn of(packet: &ff::Packet) -> Option<Self> {
        let side = packet.side_data().find(|side| side.kind() == ff::packet::side_data::Type::EncryptionInfo)?;
        Self::read(side.data())
    }

    /// Reads `AV_PKT_DATA_ENCRYPTION_INFO`: numbers of 32 bits, big-endian (libavutil's encryption_info.c): scheme, pattern, the sizes
    /// of key ID and IV, the count of subsamples; then all of these.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut words = WordReader(bytes);
        let scheme = words.word()?.to_be_bytes();
        let pattern = (words.word()?, words.word()?);
        let [id_size, vector_size, count] = [words.word()?, words.word()?, words.word()?];
        let key_id = words.bytes(id_size)?.to_vec();
        let told = words.bytes(vector_size)?;
        let mut iv = [0; 16];
        iv.iter_mut().zip(told).for_each(|(byte, told)| *byte = *told);
        let subsamples = (0..count).map(|_| Some((words.word()?, words.word()?))).collect::<Option<_>>()?;
        Some(Self { scheme, pattern, key_id, iv, subsamples })
    }
}

/// Reads `AV_PKT_DATA_ENCRYPTION_INIT_INFO`: a count, and for each system the sizes of its ID, of its key IDs and of its data, and then
/// these (libavutil's encryption_info.c).
pub(super) fn systems(bytes: &[u8]) -> Vec<Vec<u8>> {
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
    fn side_data_is_read_and_what_is_cut_is_none() {
        let bytes = [b"cbcs".to_vec(), words(&[1, 9, 16, 8, 2]), vec![7; 16], vec![5; 8], words(&[10, 160, 0, 32])].concat();
        let read = CommonEncryption::read(&bytes).expect("whole");
        assert_eq!((&read.scheme, read.pattern, read.key_id), (b"cbcs", (1, 9), vec![7; 16]));
        assert_eq!((read.iv[..8].to_vec(), read.iv[8..].to_vec()), (vec![5; 8], vec![0; 8]));
        assert_eq!(read.subsamples, [(10, 160), (0, 32)]);
        for size in 0..bytes.len() {
            assert_eq!(CommonEncryption::read(&bytes[..size]), None, "{size}");
        }
        assert_eq!(CommonEncryption::read(&[b"cenc".to_vec(), words(&[0, 0, 0, 0, u32::MAX])].concat()), None);
    }

    #[test]
    fn drm_systems_by_their_ids() {
        let one = |id: u8, data: u32| [words(&[2, 1, 3, data]), vec![id; 2], vec![0; 3 + data as usize]].concat();
        let bytes = [words(&[2]), one(0xed, 5), one(0x94, 0)].concat();
        assert_eq!(systems(&bytes), [[0xed; 2], [0x94; 2]]);
        assert_eq!(systems(&bytes[..30]), [[0xed; 2]]);
        assert_eq!(systems(&words(&[u32::MAX])), Vec::<Vec<u8>>::new());
    }
}
