//! Encrypts fixtures as the specifications describe it, one AES block at a time, independently of the code under test.

use aes::{
    Aes128, Aes256,
    cipher::{BlockCipherEncrypt, KeyInit},
};

/// Encrypts one block with a key of 16 or 32 bytes.
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

/// CBC of whole blocks, without padding.
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

/// CBC with PKCS#7 padding. The size of the key decides between AES-128 and AES-256.
pub fn cbc_padded(key: &[u8], iv: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let count = 16 - text.len() % 16;
    cbc(key, iv, &[text, &vec![u8::try_from(count).expect("small"); count]].concat())
}

/// Counter mode with a 64-bit counter.
pub fn ctr(key: &[u8], iv: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let low = u64::from_be_bytes(iv[8..].try_into().expect("8"));
    let stream = (0..).flat_map(|count: u64| aes(key, &[&iv[..8], &low.wrapping_add(count).to_be_bytes()].concat()));
    text.iter().zip(stream).map(|(one, other)| one ^ other).collect()
}

/// AES-256-GCM in the layout of HLS: IV, ciphertext, tag (NIST SP 800-38D, section 7.1).
pub fn gcm(key: &[u8], iv: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let h = u128::from_be_bytes(aes(key, &[0; 16]));
    let ghash = |data: &[u8]| data.chunks(16).fold(0, |y, block| multiply(y ^ padded_block(block), h));
    let bits = |size: usize| u128::try_from(size * 8).expect("small");
    let start = multiply(ghash(iv) ^ 128, h);
    let counter = |count: u32| (start & !0xffff_ffff) | u128::from((start & 0xffff_ffff) as u32).wrapping_add(count.into()) & 0xffff_ffff;
    let stream = (1..).flat_map(|count| aes(key, &counter(count).to_be_bytes()));
    let ciphertext: Vec<u8> = text.iter().zip(stream).map(|(one, other)| one ^ other).collect();
    let tag = multiply(ghash(&ciphertext) ^ bits(ciphertext.len()), h) ^ u128::from_be_bytes(aes(key, &start.to_be_bytes()));
    [&iv[..], &ciphertext, &tag.to_be_bytes()].concat()
}

fn padded_block(bytes: &[u8]) -> u128 {
    let mut block = [0; 16];
    block[..bytes.len()].copy_from_slice(bytes);
    u128::from_be_bytes(block)
}

/// Multiplication in GF(2^128) (SP 800-38D, section 6.3).
fn multiply(x: u128, y: u128) -> u128 {
    let (mut z, mut v) = (0, y);
    for bit in (0..128).rev() {
        z ^= if x >> bit & 1 == 1 { v } else { 0 };
        v = (v >> 1) ^ if v & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    z
}

/// METHOD=SAMPLE-AES: unpacks each PES packet of `pid`, encrypts its slices, and packs it again.
pub fn sample_aes_ts(stream: &[u8], pid: u16, hevc: bool, key: &[u8], iv: &[u8; 16]) -> Vec<u8> {
    let mut stream_out = Vec::new();
    let mut pes: Vec<u8> = Vec::new();
    let (mut header, mut counter) = (Vec::new(), 0);
    for packet in stream.chunks_exact(188) {
        if u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) != pid {
            stream_out.extend_from_slice(packet);
            continue;
        }
        let is_start = packet[1] & 0x40 != 0;
        if is_start {
            stream_out.extend(encrypt_pes(&pes, &header, pid, &mut counter, hevc, key, iv));
            pes.clear();
        }
        let adaptation = if packet[3] & 0x20 != 0 { usize::from(packet[4]) + 1 } else { 0 };
        if is_start {
            // Keep the PCR and the random access indicator, drop the stuffing
            header = if adaptation > 1 { packet[5..5 + if packet[5] & 0x10 != 0 { 7 } else { 1 }].to_vec() } else { Vec::new() };
        }
        pes.extend_from_slice(&packet[4 + adaptation..]);
    }
    stream_out.extend(encrypt_pes(&pes, &header, pid, &mut counter, hevc, key, iv));
    stream_out
}

/// The transport packets of an encrypted PES packet; `field` is the content of the first adaptation field.
fn encrypt_pes(pes: &[u8], field: &[u8], pid: u16, counter: &mut u8, hevc: bool, key: &[u8], iv: &[u8; 16]) -> Vec<u8> {
    if pes.is_empty() {
        return Vec::new();
    }
    let start = 9 + usize::from(pes[8]);
    let mut rest = [&pes[..start], &encrypt_units(&pes[start..], hevc, key, iv)].concat();
    rest[4..6].copy_from_slice(&[0, 0]);
    let mut packets = Vec::new();
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
        packets.extend([0x47, if first { 0x40 } else { 0 } | high, low, if has_field { 0x30 } else { 0x10 } | *counter & 15]);
        packets.extend(&adaptation);
        packets.extend(rest.drain(..count));
        *counter = counter.wrapping_add(1);
        first = false;
    }
    packets
}

/// Encrypts every tenth block of the slices of an Annex B byte stream, after 32 clear bytes.
fn encrypt_units(stream: &[u8], hevc: bool, key: &[u8], iv: &[u8; 16]) -> Vec<u8> {
    let starts: Vec<usize> = (0..stream.len().saturating_sub(3)).filter(|start| stream[*start..].starts_with(&[0, 0, 1])).collect();
    let mut encrypted = stream[..starts.first().copied().unwrap_or(stream.len())].to_vec();
    for (index, start) in starts.iter().enumerate() {
        let mut end = starts.get(index + 1).copied().unwrap_or(stream.len());
        let unit_end = end;
        while stream[end - 1] == 0 {
            end -= 1;
        }
        let unit = &stream[start + 3..end];
        let is_slice = if hevc { unit[0] >> 1 & 0x3f < 32 } else { matches!(unit[0] & 0x1f, 1 | 5) };
        encrypted.extend([0, 0, 1]);
        if is_slice && unit.len() > 48 {
            let mut bytes = unit.to_vec();
            let mut at = 32;
            while bytes.len() - at > 16 {
                let last = if at == 32 { &iv[..] } else { &bytes[at - 160..at - 144] };
                let mixed: Vec<u8> = bytes[at..at + 16].iter().zip(last).map(|(one, other)| one ^ other).collect();
                let block = aes(key, &mixed);
                bytes[at..at + 16].copy_from_slice(&block);
                at += 160;
                if at >= bytes.len() {
                    break;
                }
            }
            encrypted.extend(with_emulation_prevention(&bytes));
        } else {
            encrypted.extend(unit);
        }
        encrypted.extend(&stream[end..unit_end]);
    }
    encrypted
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
