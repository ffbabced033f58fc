//! Where the packets of a transport stream lie among other bytes (ISO/IEC 13818-1, 2.4.3.2).
//!
//! Packets have 188 bytes; recorders put 4 bytes of time before each (192), broadcasters 16 bytes of error correction behind each (204). Origins put
//! pictures, tags or zeros before a stream.

/// The size of a packet by itself.
pub(super) const PACKET: usize = 188;
pub(super) const SYNC: u8 = 0x47;
/// How far apart packets may start.
const STRIDES: [usize; 3] = [PACKET, 192, 204];
/// So many packets are looked at.
const LOOKED_AT: usize = 6;
/// So many must be there, unless the stream is shorter.
const SURE: usize = 4;

/// The offset of the first packet in `bytes`, at most `limit`, and how far apart packets start.
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

/// How far apart packets start if one starts at `at`. One wrong sync byte behind it is forgiven.
pub fn packet_stride_at(bytes: &[u8], at: usize) -> Option<usize> {
    let left = bytes.len().checked_sub(at)?;
    STRIDES.into_iter().find(|stride| {
        let places =
            (0..LOOKED_AT).map(|index| at + index * stride).take_while(|place| place + PACKET <= bytes.len() || *place < bytes.len());
        let (mut count, mut synced) = (0, 0);
        for place in places {
            count += 1;
            synced += usize::from(bytes.get(place) == Some(&SYNC));
        }
        let is_start = bytes.get(at) == Some(&SYNC) && left >= PACKET;
        // Two packets say little, but at the very start of a resource they may be all there is
        let enough = synced >= SURE || (at == 0 && *stride == PACKET && synced == count) || (synced == count && synced > 2);
        is_start && enough && synced + 1 >= count
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
    fn packets_are_found_behind_anything() {
        assert_eq!(find_transport_stream(&packets(8, 188), 0), Some((0, 188)));
        assert_eq!(find_transport_stream(&[vec![1; 4], packets(8, 192)].concat(), 100), Some((4, 192)));
        assert_eq!(find_transport_stream(&packets(8, 204), 0), Some((0, 204)));
        assert_eq!(find_transport_stream(&[vec![SYNC; 5], vec![0; 4000], packets(8, 188)].concat(), 5000), Some((4005, 188)));
        assert_eq!(find_transport_stream(&packets(1, 188), 0), Some((0, 188)));
        assert_eq!(find_transport_stream(&[7; 9000], 9000), None);
        assert_eq!(find_transport_stream(&[vec![1; 50], packets(1, 188)].concat(), 100), None);
    }

    #[test]
    fn one_wrong_sync_byte_is_forgiven() {
        let mut stream = packets(8, 188);
        stream[2 * 188] = 0x46;
        assert_eq!(find_transport_stream(&stream, 0), Some((0, 188)));
    }
}
