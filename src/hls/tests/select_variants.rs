//! Which Variants are selected, and in which order.

use super::multivariant;
use crate::{
    error::ErrorKind,
    hls::{MultivariantPlaylist, select_variants, undecodable_reason},
    request::{Fit, Size, VariantChoice},
};

/// Variants as `WIDTHxHEIGHT@BANDWIDTH`, with more attributes after a blank; `-` omits the resolution.
fn ladder(variants: &[&str]) -> MultivariantPlaylist {
    let lines = variants.iter().enumerate().map(|(index, text)| {
        let (size, rest) = text.split_once('@').unwrap();
        let (bandwidth, others) = rest.split_once(' ').unwrap_or((rest, ""));
        let resolution = if size == "-" { String::new() } else { format!("RESOLUTION={size},") };
        let bandwidth = if bandwidth.is_empty() { String::new() } else { format!("BANDWIDTH={bandwidth},") };
        format!("#EXT-X-STREAM-INF:{resolution}{bandwidth}{others}\nv{index}.m3u8\n")
    });
    multivariant(format!("#EXTM3U\n{}", lines.collect::<String>()))
}

fn order(playlist: &MultivariantPlaylist, choice: &str, size: Size) -> Result<Vec<usize>, ErrorKind> {
    let choice: VariantChoice = choice.parse().unwrap();
    let chosen = select_variants(playlist, &choice, &size).map_err(|error| error.kind())?;
    Ok(chosen.into_iter().map(|variant| variant.index).collect())
}

fn first(playlist: &MultivariantPlaylist, choice: &str) -> Result<usize, ErrorKind> {
    order(playlist, choice, Size::default()).map(|order| order[0])
}

fn sized(width: impl Into<Option<u32>>, height: impl Into<Option<u32>>, fit: Fit) -> Size {
    Size { width: width.into(), height: height.into(), fit, enlarge: false, crop: None }
}

const USUAL: [&str; 4] = ["640x360@800000", "1280x720@2800000", "1920x1080@5000000", "320x180@300000"];

#[test]
fn every_form_of_choice_selects_its_variants() {
    let playlist = ladder(&USUAL);
    for (choice, wanted) in [
        ("auto", vec![2, 1, 0, 3]),
        ("best", vec![2, 1, 0, 3]),
        ("worst", vec![3, 0, 1, 2]),
        ("720p", vec![1]),
        ("<=720p", vec![1, 0, 3]),
        ("<=719p", vec![0, 3]),
        (">=720p", vec![1, 2]),
        (">=181p", vec![0, 1, 2]),
        ("<=2M", vec![0, 3]),
        ("<=2.8M", vec![1, 0, 3]),
        ("#3", vec![3]),
    ] {
        assert_eq!(order(&playlist, choice, Size::default()), Ok(wanted), "{choice}");
    }
    for choice in ["719p", "<=100p", ">=2000p", "<=1k", "#4", "source"] {
        assert_eq!(first(&playlist, choice), Err(ErrorKind::NotFound), "{choice}");
    }
}

#[test]
fn the_error_lists_the_available_variants() {
    let playlist = ladder(&["640x360@800000 NAME=\"low\"", "-@2800000"]);
    let error = select_variants(&playlist, &VariantChoice::Index(7), &Size::default()).err().unwrap();
    assert_eq!(error.message(), "there is no Variant #7");
    assert_eq!(error.hint(), Some("choose one of #0 640x360 800 kbit/s \"low\", #1 2800 kbit/s"));
    let many = ladder(&["-@5"; 40]);
    let error = select_variants(&many, &VariantChoice::Name("x".into()), &Size::default()).err().unwrap();
    assert!(error.hint().unwrap().ends_with("#11 0 kbit/s and 28 more"));
}

#[test]
fn resolution_comes_before_bandwidth() {
    let playlist = ladder(&["1280x720@6000000", "1920x1080@5000000", "1920x1080@7000000"]);
    assert_eq!(order(&playlist, "best", Size::default()), Ok(vec![2, 1, 0]));
    assert_eq!(first(&playlist, "1080p"), Ok(2));
}

#[test]
fn without_resolutions_the_bandwidth_decides() {
    let playlist = ladder(&["-@800000", "-@2800000", "-@", "-@300000"]);
    assert_eq!(order(&playlist, "best", Size::default()), Ok(vec![1, 0, 3, 2]));
    assert_eq!(order(&playlist, "auto", sized(320, None, Fit::Contain)), Ok(vec![1, 0, 3, 2]));
    assert_eq!(first(&playlist, "720p"), Err(ErrorKind::NotFound));
}

