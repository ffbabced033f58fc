//! A transport stream as the standard has it, made of what origins send: packets of 188 bytes, in sync, each once, whose counters have gaps
//! only where packets were lost.
//!
//! libavformat's demuxer takes duplicates for data, counters that stand still for loss, and loses packets around a wrong sync byte.

use std::{borrow::Cow, collections::BTreeMap};

use super::transport_sync::{PACKET, SYNC, find_transport_stream, packet_stride_at};

/// A stream is looked for in so many bytes; behind more, nothing is found.
const SEARCHED: usize = 1 << 20;
/// So many bytes tell where packets start.
const TELLING: usize = 6 * 204;
/// A shorter stream is filled up with null packets: libavformat wants this much to be sure.
const SHORTEST: u64 = 48;
const NULL: u16 = 0x1fff;
/// A PES packet's start code, and the bytes of its header up to the end of a PTS.
const PES_HEADER: usize = 14;

/// The first timestamp of an elementary stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamStart {
    /// Its packet identifier.
    pub pid: u16,
    /// The first presentation timestamp, in units of 1/90000 s.
    pub pts: i64,
    /// Where it lies in the input, in bytes.
    pub position: u64,
}

/// What is known of one packet identifier.
#[derive(Debug, Default)]
struct Pid {
    counter: Option<u8>,
    given: u8,
    /// The last packet, to recognise a duplicate.
    last: Vec<u8>,
    position: u64,
    has_start: bool,
}

/// Brings a transport stream into order. Input and output are byte streams.
#[derive(Debug, Default)]
pub struct TransportReader {
    buffer: Vec<u8>,
    /// The offset in the input of the buffer's first byte.
    position: u64,
    stride: Option<usize>,
    /// Bytes between two packets that did not come yet.
    skip: usize,
    /// Packets that were given.
    given: u64,
    pids: BTreeMap<u16, Pid>,
    /// Where the output continues at another place of the input: offsets of both, and how far apart packets start there.
    jumps: Vec<(u64, u64, usize)>,
    starts: Vec<StreamStart>,
}

impl TransportReader {
    /// Adds input, and gives what can be given on. `resource` tells where in the input, behind the first offset and not behind the second, another
    /// resource starts: a packet does not go on there, and counters may start anew.
    pub fn push(&mut self, bytes: &[u8], resource: impl Fn(u64, u64) -> Option<u64>) -> Vec<u8> {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        self.buffer.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
        self.run(false, &resource)
    }

    /// The rest, at the end of the input.
    pub fn finish(&mut self, resource: impl Fn(u64, u64) -> Option<u64>) -> Vec<u8> {
        let mut rest = self.run(true, &resource);
        while (1..SHORTEST).contains(&self.given) {
            rest.extend_from_slice(&[SYNC, 0x1f, 0xff, 0x10]);
            rest.extend_from_slice(&[0xff; PACKET - 4]);
            self.given += 1;
        }
        rest
    }

    /// The place in the input that an offset in the output comes from.
    pub fn input_offset(&self, position: u64) -> u64 {
        let jump = self.jumps.iter().rfind(|(output, ..)| *output <= position).copied();
        let (output, input, stride) = jump.unwrap_or((0, 0, PACKET));
        let (packets, inside) = ((position - output) / PACKET as u64, (position - output) % PACKET as u64);
        input + packets * stride as u64 + inside
    }

    /// The first timestamps of all elementary streams that came so far.
    pub fn stream_starts(&self) -> &[StreamStart] {
        &self.starts
    }

