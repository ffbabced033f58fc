//! Makes sheets, animations and storyboards and writes them to their outputs. The command line and Lambda share this.

use std::time::Duration;

use chrono::Utc;

use super::{
    deliver::put,
    one_file::{OneFile, OneFileRequest},
};
use crate::{
    capture::Interruption,
    compose::{self, OutputFile, ReportProgress, StoryboardFolder},
    error::{Error, ErrorKind},
    fetch::Client,
    report::PicturesReport,
    request::{Options, StoryboardRequest},
    store::{DestinationFolder, NameFacts, Output, OutputFolder, PutOptions, Stores},
};

/// How long one file of many may take to be written.
const PUT_TIMEOUT: Duration = Duration::from_secs(60);

/// The options of written files.
#[derive(Debug, Clone)]
pub(super) struct Writing<'a> {
    pub stores: &'a Stores,
    pub no_clobber: bool,
    pub cache_control: Option<String>,
}

impl<'a> Writing<'a> {
    pub fn new(options: &Options, stores: &'a Stores) -> Self {
        Self { stores, no_clobber: options.no_clobber, cache_control: options.cache_control.clone() }
    }

    fn put_options(&self, content_type: &'static str) -> PutOptions {
        PutOptions { content_type, cache_control: self.cache_control.clone(), no_clobber: self.no_clobber, ..PutOptions::default() }
    }
}

/// What became of many pictures.
pub(super) struct Delivered {
    pub report: PicturesReport,
    /// How many pictures could not be had.
    pub failures: usize,
}

impl Delivered {
    /// Fails with `partial` if some pictures could not be had.
    pub fn require_all(&self) -> Result<(), Error> {
        if self.failures == 0 {
            return Ok(());
        }
        let total = self.report.pictures.len();
        let message = format!("{} of {total} pictures could not be had", self.failures);
        let first = self.report.pictures.iter().find_map(|picture| picture.error.as_ref());
        let hint = first.map_or_else(String::new, |error| format!("the first: {}: {}", error.kind, error.message));
        Err(Error::new(ErrorKind::Partial, message).with_hint(hint))
    }
}

/// Makes one file of many pictures and writes it.
pub(super) async fn deliver_one_file(
    request: &OneFileRequest,
    output: &Output,
    client: &Client,
    writing: &Writing<'_>,
    progress: &ReportProgress<'_>,
) -> Result<Delivered, Error> {
    let OneFile { bytes, media_type, extension, mut report, failures } = request.make(client, progress).await?;
    let destination = output.destination(&name_facts(&report, extension), Utc::now())?;
    put(&destination, bytes.into(), &writing.put_options(media_type), writing.stores, PUT_TIMEOUT).await?;
    report.output = Some(destination.name());
    Ok(Delivered { report, failures })
}

/// Makes a storyboard and writes its files. With the request's `follow`, goes on as a live stream does; `interrupted` hears of outages.
pub(super) async fn deliver_storyboard(
    request: &StoryboardRequest,
    folder: &OutputFolder,
    client: &Client,
    writing: &Writing<'_>,
    progress: &ReportProgress<'_>,
    interrupted: &mut dyn FnMut(Interruption),
) -> Result<Delivered, Error> {
    let facts = NameFacts {
        url: &request.pictures.snapshot.redacted_url(),
        size: (0, 0),
        extension: "",
        program_date_time: None,
        media_sequence_number: None,
        channel: None,
    };
    let folder = Folder { destination: folder.destination(&facts, Utc::now()), writing };
    folder.destination.prepare(writing.stores)?;
    let followed =
        if request.pictures.follow { Box::pin(compose::follow_storyboard(request, client, &folder, interrupted)).await? } else { None };
    let storyboard = match followed {
        Some(storyboard) => storyboard,
        None => Box::pin(compose::storyboard(request, client, progress, &folder)).await?,
    };
    let mut report = storyboard.report;
    report.output = Some(folder.destination.name());
    Ok(Delivered { report, failures: storyboard.failures })
}

/// Writes the report to its own output.
pub(super) async fn deliver_report(delivered: &Delivered, output: &Output, writing: &Writing<'_>) -> Result<(), Error> {
    let report = &delivered.report;
    let destination = output.destination(&name_facts(report, "json"), Utc::now())?;
    let json = serde_json::to_vec(report).map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))?;
    let options = PutOptions { cache_control: None, ..writing.put_options("application/json") };
    put(&destination, json.into(), &options, writing.stores, PUT_TIMEOUT).await
}

/// The output of a storyboard.
struct Folder<'a> {
    destination: DestinationFolder,
    writing: &'a Writing<'a>,
}

impl StoryboardFolder for Folder<'_> {
    async fn write(&self, file: OutputFile) -> Result<(), Error> {
        let options = self.writing.put_options(file.media_type);
        put(&self.destination.file(&file.name)?, file.bytes.into(), &options, self.writing.stores, PUT_TIMEOUT).await
    }

    async fn remove(&self, name: &str) -> Result<(), Error> {
        self.destination.file(name)?.remove(self.writing.stores).await
    }
}

fn name_facts<'a>(report: &'a PicturesReport, extension: &'static str) -> NameFacts<'a> {
    NameFacts {
        url: &report.url,
        size: (report.width, report.height),
        extension,
        program_date_time: None,
        media_sequence_number: None,
        channel: None,
    }
}
