//! Rejects an incompatible libav, and records for `hlsnap --version` which libav is linked.
//!
//! pkg-config finds libav, for this script and for that of ffmpeg-sys-next, which runs first and fails if libav is missing. In a
//! clone, `.cargo/config.toml` sets `PKG_CONFIG_PATH` to the libraries of `vendor/build`; elsewhere pkg-config finds the system's.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
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
    println!("cargo::rerun-if-env-changed=PKG_CONFIG_PATH");
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
            return Err("HLSNAP_LIBAV=system needs `cargo build --no-default-features --features cli,http,lambda,stores,fleet`".into());
        }
        (Ok("vendored"), false) => return Err("HLSNAP_LIBAV=vendored needs the cargo feature `vendored`".into()),
        (Ok("vendored" | "system") | Err(_), _) => {}
        (Ok(other), _) => return Err(format!("HLSNAP_LIBAV is `{other}`: set it to `vendored` or `system`")),
    }
    if env::var_os("FFMPEG_DIR").is_some() {
        return Err("FFMPEG_DIR is set, which hides the libav that pkg-config finds: unset it, and set PKG_CONFIG_PATH".into());
    }
    let versions = library_versions()?;
    let (folder, build_info) = build_info()?;
    match (vendored, build_info) {
        (true, Some(info)) => vendored_libav(&versions, &info),
        (true, None) => Err(format!(
            "the feature `vendored` links the libav of vendor/build, but pkg-config finds the one in {}: run vendor/build and set \
             PKG_CONFIG_PATH to its vendor/prefix/lib/pkgconfig (in a clone, script/setup is enough), or build without this feature",
            folder.display()
        )),
        (false, Some(_)) => Err(format!(
            "pkg-config finds the libav of vendor/build in {}, which needs the feature `vendored`: add the feature, or unset \
             PKG_CONFIG_PATH (in a clone, run `HLSNAP_LIBAV=system script/setup`) to link the system's libav",
            folder.display()
        )),
        // A shared library may change after the build, so license and components are unknown here
        (false, None) => Ok(Libav {
            kind: "system",
            versions,
            license: "as the system's libavcodec says".into(),
            components: "as the system's libavcodec has them".into(),
        }),
    }
}

/// The folder of the libav that pkg-config finds, and, if `vendor/build` built it, the text of the `key=value` file in there.
fn build_info() -> Result<(PathBuf, Option<String>), String> {
    let prefix = pkg_config::get_variable("libavcodec", "prefix").map_err(|error| format!("pkg-config: {error}"))?;
    let folder = fs::canonicalize(&prefix).unwrap_or_else(|_| prefix.clone().into());
    // The name without links resolved: `vendor/prefix` may be linked elsewhere later
    let file = Path::new(&prefix).join("hlsnap-build-info");
    let info = fs::read_to_string(&file).ok();
    if info.is_some() {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    Ok((folder, info))
}

fn vendored_libav(versions: &str, info: &str) -> Result<Libav, String> {
    let value = |key: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(str::to_owned)
            .ok_or_else(|| format!("hlsnap-build-info has no `{key}`: run vendor/build"))
    };
    Ok(Libav {
        kind: "vendored",
        versions: format!("FFmpeg {} ({versions}), dav1d {}", value("ffmpeg")?, value("dav1d")?),
        license: format!("{} (FFmpeg), BSD-2-Clause (dav1d)", value("license")?),
        components: format!("demuxers {}; decoders {}; encoders {}", value("demuxers")?, value("decoders")?, value("encoders")?),
    })
}

/// `libavcodec 63.1.102, libavformat …`, according to pkg-config, which ffmpeg-sys-next uses too.
fn library_versions() -> Result<String, String> {
    let mut versions = Vec::new();
    for name in ["libavcodec", "libavformat", "libavutil", "libswscale"] {
        let mut config = pkg_config::Config::new();
        config.cargo_metadata(false);
        let missing = |_| format!("pkg-config does not find {name}: install {name}-dev, or in a clone run script/setup");
        let library = config.probe(name).map_err(missing)?;
        if name == "libavcodec" && config.atleast_version(OLDEST_LIBAVCODEC).probe(name).is_err() {
            return Err(format!(
                "libavcodec {} is too old: install {OLDEST_LIBAVCODEC} (FFmpeg 5.1) or newer, \
                 or use the feature `vendored` with the libav of vendor/build (in a clone, script/setup)",
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
