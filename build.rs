//! Refuses a libav that hlsnap cannot work with, and tells `hlsnap --version` what is linked.
//!
//! ffmpeg-sys-next's own build script runs before this one: where no libav is found at all, cargo shows its complaint that
//! `libavutil.pc` is missing from `vendor/prefix/lib/pkgconfig`. `script/setup` puts it there.

use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// The oldest libavcodec whose interface the code is written for (FFmpeg 5.1).
const OLDEST_LIBAVCODEC: &str = "59.37";

/// Since then a stream's side data are among its codec parameters (`AVCodecParameters.coded_side_data`, FFmpeg 6.1).
const CODED_SIDE_DATA: &str = "60.31";
/// From here on `av_parser_init` takes an `AVCodecID`.
const PARSER_BY_ID: &str = "63";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HLSNAP_LIBAV");
    println!("cargo::rerun-if-env-changed=FFMPEG_DIR");
    println!("cargo::rustc-check-cfg=cfg(libav_coded_side_data, libav_parser_by_number)");
    match describe(env::var_os("CARGO_FEATURE_VENDORED").is_some()) {
        Ok(libav) => {
            println!("cargo::rustc-env=HLSNAP_LIBAV_KIND={}", libav.kind);
            println!("cargo::rustc-env=HLSNAP_LIBAV_VERSIONS={}", libav.versions);
            println!("cargo::rustc-env=HLSNAP_LIBAV_LICENSE={}", libav.license);
            println!("cargo::rustc-env=HLSNAP_LIBAV_COMPONENTS={}", libav.components);
            ExitCode::SUCCESS
        }
        Err(problem) => {
            println!("cargo::error={problem}");
            ExitCode::FAILURE
        }
    }
}

struct Libav {
    kind: &'static str,
    versions: String,
    license: String,
    components: String,
}

fn describe(vendored: bool) -> Result<Libav, String> {
    match (env::var("HLSNAP_LIBAV").as_deref(), vendored) {
        (Ok("system"), true) => return Err("HLSNAP_LIBAV=system needs `cargo build --no-default-features`".into()),
        (Ok("vendored"), false) => return Err("HLSNAP_LIBAV=vendored needs the cargo feature `vendored`".into()),
        (Ok("vendored" | "system") | Err(_), _) => {}
        (Ok(other), _) => return Err(format!("HLSNAP_LIBAV is `{other}`, but must be `vendored` or `system`")),
    }
    if vendored { vendored_libav() } else { system_libav() }
}

/// What `vendor/build` writes beside the libraries: `key=value` lines. Those for another machine lie in a folder of their own.
fn build_info() -> String {
    let is_native = env::var_os("TARGET") == env::var_os("HOST");
    let machine = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let suffix = if is_native { String::new() } else { format!("-{machine}") };
    format!("vendor/prefix{suffix}/hlsnap-build-info")
}

fn vendored_libav() -> Result<Libav, String> {
    if env::var_os("FFMPEG_DIR").is_some() {
        return Err("FFMPEG_DIR is set and would be linked in place of vendor/prefix: unset it".into());
    }
    let build_info = build_info();
    println!("cargo::rerun-if-changed={build_info}");
    let info = fs::read_to_string(&build_info)
        .map_err(|_| format!("{build_info} is missing: run script/setup (or vendor/build), then build again"))?;
    let value = |key: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(str::to_owned)
            .ok_or_else(|| format!("{build_info} has no `{key}`: run vendor/build"))
    };
    Ok(Libav {
        kind: "vendored",
        versions: format!("FFmpeg {} ({}), dav1d {}", value("ffmpeg")?, library_versions()?, value("dav1d")?),
        license: format!("{} (FFmpeg), BSD-2-Clause (dav1d)", value("license")?),
        components: format!("demuxers {}; decoders {}; encoders {}", value("demuxers")?, value("decoders")?, value("encoders")?),
    })
}

/// A shared library may be replaced after the build: what is not known here is the running library's to say.
fn system_libav() -> Result<Libav, String> {
    if Path::new(&build_info()).exists() {
        return Err("vendor/prefix would hide the system's libav: run `HLSNAP_LIBAV=system script/setup` first".into());
    }
    Ok(Libav {
        kind: "system",
        versions: library_versions()?,
        license: "as the system's libavcodec says".into(),
        components: "as the system's libavcodec has them".into(),
    })
}

/// `libavcodec 63.1.102, libavformat …`, as pkg-config finds them for ffmpeg-sys-next as well.
fn library_versions() -> Result<String, String> {
    let mut versions = Vec::new();
    for name in ["libavcodec", "libavformat", "libavutil", "libswscale"] {
        let mut config = pkg_config::Config::new();
        config.cargo_metadata(false);
        let library = config.probe(name).map_err(|_| format!("pkg-config finds no {name}: run script/setup"))?;
        if name == "libavcodec" && config.atleast_version(OLDEST_LIBAVCODEC).probe(name).is_err() {
            return Err(format!(
                "libavcodec {} is too old: {OLDEST_LIBAVCODEC} (FFmpeg 5.1) or newer is needed; \
                 the default build brings its own (script/setup)",
                library.version
            ));
        }
        if name == "libavcodec" && config.atleast_version(CODED_SIDE_DATA).probe(name).is_ok() {
            println!("cargo::rustc-cfg=libav_coded_side_data");
        }
        if name == "libavcodec" && config.atleast_version(PARSER_BY_ID).probe(name).is_err() {
            println!("cargo::rustc-cfg=libav_parser_by_number");
        }
        versions.push(format!("{name} {}", library.version));
    }
    Ok(versions.join(", "))
}
