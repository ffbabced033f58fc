//! Normalizes a transport stream: whole packets of 188 bytes in sync, no duplicates, and gaps in the continuity counters only where packets
//! were lost (ISO/IEC 13818-1, 2.4.3).
//!
//! libavformat's demuxer takes duplicates for data, constant counters for loss, and loses packets around a wrong sync byte.

use std::{borrow::Cow, collections::BTreeMap};

use super::transport_sync::{PACKET, SYNC, find_transport_stream, packet_stride_at};

/// Maximum number of bytes to search for the first packet.
const MAX_SEARCH_BYTES: usize = 1 << 20;
/// This many bytes are enough to find where packets start.
const MIN_SYNC_BYTES: usize = 6 * 204;
/// Shorter streams are filled up with null packets: libavformat needs this many packets to recognize a stream.
const MIN_PACKETS: u64 = 48;
const NULL_PID: u16 = 0x1fff;
/// The size of a PES packet's header up to the end of its PTS.
const PES_HEADER_BYTES: usize = 14;

/// The first timestamp of an elementary stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamStart {
    /// Its packet identifier.
    pub pid: u16,
    /// The first presentation timestamp, in units of 1/90000 s.
    pub pts: i64,
    /// The offset of its packet in the input, in bytes.
    pub position: u64,
}

/// The state of one packet identifier.
#[derive(Debug, Default)]
struct PidState {
    /// The last continuity counter of the input.
    counter: Option<u8>,
    /// The last continuity counter of the output.
    output_counter: u8,
    /// The last payload, to recognize a duplicate.
    last_payload: Vec<u8>,
    /// The offset of the last packet in the input.
    position: u64,
    has_start: bool,
}

/// A part of the output that is contiguous in the input.
#[derive(Debug, Clone, Copy)]
struct ContiguousRun {
    output: u64,
    input: u64,
    /// The distance between the starts of packets in the input, in bytes.
    stride: usize,
}

/// Normalizes a transport stream. Input and output are byte streams.
#[derive(Debug, Default)]
pub struct TransportReader {
    buffer: Vec<u8>,
    /// The offset of the buffer's first byte in the input.
    position: u64,
    /// The distance between the starts of packets, in bytes, while in sync.
    stride: Option<usize>,
    /// Bytes between two packets that have not arrived yet.
    skip: usize,
    /// The number of packets that were returned.
    output_packets: u64,
    pids: BTreeMap<u16, PidState>,
    /// Maps offsets of the output to the input.
    runs: Vec<ContiguousRun>,
    starts: Vec<StreamStart>,
}

impl TransportReader {
    /// Adds input and returns the packets that are complete.
    ///
    /// `next_resource(from, to)` is the offset, after `from` and up to `to`, at which another resource starts in the input. No packet continues in
    /// another resource, and continuity counters may restart there.
    pub fn push(&mut self, bytes: &[u8], next_resource: impl Fn(u64, u64) -> Option<u64>) -> Vec<u8> {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        self.buffer.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
        self.process(false, &next_resource)
    }

    /// Ends the input and returns the remaining packets.
    pub fn finish(&mut self, next_resource: impl Fn(u64, u64) -> Option<u64>) -> Vec<u8> {
        let mut rest = self.process(true, &next_resource);
        while (1..MIN_PACKETS).contains(&self.output_packets) {
            rest.extend_from_slice(&[SYNC, 0x1f, 0xff, 0x10]);
            rest.extend_from_slice(&[0xff; PACKET - 4]);
            self.output_packets += 1;
        }
        rest
    }

    /// The offset in the input of an offset in the output.
    pub fn input_offset(&self, position: u64) -> u64 {
        let run = self.runs.iter().rfind(|run| run.output <= position).copied();
        let run = run.unwrap_or(ContiguousRun { output: 0, input: 0, stride: PACKET });
        let (packets, inside) = ((position - run.output) / PACKET as u64, (position - run.output) % PACKET as u64);
        run.input + packets * run.stride as u64 + inside
    }

    /// The first timestamps of all elementary streams found until now.
    pub fn stream_starts(&self) -> &[StreamStart] {
        &self.starts
    }