#[test]
fn an_unknown_resolution_ranks_by_bandwidth_after_known_ones() {
    let playlist = ladder(&["640x360@800000", "-@9000000", "1920x1080@5000000", "-@1000000", "-@64000"]);
    assert_eq!(order(&playlist, "best", Size::default()), Ok(vec![2, 1, 0, 3, 4]));
    assert_eq!(first(&playlist, "worst"), Ok(0));
}

#[test]
fn a_size_selects_the_smallest_variant_that_is_large_enough() {
    let playlist = ladder(&USUAL);
    for (size, wanted) in [
        (sized(320, None, Fit::Contain), 3),
        (sized(321, None, Fit::Contain), 0),
        (sized(None, 720, Fit::Contain), 1),
        (sized(4000, None, Fit::Contain), 2),
        // The picture is 320x180, whatever the other side of the box
        (sized(320, 1000, Fit::Contain), 3),
        (sized(320, 1000, Fit::Pad), 3),
        (sized(320, 320, Fit::Cover), 0),
        (sized(320, 320, Fit::Fill), 0),
        (sized(1281, 1, Fit::Contain), 3),
        (sized(2000, 2000, Fit::Cover), 2),
    ] {
        assert_eq!(order(&playlist, "auto", size).map(|order| order[0]), Ok(wanted), "{size:?}");
    }
    assert_eq!(order(&playlist, "auto", sized(640, None, Fit::Contain)), Ok(vec![0, 1, 2, 3]));
    assert_eq!(order(&playlist, "best", sized(320, None, Fit::Contain)).map(|order| order[0]), Ok(2));
}

#[test]
fn lines_are_the_shorter_side() {
    let playlist = ladder(&["720x1280@2000000", "360x640@800000"]);
    assert_eq!(first(&playlist, "720p"), Ok(0));
    assert_eq!(first(&playlist, "<=400p"), Ok(1));
    assert_eq!(first(&playlist, "1280p"), Err(ErrorKind::NotFound));
}

#[test]
fn a_name_replaces_a_missing_number_of_lines() {
    let playlist = ladder(&["-@800000 NAME=\"360p\"", "1280x544@2000000 NAME=\"720p\"", "-@9 NAME=\"720p60\""]);
    assert_eq!(order(&playlist, "720p", Size::default()), Ok(vec![1]));
    assert_eq!(first(&playlist, "360p"), Ok(0));
    assert_eq!(first(&playlist, "720p60"), Ok(2));
}

#[test]
fn audio_alone_comes_last() {
    let playlist =
        ladder(&["-@64000 CODECS=\"mp4a.40.2\"", "640x360@800000 CODECS=\"avc1.4d401e,mp4a.40.2\"", "320x180@9 CODECS=\"mp4a.40.2\""]);
    assert_eq!(order(&playlist, "auto", Size::default()), Ok(vec![1, 2, 0]));
    assert_eq!(order(&playlist, "worst", Size::default()), Ok(vec![2, 1, 0]));
    assert_eq!(first(&playlist, "<=100k"), Ok(2));
    // A bound that no Variant with video meets selects none without
    assert_eq!(first(&ladder(&["-@64000 CODECS=\"mp4a.40.2\"", "640x360@800000"]), "<=100k"), Err(ErrorKind::NotFound));
    // A Variant is tried if it is named, or if there are no others
    assert_eq!(first(&playlist, "#0"), Ok(0));
    let sound = ladder(&["-@64000 CODECS=\"mp4a.40.2\"", "-@32000 CODECS=\"ec-3,wvtt\""]);
    assert_eq!(order(&sound, "auto", Size::default()), Ok(vec![0, 1]));
    assert_eq!(undecodable_reason(&sound.variants[0]).map(|error| error.kind()), Some(ErrorKind::NoVideo));
    let i_frames = multivariant("#EXTM3U\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n");
    assert_eq!(first(&i_frames, "auto"), Err(ErrorKind::NoVideo));
    assert_eq!(i_frames.i_frame_variants.len(), 1);
}

#[test]
fn a_bit_rate_is_a_name_too() {
    let playlist = ladder(&["640x360@800999", "320x180@2500000 NAME=\"800k\""]);
    assert_eq!((first(&playlist, "2500k"), first(&playlist, "800k")), (Ok(1), Ok(1)));
    assert_eq!(first(&ladder(&["640x360@800999"]), "800k"), Ok(0));
}

