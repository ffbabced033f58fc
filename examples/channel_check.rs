//! Says whether a channel shows something: exits with the code of the error's kind if it is down, and with 1 if it is black or flat.
//! `cargo run --example channel_check -- https://example.com/master.m3u8`

use std::{env, process::ExitCode, time::Duration};

use hlsnap::{Client, Error, NetworkPolicy, Report, SnapshotRequest, inspect, snapshot};

async fn check(url: &str) -> Result<Report, Error> {
    let client = Client::new(&NetworkPolicy::default())?;
    let request = SnapshotRequest::builder(url).width(160).timeout(Duration::from_secs(10)).build()?;
    let inspection = inspect(&request, &client).await?;
    if let Some(media) = &inspection.media {
        println!("live: {}, target duration: {:?} s", media.live, media.target_duration_seconds);
    }
    Ok(snapshot(&request, &client).await?.report)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(url) = env::args().nth(1) else {
        eprintln!("usage: channel_check URL");
        return ExitCode::from(2);
    };
    match check(&url).await {
        Ok(report) if report.verdict.black || report.verdict.flat => {
            println!("blank: mean luma {}", report.verdict.mean_luma);
            ExitCode::from(1)
        }
        Ok(report) => {
            println!("ok: {} x {}, {:?} s old", report.width, report.height, report.frame.age_seconds);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", error.kind());
            ExitCode::from(error.kind().exit_code())
        }
    }
}