    fn process(&mut self, has_ended: bool, next_resource: &dyn Fn(u64, u64) -> Option<u64>) -> Vec<u8> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut output = Vec::with_capacity(buffer.len());
        let mut at = 0;
        let mut is_contiguous = false;
        while let Some(rest) = buffer.get(at..).filter(|rest| !rest.is_empty()) {
            let here = self.position + at as u64;
            let Some(stride) = self.stride else {
                match find_packets(rest, has_ended, here, next_resource) {
                    PacketSearch::Found { offset, stride } => {
                        at += offset;
                        (self.stride, is_contiguous) = (Some(stride), false);
                    }
                    PacketSearch::ResourceWithout(length) => at += length,
                    PacketSearch::NotYet(skipped) => {
                        at += skipped;
                        break;
                    }
                }
                continue;
            };
            if let Some(start) = next_resource(here, here + PACKET as u64 - 1) {
                // The previous resource ended in the middle of a packet
                at += usize::try_from(start - here).unwrap_or(usize::MAX);
                (self.stride, is_contiguous) = (packet_stride_at(buffer.get(at..).unwrap_or_default(), 0), false);
                continue;
            }
            let Some(packet) = rest.get(..PACKET) else { break };
            if packet.first() != Some(&SYNC) {
                if rest.len() < 3 * stride && !has_ended {
                    break;
                }
                // Only this sync byte is wrong if packets follow
                let has_next = rest.get(stride) == Some(&SYNC) && rest.get(2 * stride).is_none_or(|byte| *byte == SYNC);
                if !has_next {
                    (self.stride, at) = (None, at + 1);
                    continue;
                }
            }
            if let Some(packet) = self.normalize_packet(packet, here, next_resource) {
                if !is_contiguous {
                    self.runs.push(ContiguousRun { output: self.output_packets * PACKET as u64, input: here, stride });
                    is_contiguous = true;
                }
                self.output_packets += 1;
                output.extend_from_slice(&packet);
            } else {
                is_contiguous = false;
            }
            at += stride;
        }
        self.position += at as u64;
        self.buffer = buffer.get(at..).unwrap_or_default().to_vec();
        self.skip += at.saturating_sub(buffer.len());
        output
    }

    /// The packet to return; `None` for a duplicate, or if the header is damaged.
    fn normalize_packet<'a>(
        &mut self,
        packet: &'a [u8],
        here: u64,
        next_resource: &dyn Fn(u64, u64) -> Option<u64>,
    ) -> Option<Cow<'a, [u8]>> {
        let [sync, high, low, control, ..] = *packet else { return None };
        let pid = u16::from_be_bytes([high & 0x1f, low]);
        let is_synced = sync == SYNC;
        if pid == NULL_PID {
            return is_synced.then_some(Cow::Borrowed(packet));
        }
        if !is_synced && !self.pids.contains_key(&pid) {
            return None;
        }
        let (has_adaptation, has_payload, counter) = (control & 0x20 != 0, control & 0x10 != 0, control & 0x0f);
        let payload_at = if has_adaptation { packet.get(4).map_or(PACKET, |length| 5 + usize::from(*length)) } else { 4 };
        let payload = packet.get(payload_at..).filter(|_| has_payload).unwrap_or_default();
        let is_discontinuous =
            has_adaptation && packet.get(4).is_some_and(|length| *length > 0) && packet.get(5).is_some_and(|flags| flags & 0x80 != 0);
        let state = self.pids.entry(pid).or_default();
        let continues = !is_discontinuous && state.counter.is_some() && next_resource(state.position, here).is_none();
        let last = state.counter.unwrap_or(counter);
        let next = (last + 1) & 0x0f;
        let is_duplicate = continues && has_payload && counter == last;
        if is_duplicate && state.last_payload.ends_with(payload) && !payload.is_empty() {
            return None;
        }
        // Not a loss: some multiplexers never increment the counter, others also count packets without payload
        let is_lost = continues && counter != next && counter != last;
        if !is_synced && is_lost {
            return None;
        }
        if is_first_start(state, high, payload)
            && let Some(pts) = presentation_timestamp(payload)
        {
            state.has_start = true;
            self.starts.push(StreamStart { pid, pts, position: here });
        }
        let step = u8::from(has_payload) + u8::from(is_lost);
        state.output_counter = if state.counter.is_none() { counter } else { (state.output_counter + step) & 0x0f };
        (state.counter, state.position) = (Some(counter), here);
        if has_payload {
            state.last_payload.clear();
            state.last_payload.extend_from_slice(payload);
        }
        if is_synced && state.output_counter == counter {
            return Some(Cow::Borrowed(packet));
        }
        let mut own = packet.to_vec();
        if let Some(head) = own.first_chunk_mut::<4>() {
            (head[0], head[3]) = (SYNC, control & 0xf0 | state.output_counter);
        }
        Some(Cow::Owned(own))
    }
}

