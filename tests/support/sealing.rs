//! Encrypts the committed fixtures, by the words of the specifications and one block of AES at a time: independent of what is tested.

use aes::{
    Aes128, Aes256,
    cipher::{BlockCipherEncrypt, KeyInit},
};

/// One block through AES, by a key of either size.
fn aes(key: &[u8], block: &[u8]) -> [u8; 16] {
    let block: [u8; 16] = block.try_into().expect("a block");
    let mut block = block.into();
    if key.len() == 16 {
        Aes128::new_from_slice(key).expect("a key").encrypt_block(&mut block);
    } else {
        Aes256::new_from_slice(key).expect("a key").encrypt_block(&mut block);
    }
    block.into()
}

/// CBC over whole blocks.
pub fn cbc(key: &[u8], iv: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let mut last = *iv;
    text.chunks_exact(16)
        .flat_map(|block| {
            let mixed: Vec<u8> = block.iter().zip(last).map(|(one, other)| one ^ other).collect();
            last = aes(key, &mixed);
            last
        })
        .collect()
}

/// CBC with PKCS#7 padding: AES-128 and, by the key, AES-256.
pub fn padded(key: &[u8], iv: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let count = 16 - text.len() % 16;
    cbc(key, iv, &[text, &vec![u8::try_from(count).expect("small"); count]].concat())
}

/// Counter mode with a counter of 64 bits.
pub fn ctr(key: &[u8], iv: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let low = u64::from_be_bytes(iv[8..].try_into().expect("8"));
    let stream = (0..).flat_map(|count: u64| aes(key, &[&iv[..8], &low.wrapping_add(count).to_be_bytes()].concat()));
    text.iter().zip(stream).map(|(one, other)| one ^ other).collect()
}

/// AES-256-GCM as HLS has it: IV, what is encrypted, tag (NIST SP 800-38D, 7.1).
pub fn gcm(key: &[u8], iv: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let h = u128::from_be_bytes(aes(key, &[0; 16]));
    let ghash = |data: &[u8]| data.chunks(16).fold(0, |y, block| times(y ^ block_of(block), h));
    let bits = |size: usize| u128::try_from(size * 8).expect("small");
    let start = times(ghash(iv) ^ 128, h);
    let counter = |count: u32| (start & !0xffff_ffff) | u128::from((start & 0xffff_ffff) as u32).wrapping_add(count.into()) & 0xffff_ffff;
    let stream = (1..).flat_map(|count| aes(key, &counter(count).to_be_bytes()));
    let sealed: Vec<u8> = text.iter().zip(stream).map(|(one, other)| one ^ other).collect();
    let tag = times(ghash(&sealed) ^ bits(sealed.len()), h) ^ u128::from_be_bytes(aes(key, &start.to_be_bytes()));
    [&iv[..], &sealed, &tag.to_be_bytes()].concat()
}

fn block_of(bytes: &[u8]) -> u128 {
    let mut block = [0; 16];
    block[..bytes.len()].copy_from_slice(bytes);
    u128::from_be_bytes(block)
}

/// Multiplication in GF(2^128) (SP 800-38D, 6.3).
fn times(x: u128, y: u128) -> u128 {
    let (mut z, mut v) = (0, y);
    for bit in (0..128).rev() {
        z ^= if x >> bit & 1 == 1 { v } else { 0 };
        v = (v >> 1) ^ if v & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    z
}

/// METHOD=SAMPLE-AES of a transport stream's only video: every PES packet of `pid` is taken apart, its slices encrypted, and packed anew.
pub fn sample_aes_ts(stream: &[u8], pid: u16, hevc: bool, key: &[u8], iv: &[u8; 16]) -> Vec<u8> {
    let mut sealed = Vec::new();
    let mut pes: Vec<u8> = Vec::new();
    let (mut header, mut counter) = (Vec::new(), 0);
    for packet in stream.chunks_exact(188) {
        if u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) != pid {
            sealed.extend_from_slice(packet);
            continue;
        }
        let begins = packet[1] & 0x40 != 0;
        if begins {
            sealed.extend(packets(&pes, &header, pid, &mut counter, hevc, key, iv));
            pes.clear();
        }
        let adaptation = if packet[3] & 0x20 != 0 { usize::from(packet[4]) + 1 } else { 0 };
        if begins {
            // Keeps the clock and the random access mark, without the stuffing
            header = if adaptation > 1 { packet[5..5 + if packet[5] & 0x10 != 0 { 7 } else { 1 }].to_vec() } else { Vec::new() };
        }
        pes.extend_from_slice(&packet[4 + adaptation..]);
    }
    sealed.extend(packets(&pes, &header, pid, &mut counter, hevc, key, iv));
    sealed
}

