//! Requests of events for many pictures of one stream.
//!
//! Pictures that cannot be had are no failure: the report names them, with `"partial": true`. With `strict`, the first one is the failure.

use std::time::Duration;

use serde_json::Value;

use super::{
    kind::ManyKind,
    worker::{Completed, Deadline, Worker, out_of_time},
};
use crate::{
    capture::Interruption,
    compose::{self, NumberedMoment, Progress, SeriesPicture, SeriesSink},
    error::Error,
    frontends::{
        deliver_many::{Delivered, Writing, deliver_one_file, deliver_report, deliver_storyboard},
        one_file::{OneFileRequest, is_gif},
        remote_limits, remote_source,
        report_facts::PictureCost,
        series_output::SeriesOutput,
    },
    report::PicturesReport,
    request::{Format, Limits, Options, PicturesRequest},
    store::{Output, OutputFolder, Stores},
};

/// The time that is left for writing: a tenth of the whole, up to this.
const LONGEST_WRITING: Duration = Duration::from_secs(5);

/// Makes the pictures, and writes them to the output or returns their file. Ends before the deadline.
pub(super) async fn run(worker: &Worker, kind: ManyKind, options: &Options, deadline: Deadline) -> Result<Completed, Error> {
    let job = async {
        // The function's time is the limit unless the operator or the request has a lower one
        let options = remote_limits::with_defaults(options, deadline.remaining());
        match kind {
            ManyKind::Sheet => {
                let output = checked_output(worker, options.output.as_deref())?;
                let sheet = options.sheet(remote_source(&options)?, output.as_ref().and_then(Output::format));
                one_file(worker, OneFileRequest::Sheet(sheet), output, &options, deadline).await
            }
            ManyKind::Animation => {
                let output = checked_output(worker, options.output.as_deref())?;
                let animation = options.animation(remote_source(&options)?, is_gif(options.output.as_deref().unwrap_or_default())?);
                one_file(worker, OneFileRequest::Animation(animation), output, &options, deadline).await
            }
            ManyKind::Storyboard => storyboard(worker, &options, deadline).await,
            ManyKind::Series => series(worker, &options, deadline).await,
        }
    };
    tokio::time::timeout(deadline.remaining(), job).await.unwrap_or_else(|_| Err(out_of_time()))
}

async fn one_file(
    worker: &Worker,
    mut request: OneFileRequest,
    output: Option<Output>,
    options: &Options,
    deadline: Deadline,
) -> Result<Completed, Error> {
    let report_output = checked_output(worker, options.report_output.as_deref())?;
    let _permit = worker.permit(deadline).await?;
    bound(worker, request.pictures_mut(), deadline);
    let Some(output) = output else {
        let finished = request.make(&worker.client, &|_| {}).await?;
        return completed(&finished.report, finished.failures, Some(finished.bytes));
    };
    let writing = Writing::new(options, &worker.stores);
    let delivered = deliver_one_file(&request, &output, &worker.client, &writing, &|_| {}).await?;
    finish(&delivered, report_output.as_ref(), &writing).await
}

async fn storyboard(worker: &Worker, options: &Options, deadline: Deadline) -> Result<Completed, Error> {
    let Some(name) = options.output.as_deref() else {
        return Err(Error::usage("a storyboard has many files", "name an output for them, such as s3://bucket/prefix"));
    };
    // The default output of pictures is no place for many files
    if name.contains("{ext}") {
        return Err(Error::usage(format!("the output {name:?} is the name of a file"), "give a prefix, such as s3://bucket/prefix"));
    }
    let folder = OutputFolder::parse("--output", name)?;
    let mut request = options.storyboard(remote_source(options)?);
    if request.pictures.follow {
        return Err(Error::usage("a function does not follow a live stream", "leave out follow, or run `hlsnap storyboard --follow`"));
    }
    let extension = if request.pictures.snapshot.encoding.format == Format::WebP { "webp" } else { "jpg" };
    for file in ["storyboard.vtt".to_owned(), format!("storyboard-000.{extension}")] {
        let name = format!("{}/{file}", name.trim_end_matches('/'));
        worker.settings.check_output(&Output::parse("--output", &name)?, &name)?;
    }
    let report_output = checked_output(worker, options.report_output.as_deref())?;
    let _permit = worker.permit(deadline).await?;
    bound(worker, &mut request.pictures, deadline);
    let writing = Writing::new(options, &worker.stores);
    let delivered = deliver_storyboard(&request, &folder, &worker.client, &writing, &|_| {}, &mut |_| {}).await?;
    finish(&delivered, report_output.as_ref(), &writing).await
}