/// The result of [`find_packets`].
enum PacketSearch {
    Found {
        offset: usize,
        stride: usize,
    },
    /// A resource of this many bytes, without packets.
    ResourceWithout(usize),
    /// No packets yet. This many bytes can be skipped.
    NotYet(usize),
}

/// Searches `rest`, which starts at offset `here` of the input, for packets.
fn find_packets(rest: &[u8], has_ended: bool, here: u64, next_resource: &dyn Fn(u64, u64) -> Option<u64>) -> PacketSearch {
    // A short resource, like the tables in EXT-X-MAP, is searched alone: other bytes may follow it
    let next = next_resource(here, here + rest.len() as u64 - 1).and_then(|start| usize::try_from(start - here).ok());
    let short = next.filter(|length| *length < MIN_SYNC_BYTES);
    if short.is_none() && rest.len() < MIN_SYNC_BYTES && !has_ended {
        return PacketSearch::NotYet(0);
    }
    let searched = short.and_then(|length| rest.get(..length)).unwrap_or(rest);
    match (find_transport_stream(searched, MAX_SEARCH_BYTES), short) {
        (Some((offset, stride)), _) => PacketSearch::Found { offset, stride },
        (None, Some(length)) => PacketSearch::ResourceWithout(length),
        (None, None) if has_ended => PacketSearch::NotYet(rest.len()),
        // The last bytes may be the start of packets
        (None, None) => PacketSearch::NotYet(rest.len() - MIN_SYNC_BYTES.min(rest.len())),
    }
}

/// Whether a packet starts the first PES packet of its stream. `high` is the header byte with `payload_unit_start_indicator`.
fn is_first_start(state: &PidState, high: u8, payload: &[u8]) -> bool {
    !state.has_start && high & 0x40 != 0 && payload.starts_with(&[0, 0, 1])
}

