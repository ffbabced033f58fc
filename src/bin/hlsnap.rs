//! The command line: `hlsnap URL` takes one picture out of an HLS stream. See `hlsnap --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hlsnap::frontends::cli::run(std::env::args_os().collect())
}
