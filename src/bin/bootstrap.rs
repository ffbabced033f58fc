//! The AWS Lambda function: what `provided.al2023` starts. See `deploy/README.md`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hlsnap::frontends::lambda::run()
}
