//! The sound of a segment: whether it has audio, and whether that is silent. The expectations are the inputs of ffmpeg and FDK's encoder.

#![allow(clippy::indexing_slicing, reason = "a wrong test should fail loudly")]

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use crate::origin::{Origin, fixture};
use bytes::Bytes;
use hlsnap::{
    Client, Error, NetworkPolicy, SnapshotRequest,
    internals::{
        capture::{SoundFacts, picture_and_sound, sound_of_newest_segment},
        libav::{ByteSource, DecryptSamples, EncryptedPacket, NormalizedStream, Upstream, read_sound},
        watch::Sound,
    },
    snapshot,
};

/// Two seconds of video, without sound.
const VIDEO: &str = "late-key/0.ts";
/// A tone of -20 dBFS, and the same tone 30 and 50 dB lower.
const TONES: [(&str, &str); 3] = [
    ("tone", "sine=f=440:r=48000:d=2,volume=-2dB,pan=stereo|c0=c0|c1=c0"),
    ("quiet tone", "sine=f=440:r=48000:d=2,volume=-32dB,pan=stereo|c0=c0|c1=c0"),
    ("faint tone", "sine=f=440:r=48000:d=2,volume=-45dB,pan=stereo|c0=c0|c1=c0"),
];
/// Sounds, and whether they are silence.
const SOUNDS: [(&str, &str, Sound); 7] = [
    (TONES[0].0, TONES[0].1, Sound::Present),
    (TONES[1].0, TONES[1].1, Sound::Present),
    (TONES[2].0, TONES[2].1, Sound::Present),
    ("noise like speech", "anoisesrc=c=pink:a=0.1:r=48000:d=2,tremolo=f=4:d=0.9,aformat=channel_layouts=stereo", Sound::Present),
    ("music that fades out", "sine=f=300:r=48000:d=2,afade=out:d=1,aformat=channel_layouts=stereo", Sound::Present),
    ("digital silence", "anullsrc=r=48000:cl=stereo:d=2", Sound::Silent),
    ("noise of -80 dB", "anoisesrc=c=white:a=0.0001:r=48000:d=2,aformat=channel_layouts=stereo", Sound::Silent),
];
/// Files, and ffmpeg's options for each.
const FILES: [(&str, &str); 12] = [
    ("aac.ts", "-c:a aac -f mpegts"),
    ("mp2.ts", "-c:a mp2 -f mpegts"),
    ("mp3.ts", "-c:a libmp3lame -f mpegts"),
    ("ac3.ts", "-c:a ac3 -f mpegts"),
    ("eac3.ts", "-c:a eac3 -f mpegts"),
    ("latm.ts", "-c:a aac -f mpegts -mpegts_flags latm"),
    ("aac.mp4", "-c:a aac -f mp4 -movflags frag_keyframe+delay_moov+empty_moov+default_base_moof"),
    ("mp3.mp4", "-c:a libmp3lame -f mp4 -movflags frag_keyframe+delay_moov+empty_moov+default_base_moof"),
    ("ac3.mp4", "-c:a ac3 -f mp4 -movflags frag_keyframe+delay_moov+empty_moov+default_base_moof"),
    ("packed.aac", "-vn -c:a aac -f adts -write_id3v2 1"),
    ("packed.mp3", "-vn -c:a libmp3lame -f mp3"),
    ("packed.ac3", "-vn -c:a ac3 -f ac3"),
];

/// Bytes in chunks of 4 KB.
struct Chunks(Bytes);

impl Upstream for Chunks {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let next = self.0.split_to(self.0.len().min(4096));
        Ok((!next.is_empty()).then_some(next))
    }
}

/// Decrypts nothing.
struct Keys {
    has_key: bool,
}