async fn series(worker: &Worker, options: &Options, deadline: Deadline) -> Result<Completed, Error> {
    let Some(name) = options.output.as_deref() else {
        return Err(Error::usage("a series has many files", "name an output for them, such as s3://bucket/{index}.jpg"));
    };
    let output = SeriesOutput::new(options, name, options.max_pictures() == Some(1))?;
    let names = [options.output.as_deref(), options.report_output.as_deref()].into_iter().flatten();
    output.all().zip(names).try_for_each(|(output, name)| worker.settings.check_output(output, name))?;
    output.check(&worker.stores)?;
    let mut request = options.series(remote_source(options)?, output.pictures.format());
    let _permit = worker.permit(deadline).await?;
    bound(worker, &mut request.pictures, deadline);
    let limits = request.pictures.snapshot.limits;
    let mut sink = FileSink { output: &output, stores: &worker.stores, limits };
    let mut result = Box::pin(compose::take_series(&request, &worker.client, &mut sink)).await?;
    result.report.output = Some(name.to_owned());
    output.write_report(&result.report, &worker.stores, &limits).await?;
    completed(&result.report, result.failures, None)
}

/// Writes the pictures of a series. The report names what is missing.
struct FileSink<'a> {
    output: &'a SeriesOutput,
    stores: &'a Stores,
    limits: Limits,
}

impl SeriesSink for FileSink<'_> {
    async fn write(&mut self, picture: SeriesPicture) -> Result<Option<String>, Error> {
        self.output.write(picture, self.stores, &self.limits).await.map(Some)
    }

    fn miss(&mut self, _: NumberedMoment, _: &Error) -> Result<(), Error> {
        Ok(())
    }

    fn interrupt(&mut self, interruption: &Interruption) {
        tracing::warn!("{interruption:?}");
    }

    fn progress(&mut self, _: Progress) {}
}

/// The output of a single file. Fails with `not_allowed` if the operator does not allow it.
fn checked_output(worker: &Worker, name: Option<&str>) -> Result<Option<Output>, Error> {
    let Some(name) = name else { return Ok(None) };
    let output = Output::parse("--output", name)?;
    worker.settings.check_output(&output, name)?;
    output.check(&worker.stores)?;
    Ok(Some(output))
}

/// Bounds a request to the operator's limits and the function's time.
fn bound(worker: &Worker, pictures: &mut PicturesRequest, deadline: Deadline) {
    remote_limits::bound(pictures, &worker.settings, remote_limits::PICTURES_OF_EVENT, worker.jobs());
    let remaining = deadline.remaining();
    let timeout = &mut pictures.snapshot.limits.timeout;
    *timeout = (*timeout).min(remaining.saturating_sub((remaining / 10).min(LONGEST_WRITING)));
}

/// Writes the report if it has an output of its own.
async fn finish(delivered: &Delivered, report_output: Option<&Output>, writing: &Writing<'_>) -> Result<Completed, Error> {
    if let Some(output) = report_output {
        deliver_report(delivered, output, writing).await?;
    }
    completed(&delivered.report, delivered.failures, None)
}

fn completed(report: &PicturesReport, failures: usize, file: Option<Vec<u8>>) -> Result<Completed, Error> {
    let mut completed = Completed::new(report, PictureCost::new(report.cost, report.timing_ms.total), file)?;
    if let (Value::Object(fields), true) = (&mut completed.report, failures > 0) {
        fields.insert("partial".to_owned(), true.into());
    }
    Ok(completed)
}
