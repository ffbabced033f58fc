//! Rejects an incompatible libav, and records for `hlsnap --version` which libav is linked.
//!
//! The build script of ffmpeg-sys-next runs first. If no libav is installed, it fails: `libavutil.pc` is missing from
//! `vendor/prefix/lib/pkgconfig`. `script/setup` installs it.

use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// The oldest supported libavcodec (FFmpeg 5.1).
const OLDEST_LIBAVCODEC: &str = "59.37";

/// The first libavcodec with `AVCodecParameters.coded_side_data` (FFmpeg 6.1).
const CODED_SIDE_DATA: &str = "60.31";
/// The first libavcodec whose `av_parser_init` takes an `AVCodecID`.
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
        (Ok("system"), true) => {
            return Err("HLSNAP_LIBAV=system needs `cargo build --no-default-features --features cli,server,lambda,stores`".into());
        }
        (Ok("vendored"), false) => return Err("HLSNAP_LIBAV=vendored needs the cargo feature `vendored`".into()),
        (Ok("vendored" | "system") | Err(_), _) => {}
        (Ok(other), _) => return Err(format!("HLSNAP_LIBAV is `{other}`: set it to `vendored` or `system`")),
    }
    if vendored { vendored_libav() } else { system_libav() }
}

/// The path of the `key=value` file that `vendor/build` writes next to the libraries. Each cross-compiled architecture has its own folder.
fn build_info() -> String {
    let is_native = env::var_os("TARGET") == env::var_os("HOST");
    let machine = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let suffix = if is_native { String::new() } else { format!("-{machine}") };
    format!("vendor/prefix{suffix}/hlsnap-build-info")
}

fn vendored_libav() -> Result<Libav, String> {
    if env::var_os("FFMPEG_DIR").is_some() {
        return Err("FFMPEG_DIR is set and would replace vendor/prefix: unset it".into());
    }
    let build_info = build_info();
    println!("cargo::rerun-if-changed={build_info}");
    let info = fs::read_to_string(&build_info).map_err(|_| format!("{build_info} is missing: run script/setup, then build again"))?;
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

/// A shared library may change after the build, so license and components are unknown here.
fn system_libav() -> Result<Libav, String> {
    if Path::new(&build_info()).exists() {
        return Err("vendor/prefix hides the system's libav: run `HLSNAP_LIBAV=system script/setup` first".into());
    }
    Ok(Libav {
        kind: "system",
        versions: library_versions()?,
        license: "as the system's libavcodec says".into(),
        components: "as the system's libavcodec has them".into(),
    })
}

/// `libavcodec 63.1.102, libavformat …`, according to pkg-config, which ffmpeg-sys-next uses too.
fn library_versions() -> Result<String, String> {
    let mut versions = Vec::new();
    for name in ["libavcodec", "libavformat", "libavutil", "libswscale"] {
        let mut config = pkg_config::Config::new();
        config.cargo_metadata(false);
        let library = config.probe(name).map_err(|_| format!("pkg-config does not find {name}: run script/setup"))?;
        if name == "libavcodec" && config.atleast_version(OLDEST_LIBAVCODEC).probe(name).is_err() {
            return Err(format!(
                "libavcodec {} is too old: install {OLDEST_LIBAVCODEC} (FFmpeg 5.1) or newer, \
                 or use the default build, which has its own (script/setup)",
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