fn packets(pes: &[u8], field: &[u8], pid: u16, counter: &mut u8, hevc: bool, key: &[u8], iv: &[u8; 16]) -> Vec<u8> {
    if pes.is_empty() {
        return Vec::new();
    }
    let start = 9 + usize::from(pes[8]);
    let mut rest = [&pes[..start], &units(&pes[start..], hevc, key, iv)].concat();
    rest[4..6].copy_from_slice(&[0, 0]);
    let mut sealed = Vec::new();
    let mut first = true;
    while !rest.is_empty() {
        let field = if first { field } else { &[] };
        let room = 184 - if field.is_empty() { 0 } else { field.len() + 1 };
        let count = rest.len().min(room);
        let [high, low] = pid.to_be_bytes();
        let mut adaptation = field.to_vec();
        let has_field = !field.is_empty() || count < room;
        if has_field {
            let size = 183 - count;
            if adaptation.is_empty() && size > 0 {
                adaptation.push(0);
            }
            adaptation.resize(size, 0xff);
            adaptation.insert(0, u8::try_from(size).expect("below 184"));
        }
        sealed.extend([0x47, if first { 0x40 } else { 0 } | high, low, if has_field { 0x30 } else { 0x10 } | *counter & 15]);
        sealed.extend(&adaptation);
        sealed.extend(rest.drain(..count));
        *counter = counter.wrapping_add(1);
        first = false;
    }
    sealed
}

fn units(stream: &[u8], hevc: bool, key: &[u8], iv: &[u8; 16]) -> Vec<u8> {
    let starts: Vec<usize> = (0..stream.len().saturating_sub(3)).filter(|at| stream[*at..].starts_with(&[0, 0, 1])).collect();
    let mut sealed = stream[..starts.first().copied().unwrap_or(stream.len())].to_vec();
    for (index, at) in starts.iter().enumerate() {
        let mut end = starts.get(index + 1).copied().unwrap_or(stream.len());
        let unit_end = end;
        while stream[end - 1] == 0 {
            end -= 1;
        }
        let unit = &stream[at + 3..end];
        let is_slice = if hevc { unit[0] >> 1 & 0x3f < 32 } else { matches!(unit[0] & 0x1f, 1 | 5) };
        sealed.extend([0, 0, 1]);
        if is_slice && unit.len() > 48 {
            let mut bytes = unit.to_vec();
            let mut place = 32;
            while bytes.len() - place > 16 {
                let last = if place == 32 { &iv[..] } else { &bytes[place - 160..place - 144] };
                let mixed: Vec<u8> = bytes[place..place + 16].iter().zip(last).map(|(one, other)| one ^ other).collect();
                let block = aes(key, &mixed);
                bytes[place..place + 16].copy_from_slice(&block);
                place += 160;
                if place >= bytes.len() {
                    break;
                }
            }
            sealed.extend(with_emulation_prevention(&bytes));
        } else {
            sealed.extend(unit);
        }
        sealed.extend(&stream[end..unit_end]);
    }
    sealed
}

fn with_emulation_prevention(bytes: &[u8]) -> Vec<u8> {
    let mut protected = Vec::new();
    for byte in bytes {
        if *byte <= 3 && protected.ends_with(&[0, 0]) {
            protected.push(3);
        }
        protected.push(*byte);
    }
    protected
}
