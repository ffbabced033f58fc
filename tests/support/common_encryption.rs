//! Applies Common Encryption (ISO/IEC 23001-7) to fragmented MP4 fixtures.

use super::encryption::{cbc, ctr};

/// The codec of the samples.
#[derive(Clone, Copy, PartialEq)]
pub enum Codec {
    H264,
    Hevc,
    Vp9,
    Av1,
}

pub const KID: [u8; 16] = [0x1d; 16];
const CONSTANT_IV: [u8; 16] = [0x77; 16];

fn boxed(name: &[u8], content: &[u8]) -> Vec<u8> {
    [&u32::try_from(content.len() + 8).expect("small").to_be_bytes(), name, content].concat()
}

/// The names and contents of a sequence of boxes.
fn boxes(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    while bytes.len() >= 8 {
        let size = word(bytes, 0) as usize;
        found.push((bytes[4..8].try_into().expect("a name"), &bytes[8..size]));
        bytes = &bytes[size..];
    }
    found
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

/// An init with its only sample entry encrypted, and a `pssh` for a DRM system.
pub fn encrypt_init(clear: &[u8], scheme: [u8; 4], system: Option<[u8; 16]>) -> Vec<u8> {
    let pssh = system.map(|system| boxed(b"pssh", &[&[0; 4][..], &system, &[0; 4]].concat()));
    boxes(clear)
        .into_iter()
        .flat_map(|(name, content)| {
            let mut content = encrypt_entry(name, content, scheme);
            if name == *b"moov" {
                content.extend(pssh.iter().flatten());
            }
            boxed(&name, &content)
        })
        .collect()
}

fn encrypt_entry(name: [u8; 4], content: &[u8], scheme: [u8; 4]) -> Vec<u8> {
    match &name {
        b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" => {
            boxes(content).into_iter().flat_map(|(name, content)| boxed(&name, &encrypt_entry(name, content, scheme))).collect()
        }
        b"stsd" => {
            let (format, entry) = boxes(&content[8..])[0];
            let tenc = if scheme == *b"cbcs" {
                [&[1, 0, 0, 0, 0, 0x19, 1, 0][..], &KID, &[16], &CONSTANT_IV].concat()
            } else {
                [&[0, 0, 0, 0, 0, 0, 1, 8][..], &KID].concat()
            };
            let schm = [&[0; 4][..], &scheme, &[0, 1, 0, 0]].concat();
            let sinf = [boxed(b"frma", &format), boxed(b"schm", &schm), boxed(b"schi", &boxed(b"tenc", &tenc))].concat();
            [&content[..8], &boxed(b"encv", &[entry, &boxed(b"sinf", &sinf)].concat())].concat()
        }
        _ => content.to_vec(),
    }
}

/// Encrypts the samples of a segment of one `moof` and one `mdat`.
pub fn encrypt_segment(clear: &[u8], codec: Codec, scheme: [u8; 4], key: &[u8; 16]) -> Vec<u8> {
    let all = boxes(clear);
    let content = |name: &[u8; 4]| all.iter().find(|one| one.0 == *name).expect("the box").1;
    let sizes = sample_sizes(content(b"moof"));
    let (mut media, mut senc, mut at) = (Vec::new(), Vec::new(), 0);
    for (number, size) in sizes.iter().enumerate() {
        let sample = &content(b"mdat")[at..at + size];
        at += size;
        let parts = subsamples(sample, codec, scheme);
        let iv = u64::try_from(number).expect("small") + 0xab00;
        if scheme != *b"cbcs" {
            senc.extend(iv.to_be_bytes());
        }
        senc.extend(u16::try_from(parts.len()).expect("few").to_be_bytes());
        for (clear, protected) in &parts {
            senc.extend(u16::try_from(*clear).expect("small").to_be_bytes());
            senc.extend(u32::try_from(*protected).expect("small").to_be_bytes());
        }
        media.extend(encrypt_sample(sample, &parts, scheme, key, iv));
    }
    media.extend(&content(b"mdat")[at..]);
    let senc = boxed(b"senc", &[&[0, 0, 0, 2][..], &u32::try_from(sizes.len()).expect("few").to_be_bytes(), &senc].concat());
    let moof: Vec<u8> = boxes(content(b"moof"))
        .into_iter()
        .flat_map(|(name, content)| {
            let mut content = content.to_vec();
            if name == *b"traf" {
                let shift = u32::try_from(senc.len()).expect("small");
                content = boxes(&content)
                    .into_iter()
                    .flat_map(|(name, content)| {
                        let mut content = content.to_vec();
                        if name == *b"trun" {
                            let offset = word(&content, 8) + shift;
                            content[8..12].copy_from_slice(&offset.to_be_bytes());
                        }
                        boxed(&name, &content)
                    })
                    .chain(senc.clone())
                    .collect();
            }
            boxed(&name, &content)
        })
        .collect();
    [boxed(b"styp", content(b"styp")), boxed(b"moof", &moof), boxed(b"mdat", &media)].concat()
}