#[test]
fn codecs_decide_which_variants_are_decodable() {
    for codecs in [
        "avc1.640028",
        "avc3.64",
        "hvc1.2.4.L153",
        "hev1.1.6",
        "dvh1.08.06",
        "dvhe.08.07",
        "av01.0.08M.08",
        "dav1",
        "vp09.00.41.08",
        "mp4v.20.9",
        "mp2v",
        "mp4a.40.2, avc1.66.30 ",
        "AVC1.42E01E",
        " ",
    ] {
        let playlist = ladder(&[&format!("640x360@1 CODECS=\"{codecs}\"")]);
        assert!(playlist.variants[0].is_decodable() && playlist.variants[0].has_video(), "{codecs}");
    }
    let playlist = ladder(&[
        "1920x1080@9 CODECS=\"xvc1.1,mp4a.40.2\"",
        "640x360@1 CODECS=\"avc1.4d401e\"",
        "1280x720@5 CODECS=\"vvc1.1.L51\"",
        "1280x720@5 CODECS=\"dvh1.05.06\"",
    ]);
    // The media may contradict CODECS, but the last Variant would decode cleanly to wrong colors
    assert_eq!(order(&playlist, "auto", Size::default()), Ok(vec![1, 0, 2]));
    assert_eq!(first(&playlist, "#3"), Err(ErrorKind::Unsupported));
    let reason = undecodable_reason(&playlist.variants[0]).expect("a reason");
    assert_eq!(reason.kind(), ErrorKind::Unsupported);
    assert!(reason.message().contains("xvc1.1"), "{reason}");
    assert!(undecodable_reason(&playlist.variants[1]).is_none());
}

#[test]
fn sdr_comes_before_hdr() {
    let playlist = ladder(&[
        "3840x2160@9000000 VIDEO-RANGE=PQ",
        "1280x720@2000000 VIDEO-RANGE=SDR",
        "1920x1080@5000000",
        "320x180@1 VIDEO-RANGE=\"hlg\"",
    ]);
    assert_eq!(order(&playlist, "best", Size::default()), Ok(vec![2, 1, 0, 3]));
    assert_eq!(first(&playlist, "worst"), Ok(1));
    assert_eq!(order(&playlist, "auto", sized(3000, None, Fit::Contain)), Ok(vec![2, 1, 0, 3]));
    assert_eq!(order(&playlist, "auto", sized(300, None, Fit::Contain)), Ok(vec![1, 2, 3, 0]));
    assert_eq!(first(&playlist, "2160p"), Ok(0));
}

#[test]
fn a_variant_that_names_its_own_playlist_is_left_out() {
    let playlist = multivariant("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\nindex.m3u8?token=1\n#EXT-X-STREAM-INF:BANDWIDTH=1\nindex.m3u8\n");
    assert_eq!(playlist.variants.iter().map(|variant| variant.index).collect::<Vec<_>>(), [1]);
}

#[test]
fn session_keys_are_read() {
    let playlist = multivariant("#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\"\n#EXT-X-STREAM-INF:BANDWIDTH=9\nv.m3u8\n");
    assert_eq!(playlist.session_keys[0].protection_name(), "SAMPLE-AES with FairPlay");
}

#[test]
fn copies_come_before_other_pathways_and_those_before_the_next_best() {
    let playlist = multivariant(
        "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer\",PATHWAY-ID=\"b\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=640x360,PATHWAY-ID=\"a\"\na1.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=1280x720,PATHWAY-ID=\"a\"\na2.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=1280x720,PATHWAY-ID=\"b\"\nb2.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=640x360,PATHWAY-ID=\"b\"\nb1.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=1280x720,PATHWAY-ID=\"b\"\ntwin.m3u8\n",
    );
    let chosen = select_variants(&playlist, &VariantChoice::Auto, &Size::default()).unwrap();
    let names: Vec<_> = chosen.iter().map(|variant| variant.url.path().rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["b2.m3u8", "twin.m3u8", "a2.m3u8", "b1.m3u8", "a1.m3u8"]);
}

#[test]
fn a_score_counts_only_if_all_variants_have_one() {
    let score = |second: &str| {
        multivariant(format!(
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=640x360,SCORE=1.5\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=640x360{second}\nb.m3u8\n"
        ))
    };
    let first = |playlist: &MultivariantPlaylist| select_variants(playlist, &VariantChoice::Best, &Size::default()).unwrap()[0].index;
    assert_eq!(first(&score(",SCORE=2")), 1);
    assert_eq!(first(&score("")), 0);
}

#[test]
fn another_view_is_selected_by_its_name() {
    let playlist = multivariant(
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"v\",NAME=\"Main\",DEFAULT=YES\n\
        #EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"v\",NAME=\"Goal\",URI=\"goal.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=640x360,VIDEO=\"v\"\nmain.m3u8\n",
    );
    let url = |name: &str| {
        select_variants(&playlist, &VariantChoice::Name(name.into()), &Size::default()).map(|found| found[0].url.path().to_owned())
    };
    assert_eq!(url("Main").unwrap(), "/live/main.m3u8");
    assert_eq!(url("Goal").unwrap(), "/live/goal.m3u8");
    assert!(url("Bench").is_err());
}