    fn run(&mut self, ended: bool, resource: &dyn Fn(u64, u64) -> Option<u64>) -> Vec<u8> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut output = Vec::with_capacity(buffer.len());
        let mut at = 0;
        let mut follows = false;
        while let Some(rest) = buffer.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(stride) = self.stride else {
                // A resource may be short, as tables in EXT-X-MAP are, and what follows it begins with other bytes
                let here = self.position + at as u64;
                let next = resource(here, here + rest.len() as u64 - 1).and_then(|start| usize::try_from(start - here).ok());
                if let Some(length) = next.filter(|length| *length < TELLING) {
                    match find_transport_stream(rest.get(..length).unwrap_or_default(), SEARCHED) {
                        Some((offset, stride)) => {
                            at += offset;
                            (self.stride, follows) = (Some(stride), false);
                        }
                        None => at += length,
                    }
                    continue;
                }
                if rest.len() < TELLING && !ended {
                    break;
                }
                match find_transport_stream(rest, SEARCHED) {
                    Some((offset, stride)) => {
                        at += offset;
                        (self.stride, follows) = (Some(stride), false);
                        continue;
                    }
                    // What may be the start of packets stays
                    None if ended => at = buffer.len(),
                    None => at += rest.len() - TELLING.min(rest.len()),
                }
                break;
            };
            let here = self.position + at as u64;
            if let Some(start) = resource(here, here + PACKET as u64 - 1) {
                // The resource before ended in the middle of a packet
                at += usize::try_from(start - here).unwrap_or(usize::MAX);
                (self.stride, follows) = (packet_stride_at(buffer.get(at..).unwrap_or_default(), 0), false);
                continue;
            }
            let Some(packet) = rest.get(..PACKET) else { break };
            if packet.first() != Some(&SYNC) {
                if rest.len() < 3 * stride && !ended {
                    break;
                }
                // A wrong byte, if packets go on behind this one
                let goes_on = rest.get(stride) == Some(&SYNC) && rest.get(2 * stride).is_none_or(|byte| *byte == SYNC);
                if !goes_on {
                    (self.stride, at) = (None, at + 1);
                    continue;
                }
            }
            if let Some(whole) = self.packet(packet, here, resource) {
                if !follows {
                    self.jumps.push((self.given * PACKET as u64, here, stride));
                    follows = true;
                }
                self.given += 1;
                output.extend_from_slice(&whole);
            } else {
                follows = false;
            }
            at += stride;
        }
        self.position += at as u64;
        self.buffer = buffer.get(at..).unwrap_or_default().to_vec();
        self.skip += at.saturating_sub(buffer.len());
        output
    }

    /// What is given on for a packet: `None` for a duplicate, and for one whose header is damaged.
    fn packet<'a>(&mut self, packet: &'a [u8], here: u64, resource: &dyn Fn(u64, u64) -> Option<u64>) -> Option<Cow<'a, [u8]>> {
        let [sync, high, low, control, ..] = *packet else { return None };
        let pid = u16::from_be_bytes([high & 0x1f, low]);
        let is_synced = sync == SYNC;
        if pid == NULL {
            return is_synced.then_some(Cow::Borrowed(packet));
        }
        if !is_synced && !self.pids.contains_key(&pid) {
            return None;
        }
        let (has_adaptation, has_payload, counter) = (control & 0x20 != 0, control & 0x10 != 0, control & 0x0f);
        let payload_at = if has_adaptation { packet.get(4).map_or(PACKET, |length| 5 + usize::from(*length)) } else { 4 };
        let payload = packet.get(payload_at..).filter(|_| has_payload).unwrap_or_default();
        let starts_anew =
            has_adaptation && packet.get(4).is_some_and(|length| *length > 0) && packet.get(5).is_some_and(|flags| flags & 0x80 != 0);
        let state = self.pids.entry(pid).or_default();
        let continues = !starts_anew && state.counter.is_some() && resource(state.position, here).is_none();
        let last = state.counter.unwrap_or(counter);
        let next = (last + 1) & 0x0f;
        let is_repeated = continues && has_payload && counter == last;
        if is_repeated && state.last.ends_with(payload) && !payload.is_empty() {
            return None;
        }
        // A counter that stands still while the payload goes on counts nothing; some count packets without payload too
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
        state.given = if state.counter.is_none() { counter } else { (state.given + step) & 0x0f };
        (state.counter, state.position) = (Some(counter), here);
        if has_payload {
            state.last.clear();
            state.last.extend_from_slice(payload);
        }
        if is_synced && state.given == counter {
            return Some(Cow::Borrowed(packet));
        }
        let mut own = packet.to_vec();
        if let Some(head) = own.first_chunk_mut::<4>() {
            (head[0], head[3]) = (SYNC, control & 0xf0 | state.given);
        }
        Some(Cow::Owned(own))
    }
}

/// Whether the payload starts the first PES packet of its stream with a timestamp.
fn is_first_start(state: &Pid, high: u8, payload: &[u8]) -> bool {
    !state.has_start && high & 0x40 != 0 && payload.starts_with(&[0, 0, 1])
}

