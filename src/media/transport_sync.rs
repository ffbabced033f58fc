//! Finds the packets of a transport stream among other bytes (ISO/IEC 13818-1, 2.4.3.2).
//!
//! Packets have 188 bytes. Recorders prefix each with a timestamp of 4 bytes (192), broadcasters append 16 bytes of error correction (204).
//! Some origins put images, tags or zeros before a stream.

/// The size of a packet, in bytes.
pub(super) const PACKET: usize = 188;
pub(super) const SYNC: u8 = 0x47;
/// Possible distances between the starts of packets, in bytes.
const STRIDES: [usize; 3] = [PACKET, 192, 204];
/// Sync bytes are checked at this many packets.
const CHECKED_PACKETS: usize = 6;
/// This many sync bytes must be correct, unless the stream is shorter.
const MIN_SYNCED: usize = 4;

/// Finds the first packet in `bytes`, at an offset of at most `limit`. Returns its offset and the stride: the distance between packets.
pub fn find_transport_stream(bytes: &[u8], limit: usize) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = memchr::memchr(SYNC, bytes.get(from..)?).map(|at| from + at).filter(|at| *at <= limit) {
        if let Some(stride) = packet_stride_at(bytes, at) {
            return Some((at, stride));
        }
        from = at + 1;
    }
    None
}

/// The stride if a packet starts at `at`. Tolerates one wrong sync byte after it.
pub(super) fn packet_stride_at(bytes: &[u8], at: usize) -> Option<usize> {
    let left = bytes.len().checked_sub(at)?;
    STRIDES.into_iter().find(|stride| {
        let offsets = (0..CHECKED_PACKETS).map(|index| at + index * stride).take_while(|offset| *offset < bytes.len());
        let (mut count, mut synced) = (0, 0);
        for offset in offsets {
            count += 1;
            synced += usize::from(bytes.get(offset) == Some(&SYNC));
        }
        let is_start = bytes.get(at) == Some(&SYNC) && left >= PACKET;
        // Two packets prove little, but a resource may consist of no more
        let is_enough = synced >= MIN_SYNCED || (at == 0 && *stride == PACKET && synced == count) || (synced == count && synced > 2);
        is_start && is_enough && synced + 1 >= count
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(count: usize, stride: usize) -> Vec<u8> {
        let mut packet = vec![0; stride];
        packet[0] = SYNC;
        packet.repeat(count)
    }

    #[test]
    fn packets_are_found_after_any_bytes() {
        assert_eq!(find_transport_stream(&packets(8, 188), 0), Some((0, 188)));
        assert_eq!(find_transport_stream(&[vec![1; 4], packets(8, 192)].concat(), 100), Some((4, 192)));
        assert_eq!(find_transport_stream(&packets(8, 204), 0), Some((0, 204)));
        assert_eq!(find_transport_stream(&[vec![SYNC; 5], vec![0; 4000], packets(8, 188)].concat(), 5000), Some((4005, 188)));
        assert_eq!(find_transport_stream(&packets(1, 188), 0), Some((0, 188)));
        assert_eq!(find_transport_stream(&[7; 9000], 9000), None);
        assert_eq!(find_transport_stream(&[vec![1; 50], packets(1, 188)].concat(), 100), None);
    }

    #[test]
    fn one_wrong_sync_byte_is_tolerated() {
        let mut stream = packets(8, 188);
        stream[2 * 188] = 0x46;
        assert_eq!(find_transport_stream(&stream, 0), Some((0, 188)));
    }
}
