//! Hooks for packages in other languages, such as the Python package in `python/`: options come in as JSON objects, pictures and reports
//! go out. Options have the names of the command line, and the same table reads them.

mod options;
mod picture;
mod series;

use serde_json::{Map, Value};

use super::{remote_source, settings::Settings};
use crate::{
    capture::{self, inspection_report::Inspection, reference_picture},
    error::Error,
    fetch::Client,
    libav,
    report::PicturesReport,
    request::{Options, SeriesRequest, SnapshotRequest, Source},
};
pub use options::{BindingOption, Call, all_options};
pub use picture::TakenPicture;
pub use series::{NumberedPicture, SeriesReceiver};

/// A client with the defaults of its requests.
#[derive(Debug)]
pub struct Session {
    client: Client,
    defaults: Options,
    /// Whether the playlist may be a local file. It is as private as a private address.
    may_read_files: bool,
}

/// Prepares this process: libav writes no log. Settings of the allocator are left to the program.
pub fn start() {
    libav::silence_log();
}

/// Makes the library usable in the child of a fork. Call this before the child starts a job or a runtime of its own.
pub fn restore_after_fork() {
    capture::renew_permits_after_fork();
}

impl Session {
    /// A client with these options: those of its connections, and defaults of access and limits for its requests.
    pub fn new(object: &Map<String, Value>) -> Result<Self, Error> {
        let mut settings = Settings::for_user();
        options::set_settings(&mut settings, object)?;
        let client = Client::new(&settings.network)?;
        Ok(Self { client, defaults: settings.defaults, may_read_files: settings.network.allow_private })
    }

    /// The request for a picture. `compare` is the file of an earlier picture.
    pub fn snapshot_request(&self, url: &str, object: &Map<String, Value>, compare: Option<&[u8]>) -> Result<SnapshotRequest, Error> {
        let options = self.options(Call::Snapshot, url, object, compare)?;
        Ok(options.request(self.source(&options)?, None))
    }

    /// The request for pictures at a regular interval.
    pub fn series_request(&self, url: &str, object: &Map<String, Value>, compare: Option<&[u8]>) -> Result<SeriesRequest, Error> {
        let options = self.options(Call::Pictures, url, object, compare)?;
        Ok(options.series(self.source(&options)?, None))
    }

    /// The request to inspect a stream.
    pub fn inspection_request(&self, url: &str, object: &Map<String, Value>) -> Result<SnapshotRequest, Error> {
        let options = self.options(Call::Inspect, url, object, None)?;
        Ok(options.request(self.source(&options)?, None))
    }

    /// Takes a picture.
    pub async fn take(&self, request: &SnapshotRequest) -> Result<TakenPicture, Error> {
        Ok(TakenPicture::new(Box::pin(capture::capture_with(request, &self.client, true)).await?))
    }

    /// Takes pictures until the stream ends. Fails if the stream has no picture.
    pub async fn take_series(&self, request: &SeriesRequest, receiver: &mut impl SeriesReceiver) -> Result<PicturesReport, Error> {
        series::take(request, &self.client, receiver).await
    }

    /// Reads the playlists alone.
    pub async fn inspect(&self, request: &SnapshotRequest) -> Result<Inspection, Error> {
        Box::pin(capture::inspect(request, &self.client)).await
    }

    fn options(&self, call: Call, url: &str, object: &Map<String, Value>, compare: Option<&[u8]>) -> Result<Options, Error> {
        let mut options = self.defaults.clone();
        options::set_options(&mut options, call, object)?;
        options.url = Some(url.to_owned());
        if let Some(file) = compare {
            options.checks.previous = Some(reference_picture(file)?);
        }
        Ok(options)
    }

    fn source(&self, options: &Options) -> Result<Source, Error> {
        if self.may_read_files { options.source() } else { remote_source(options) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn object(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).expect("an object")
    }

    #[test]
    fn local_files_are_as_private_as_private_addresses() {
        let kind = |options: &str| {
            let session = Session::new(&object(options)).expect("a session");
            session.snapshot_request("/srv/a.m3u8", &Map::new(), None).map(|_| ()).map_err(|e| e.kind())
        };
        assert_eq!(kind("{}"), Ok(()));
        assert_eq!(kind(r#"{"allow_private": false}"#), Err(ErrorKind::NotAllowed));
    }

    #[test]
    fn requests_start_from_the_defaults_of_the_client() {
        let session = Session::new(&object(r#"{"timeout": 3, "header": {"A": "1"}, "user_agent": "x"}"#)).expect("a session");
        let request = session.snapshot_request("http://h/x", &object(r#"{"header": ["B: 2"], "at": -10}"#), None).expect("a request");
        assert_eq!((request.limits.timeout.as_secs(), request.headers.custom.len()), (3, 2));
        assert_eq!(request.headers.user_agent.as_deref(), Some("x"));
        assert!(session.snapshot_request("http://h/x", &Map::new(), Some(b"no picture")).is_err_and(|e| e.kind() == ErrorKind::Usage));
    }
}