/// The PTS in a PES packet's header (ISO/IEC 13818-1, 2.4.3.6).
fn presentation_timestamp(payload: &[u8]) -> Option<i64> {
    let header = payload.get(..PES_HEADER).filter(|header| header.get(7).is_some_and(|flags| flags & 0x80 != 0))?;
    // Three bits, and twice fifteen, each before a marker bit
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

    /// Counters and contents of the packets that come out, with null packets left out.
    fn through(input: &[u8], piece: usize, resource: impl Fn(u64, u64) -> Option<u64>) -> Vec<(u8, u8)> {
        let mut transport = TransportReader::default();
        let mut output: Vec<u8> = input.chunks(piece).flat_map(|bytes| transport.push(bytes, &resource)).collect();
        output.extend(transport.finish(&resource));
        assert!(output.chunks(PACKET).all(|packet| packet.len() == PACKET && packet[0] == SYNC));
        let packets = output.chunks(PACKET).filter(|packet| packet[1] != 0x1f);
        packets.map(|packet| (packet[3] & 0x0f, packet[187])).collect()
    }

    fn whole(input: &[u8]) -> Vec<(u8, u8)> {
        let wanted = through(input, 1 << 20, |_, _| None);
        for piece in [1, 7, 188, 1000] {
            assert_eq!(through(input, piece, |_, _| None), wanted, "in pieces of {piece}");
        }
        wanted
    }

    const PLAIN: [(u8, u8); 8] = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8)];

    #[test]
    fn a_stream_that_is_well_stays_as_it_is() {
        assert_eq!(whole(&stream(&PLAIN)), PLAIN);
        assert_eq!(whole(&stream(&PLAIN[..1])), PLAIN[..1]);
    }

    #[test]
    fn duplicates_go_and_counters_that_stand_still_count() {
        let mut twice = stream(&PLAIN);
        twice.splice(2 * PACKET..2 * PACKET, packet(1, 2));
        assert_eq!(whole(&twice), PLAIN);
        let still: Vec<_> = PLAIN.iter().map(|(_, content)| (0, *content)).collect();
        assert_eq!(whole(&stream(&still)), PLAIN);
    }

    #[test]
    fn a_lost_packet_leaves_a_gap_in_the_counters() {
        let lossy = [&PLAIN[..3], &PLAIN[4..]].concat();
        assert_eq!(whole(&stream(&lossy)), lossy);
        assert_eq!(through(&stream(&lossy), 500, |from, to| (from < 564 && to >= 564).then_some(564))[3], (3, 5), "another resource");
    }

    #[test]
    fn junk_and_larger_packets_are_taken_away() {
        let junk = [vec![9; 70], stream(&PLAIN), b"\r\n".to_vec()].concat();
        assert_eq!(whole(&junk), PLAIN);
        for (before, behind) in [(4, 0), (0, 16)] {
            let large = PLAIN.iter().flat_map(|(counter, content)| [vec![0; before], packet(*counter, *content), vec![0; behind]].concat());
            assert_eq!(whole(&large.collect::<Vec<_>>()), PLAIN, "{before}, {behind}");
        }
    }

    #[test]
    fn a_wrong_sync_byte_is_mended() {
        let mut hurt = stream(&PLAIN);
        hurt[5 * PACKET] = 0;
        assert_eq!(whole(&hurt), PLAIN);
    }

    #[test]
    fn a_short_resource_before_junk_stays() {
        let input = [stream(&PLAIN[..2]), vec![9; 1000], stream(&PLAIN[2..])].concat();
        let start = 2 * PACKET as u64;
        for piece in [100, 188, 5000] {
            assert_eq!(through(&input, piece, |from, to| (from < start && to >= start).then_some(start)), PLAIN, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_cut_in_mid_packet_costs_that_packet() {
        let first = stream(&PLAIN[..5]);
        let cut = [&first[..first.len() - 50], &stream(&PLAIN)].concat();
        let start = first.len() as u64 - 50;
        let got = through(&cut, 300, |from, to| (from < start && to >= start).then_some(start));
        assert_eq!(got[..4], PLAIN[..4]);
        assert_eq!(got.len(), 12);
    }

    #[test]
    fn places_and_first_timestamps_are_those_of_the_input() {
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
