//! The AWS Lambda function for the `provided.al2023` runtime. See `deploy/README.md`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hlsnap::frontends::lambda::run()
}