/// The PTS in a PES packet's header (ISO/IEC 13818-1, 2.4.3.6).
fn presentation_timestamp(payload: &[u8]) -> Option<i64> {
    let header = payload.get(..PES_HEADER_BYTES).filter(|header| header.get(7).is_some_and(|flags| flags & 0x80 != 0))?;
    // 3, 15 and 15 bits, each followed by a marker bit
    let [top, parts @ ..] = *header.last_chunk::<5>()?;
    let [middle, low] = [[parts[0], parts[1]], [parts[2], parts[3]]].map(|part| i64::from(u16::from_be_bytes(part) >> 1));
    Some(i64::from(top >> 1 & 7) << 30 | middle << 15 | low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(counter: u8, content: u8) -> Vec<u8> {
        [vec![SYNC, 1, 0, 0x10 | counter], vec![content; PACKET - 4]].concat()
    }

    fn stream(counters: &[(u8, u8)]) -> Vec<u8> {
        counters.iter().flat_map(|(counter, content)| packet(*counter, *content)).collect()
    }

    /// The counters and contents of the normalized packets, without null packets.
    fn normalized(input: &[u8], piece: usize, next_resource: impl Fn(u64, u64) -> Option<u64>) -> Vec<(u8, u8)> {
        let mut transport = TransportReader::default();
        let mut output: Vec<u8> = input.chunks(piece).flat_map(|bytes| transport.push(bytes, &next_resource)).collect();
        output.extend(transport.finish(&next_resource));
        assert!(output.chunks(PACKET).all(|packet| packet.len() == PACKET && packet[0] == SYNC));
        let packets = output.chunks(PACKET).filter(|packet| packet[1] != 0x1f);
        packets.map(|packet| (packet[3] & 0x0f, packet[187])).collect()
    }

    fn normalized_in_pieces(input: &[u8]) -> Vec<(u8, u8)> {
        let wanted = normalized(input, 1 << 20, |_, _| None);
        for piece in [1, 7, 188, 1000] {
            assert_eq!(normalized(input, piece, |_, _| None), wanted, "in pieces of {piece}");
        }
        wanted
    }

    const PLAIN: [(u8, u8); 8] = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8)];

    #[test]
    fn a_valid_stream_is_unchanged() {
        assert_eq!(normalized_in_pieces(&stream(&PLAIN)), PLAIN);
        assert_eq!(normalized_in_pieces(&stream(&PLAIN[..1])), PLAIN[..1]);
    }

    #[test]
    fn duplicates_are_removed_and_constant_counters_are_replaced() {
        let mut twice = stream(&PLAIN);
        twice.splice(2 * PACKET..2 * PACKET, packet(1, 2));
        assert_eq!(normalized_in_pieces(&twice), PLAIN);
        let still: Vec<_> = PLAIN.iter().map(|(_, content)| (0, *content)).collect();
        assert_eq!(normalized_in_pieces(&stream(&still)), PLAIN);
    }

    #[test]
    fn a_lost_packet_leaves_a_gap_in_the_counters() {
        let lossy = [&PLAIN[..3], &PLAIN[4..]].concat();
        assert_eq!(normalized_in_pieces(&stream(&lossy)), lossy);
        assert_eq!(normalized(&stream(&lossy), 500, |from, to| (from < 564 && to >= 564).then_some(564))[3], (3, 5), "another resource");
    }

    #[test]
    fn junk_and_extra_bytes_around_packets_are_removed() {
        let junk = [vec![9; 70], stream(&PLAIN), b"\r\n".to_vec()].concat();
        assert_eq!(normalized_in_pieces(&junk), PLAIN);
        for (before, after) in [(4, 0), (0, 16)] {
            let large = PLAIN.iter().flat_map(|(counter, content)| [vec![0; before], packet(*counter, *content), vec![0; after]].concat());
            assert_eq!(normalized_in_pieces(&large.collect::<Vec<_>>()), PLAIN, "{before}, {after}");
        }
    }

    #[test]
    fn a_wrong_sync_byte_is_corrected() {
        let mut damaged = stream(&PLAIN);
        damaged[5 * PACKET] = 0;
        assert_eq!(normalized_in_pieces(&damaged), PLAIN);
    }

    #[test]
    fn a_short_resource_before_junk_is_kept() {
        let input = [stream(&PLAIN[..2]), vec![9; 1000], stream(&PLAIN[2..])].concat();
        let start = 2 * PACKET as u64;
        for piece in [100, 188, 5000] {
            assert_eq!(normalized(&input, piece, |from, to| (from < start && to >= start).then_some(start)), PLAIN, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_truncated_packet_is_dropped() {
        let first = stream(&PLAIN[..5]);
        let cut = [&first[..first.len() - 50], &stream(&PLAIN)].concat();
        let start = first.len() as u64 - 50;
        let got = normalized(&cut, 300, |from, to| (from < start && to >= start).then_some(start));
        assert_eq!(got[..4], PLAIN[..4]);
        assert_eq!(got.len(), 12);
    }

    #[test]
    fn offsets_and_first_timestamps_refer_to_the_input() {
        let mut start = packet(0, 0);
        start[1] |= 0x40;
        start[4..18].copy_from_slice(&[0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 3]);
        let input = [vec![9; 70], start, stream(&PLAIN[1..])].concat();
        let mut transport = TransportReader::default();
        transport.push(&input, |_, _| None);
        assert_eq!(transport.stream_starts(), [StreamStart { pid: 0x100, pts: 1, position: 70 }]);
        assert_eq!((transport.input_offset(0), transport.input_offset(200)), (70, 270));
    }
}