impl DecryptSamples for Keys {
    fn decrypt(&self, _packet: &EncryptedPacket<'_>) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }

    fn has_key(&self, _position: Option<u64>) -> bool {
        self.has_key
    }
}

fn read(bytes: &[u8], has_key: bool) -> Result<SoundFacts, Error> {
    read_sound(&ByteSource::new(NormalizedStream::new(Chunks(Bytes::copy_from_slice(bytes)))), &Keys { has_key })
}

fn facts(bytes: &[u8]) -> SoundFacts {
    read(bytes, false).expect("media")
}

fn sound(bytes: &[u8]) -> Sound {
    Sound::of(Some(&facts(bytes)))
}

fn ffmpeg(folder: &Path, arguments: &[&str]) {
    let output =
        Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-y"]).args(arguments).current_dir(folder).output().expect("ffmpeg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn fixture_path(name: &str) -> String {
    crate::origin::fixtures_folder().join(name).to_str().expect("UTF-8").to_owned()
}

/// The files of one sound, muxed with the video.
fn files(source: &str) -> BTreeMap<&'static str, Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let video = fixture_path(VIDEO);
    let mut arguments = vec!["-i", &video, "-f", "lavfi", "-i", source];
    for (name, options) in FILES {
        arguments.extend(["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-t", "1.4"]);
        arguments.extend(options.split(' '));
        arguments.push(name);
    }
    ffmpeg(folder.path(), &arguments);
    FILES.map(|(name, _)| (name, fs::read(folder.path().join(name)).expect(name))).into()
}

#[test]
fn silence_is_distinguished_from_sound_in_every_codec_and_container() {
    for (name, source, expected) in SOUNDS {
        for (file, bytes) in files(source) {
            let facts = facts(&bytes);
            assert_eq!(Sound::of(Some(&facts)), expected, "{name} in {file}: {facts:?}");
            let level = facts.level.expect("a level");
            assert!((0.2..1.2).contains(&level.seconds), "{name} in {file}: {facts:?}");
        }
    }
}

#[test]
fn the_level_is_that_of_the_sound() {
    // ffmpeg's tone has a peak of 1/8
    for ((_, source), gain) in TONES.into_iter().zip([-2.0, -32.0, -45.0]) {
        let expected = 20.0 * (1.0_f64 / 8.0 / 2.0_f64.sqrt()).log10() + gain;
        for (file, bytes) in files(source) {
            let level = facts(&bytes).level.expect("a level").rms_dbfs;
            assert!((level - expected).abs() < 2.0, "{file}: {level} instead of {expected}");
        }
    }
}

/// Replaces the `AudioSpecificConfig` of an MP4 file by a longer one, in all boxes around it.
fn with_config(mut file: Vec<u8>, config: &[u8]) -> Vec<u8> {
    let find = |bytes: &[u8], what: &[u8], from: usize| bytes[from..].windows(what.len()).position(|at| at == what).expect("there") + from;
    let esds = find(&file, b"esds", 0);
    // Descriptors have their length in four bytes: ES_Descriptor, DecoderConfigDescriptor, DecoderSpecificInfo
    let specific = find(&file, &[5, 0x80, 0x80, 0x80, 2], esds);
    let added = u8::try_from(config.len() - 2).expect("short");
    file.splice(specific + 5..specific + 7, config.iter().copied());
    for tag in [3, 4, 5] {
        let at = find(&file, &[tag, 0x80, 0x80, 0x80], esds);
        file[at + 4] += added;
    }
    let trak = file[..esds].windows(4).rposition(|name| name == b"trak").expect("a track");
    let outer = ["moov", "mdia", "minf", "stbl", "stsd", "mp4a", "esds"].map(|name| {
        let from = if name == "moov" { 0 } else { trak };
        find(&file, name.as_bytes(), from)
    });
    for at in outer.into_iter().chain([trak]) {
        let size = u32::from_be_bytes(file[at - 4..at].try_into().expect("four bytes")) + u32::from(added);
        file[at - 4..at].copy_from_slice(&size.to_be_bytes());
    }
    file
}

#[test]
fn silence_of_he_aac_is_recognized_however_it_is_signaled() {
    for (kind, config) in [("he1", [0x2b, 0x11, 0x88, 0]), ("he2", [0xeb, 0x09, 0x88, 0])] {
        for (content, expected) in [("tone", Sound::Present), ("silence", Sound::Silent)] {
            let name = format!("sound/{kind}-{content}.aac");
            let folder = tempfile::tempdir().expect("a folder");
            let (video, audio) = (fixture_path(VIDEO), fixture_path(&name));
            let copy = ["-map", "0:v", "-map", "1:a", "-c", "copy"];
            let inputs = ["-i", &video, "-i", &audio];
            let mp4 =
                ["-bsf:a", "aac_adtstoasc", "-f", "mp4", "-movflags", "frag_keyframe+delay_moov+empty_moov+default_base_moof", "a.mp4"];
            ffmpeg(folder.path(), &[&inputs[..], &copy, &["-f", "mpegts", "a.ts"], &copy, &mp4].concat());
            let [ts, mp4] = ["a.ts", "a.mp4"].map(|name| fs::read(folder.path().join(name)).expect(name));
            let explicit = with_config(mp4.clone(), &config);
            for (form, bytes) in [("ADTS", ts), ("implicit", mp4), ("explicit", explicit), ("packed", fixture(&name))] {
                let facts = facts(&bytes);
                assert_eq!(Sound::of(Some(&facts)), expected, "{name}, {form}: {facts:?}");
            }
        }
    }
}

#[test]
fn a_segment_without_audio_is_missing_its_sound_and_a_short_piece_of_one_is_unknown() {
    let ts = fixture(VIDEO);
    assert_eq!(sound(&ts), Sound::Missing);
    assert_eq!(sound(&[fixture("ladder-fmp4/v0-init.mp4"), fixture("ladder-fmp4/v0-0.m4s")].concat()), Sound::Missing);

    // The tables declare audio
    let whole = fixture("ladder-ts/v0-1.ts");
    assert_eq!(sound(&whole), Sound::Present);
    let audio_pid = 0x100 + u16::from(facts(&whole).packets == 0);
    let pid = |packet: &[u8]| u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
    let pids: Vec<u16> = whole.chunks(188).map(pid).filter(|pid| *pid >= audio_pid).collect();
    // Video has more packets
    let audio = [0x100, 0x101].into_iter().min_by_key(|one| pids.iter().filter(|pid| *pid == one).count()).expect("two");
    let silent: Vec<u8> = whole.chunks(188).filter(|packet| pid(packet) != audio).flatten().copied().collect();
    let read = facts(&silent);
    assert_eq!((Sound::of(Some(&read)), read.lists_audio), (Sound::Missing, Some(true)), "{read:?}");
    let piece = SoundFacts { is_whole: false, ..facts(&silent[..188 * 12]) };
    assert_eq!((Sound::of(Some(&piece)), piece.lists_audio), (Sound::Unknown, Some(true)), "{piece:?}");
}

#[test]
fn a_movie_fragment_lists_audio_that_was_not_read() {
    let file = &files(TONES[0].1)["aac.mp4"];
    let data = file.windows(4).position(|name| name == b"mdat").expect("media") + 4;
    let read = facts(&file[..data + 100]);
    assert_eq!((Sound::of(Some(&read)), read.level), (Sound::Present, None), "{read:?}");
}

#[test]
fn encrypted_audio_is_unknown_and_other_input_is_an_error() {
    let read_with_key = read(&fixture("ladder-ts/v0-1.ts"), true).expect("media");
    assert_eq!((Sound::of(Some(&read_with_key)), read_with_key.level), (Sound::Unknown, None));
    for bytes in [&b""[..], b"<html>", &[0; 4096], b"WEBVTT\n"] {
        assert!(read(bytes, false).is_err());
    }
}

#[test]
fn damaged_audio_never_ends_the_program() {
    let files = files(TONES[0].1);
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        // Knuth's generator
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let mut levels = 0;
    for _ in 0..10 {
        for file in files.values() {
            let mut damaged = file.clone();
            for _ in 0..=random(200) {
                let at = random(damaged.len());
                damaged[at] ^= 1 << random(8);
            }
            damaged.truncate(1 + random(damaged.len() * 2).min(damaged.len() - 1));
            levels += usize::from(read(&damaged, false).is_ok_and(|facts| facts.level.is_some()));
        }
    }
    assert!(levels > 20, "only {levels} were decoded at all");
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

#[test]
fn a_picture_reports_its_sound_without_another_request_or_byte() {
    let origin = Origin::start();
    let client = Client::new(&NetworkPolicy::default()).expect("a client");
    for (path, expected) in [("/ladder-ts/v0.m3u8", Sound::Present), ("/late-key/index.m3u8", Sound::Missing)] {
        let request = SnapshotRequest::builder(origin.url(path)).build().expect("a request");
        let (plain, (with_sound, facts)) = run(async {
            let plain = snapshot(&request, &client).await.expect("a picture");
            (plain, picture_and_sound(&request, &client).await.expect("a picture"))
        });
        assert_eq!(plain.picture, with_sound.picture);
        assert_eq!(plain.report.cost.requests, with_sound.report.cost.requests);
        let sound = Sound::of(facts.as_ref());
        assert!(sound == expected || sound == Sound::Unknown, "{path}: {facts:?}");
    }
}

#[test]
fn the_sound_of_a_rendition_is_that_of_its_newest_segment() {
    let origin = Origin::start();
    let client = Client::new(&NetworkPolicy::default()).expect("a client");
    for (path, segment) in [
        ("/ladder-fmp4/master.m3u8", "/ladder-fmp4/audio-3.m4s"),
        ("/ladder-ts/master.m3u8", "/ladder-ts/v0-2.ts"),
        ("/audio-aac/index.m3u8", "/audio-aac/0.aac"),
    ] {
        let request = SnapshotRequest::builder(origin.url(path)).build().expect("a request");
        let facts = run(sound_of_newest_segment(&request, &client)).expect(path);
        assert_eq!(Sound::of(Some(&facts)), Sound::Present, "{path}: {facts:?}");
        assert_eq!(origin.requests().last().map(|request| request.path.clone()).as_deref(), Some(segment));
    }
}