fn sample_sizes(moof: &[u8]) -> Vec<usize> {
    let traf = boxes(moof).into_iter().find(|one| one.0 == *b"traf").expect("a traf").1;
    let trun = boxes(traf).into_iter().find(|one| one.0 == *b"trun").expect("a trun").1;
    let flags = word(trun, 0) & 0xff_ffff;
    let field = |flag: u32| usize::from(flags & flag != 0) * 4;
    assert!(flags & 1 != 0 && flags & 0x200 != 0, "fixtures have a data offset and sample sizes");
    let start = 12 + field(4);
    let (before, each) = (field(0x100), field(0x100) + field(0x200) + field(0x400) + field(0x800));
    (0..word(trun, 4) as usize).map(|number| word(trun, start + number * each + before) as usize).collect()
}

/// Clear and protected bytes, as packagers choose them: headers stay clear.
fn subsamples(sample: &[u8], codec: Codec, scheme: [u8; 4]) -> Vec<(usize, usize)> {
    let with_clear = |size: usize, clear: usize| {
        let protected = size.saturating_sub(clear);
        let protected = if scheme == *b"cbcs" { protected } else { protected / 16 * 16 };
        (size - protected, protected)
    };
    match codec {
        Codec::Vp9 => vec![with_clear(sample.len(), 32)],
        Codec::Av1 => vec![with_clear(sample.len(), 64)],
        Codec::H264 | Codec::Hevc => {
            let mut parts = Vec::new();
            let mut at = 0;
            while at < sample.len() {
                let size = word(sample, at) as usize + 4;
                let header = sample[at + 4];
                let is_slice = if codec == Codec::H264 { matches!(header & 0x1f, 1 | 5) } else { header >> 1 & 0x3f < 32 };
                parts.push(if is_slice { with_clear(size, 4 + 16) } else { (size, 0) });
                at += size;
            }
            parts
        }
    }
}

fn encrypt_sample(sample: &[u8], parts: &[(usize, usize)], scheme: [u8; 4], key: &[u8; 16], iv: u64) -> Vec<u8> {
    let mut encrypted = sample.to_vec();
    let mut at = 0;
    if scheme == *b"cbcs" {
        for (clear, count) in parts {
            at += clear;
            // One block of ten, chained within the subsample
            let offsets: Vec<usize> = (at..at + count).step_by(160).filter(|offset| offset + 16 <= at + count).collect();
            let text: Vec<u8> = offsets.iter().flat_map(|offset| sample[*offset..offset + 16].to_vec()).collect();
            for (offset, block) in offsets.iter().zip(cbc(key, &CONSTANT_IV, &text).chunks(16)) {
                encrypted[*offset..offset + 16].copy_from_slice(block);
            }
            at += count;
        }
    } else {
        let mut offsets = Vec::new();
        for (clear, count) in parts {
            offsets.extend(at + clear..at + clear + count);
            at += clear + count;
        }
        let text: Vec<u8> = offsets.iter().map(|offset| sample[*offset]).collect();
        let iv = [iv.to_be_bytes(), [0; 8]].concat().try_into().expect("16");
        for (offset, byte) in offsets.iter().zip(ctr(key, &iv, &text)) {
            encrypted[*offset] = byte;
        }
    }
    encrypted
}
