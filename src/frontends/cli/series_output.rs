//! Where the pictures of a series, its lines and its report go.

use std::io::IsTerminal;

use chrono::Utc;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::{spinner, terminal::Terminal};
use crate::{
    capture::Interruption,
    compose::{NumberedMoment, Progress, SeriesPicture, SeriesSink},
    error::Error,
    frontends::{cli::args::MessageArgs, deliver::put, report_facts},
    report::{ErrorReport, PicturesReport, SeriesPictureReport},
    request::{Limits, Options},
    store::{NameFacts, Output, PutOptions, SeriesPlace, Stores},
    time::round_to_microsecond,
};

/// The outputs of a series.
pub(super) struct SeriesOutput {
    pub pictures: Output,
    report: Option<Output>,
    no_clobber: bool,
    cache_control: Option<String>,
}

impl SeriesOutput {
    /// Reads the outputs from `options`. Fails with `usage` if all pictures would have one name, or if the report's name has placeholders.
    pub fn new(options: &Options, default: &str, has_one_picture: bool) -> Result<Self, Error> {
        let report = options.report_output.as_deref();
        Ok(Self {
            pictures: Output::parse_series("--output", options.output.as_deref().unwrap_or(default), has_one_picture)?,
            report: report.map(|text| Output::parse_constant("--report-output", text)).transpose()?,
            no_clobber: options.no_clobber,
            cache_control: options.cache_control.clone(),
        })
    }

    /// Of the pictures and of the report.
    pub fn all(&self) -> impl Iterator<Item = &Output> {
        [Some(&self.pictures), self.report.as_ref()].into_iter().flatten()
    }

    /// Fails with `output` if an output certainly cannot be written.
    pub fn check(&self, stores: &Stores) -> Result<(), Error> {
        self.all().try_for_each(|output| output.check(stores))
    }

    /// Writes the report, if it has an output.
    pub async fn write_report(&self, report: &PicturesReport, stores: &Stores, limits: &Limits) -> Result<(), Error> {
        let Some(destination) = self.report.as_ref().map(Output::constant_destination).transpose()? else { return Ok(()) };
        let json = serde_json::to_vec(report).map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))?;
        let options = PutOptions { content_type: "application/json", no_clobber: self.no_clobber, ..PutOptions::default() };
        put(&destination, json.into(), &options, stores, limits.picture_timeout).await
    }
}

/// Writes the pictures of a series, and prints a line for each.
pub(super) struct SeriesPrinter<'a> {
    pub output: &'a SeriesOutput,
    pub stores: &'a Stores,
    pub limits: Limits,
    pub terminal: Terminal,
    bar: Option<ProgressBar>,
}

impl<'a> SeriesPrinter<'a> {
    pub fn new(output: &'a SeriesOutput, stores: &'a Stores, limits: Limits, terminal: Terminal, messages: &MessageArgs) -> Self {
        let has_bar = spinner::may_spin(messages) && std::io::stderr().is_terminal();
        Self { output, stores, limits, terminal, bar: has_bar.then(ProgressBar::hidden) }
    }

    /// Prints without damage to the progress bar.
    fn print<T>(&self, print: impl FnOnce(Terminal) -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(|| print(self.terminal)),
            None => print(self.terminal),
        }
    }
}

impl SeriesSink for SeriesPrinter<'_> {
    async fn write(&mut self, SeriesPicture { moment, finished }: SeriesPicture) -> Result<String, Error> {
        let facts = finished.facts;
        let place = SeriesPlace { index: moment.index, seconds: moment.seconds };
        let destination = self.output.pictures.destination_in_series(&NameFacts::from(&facts), place, Utc::now())?;
        let options = PutOptions {
            content_type: facts.format.media_type(),
            cache_control: self.output.cache_control.clone(),
            metadata: report_facts::object_metadata(&facts),
            no_clobber: self.output.no_clobber,
        };
        put(&destination, finished.picture.into(), &options, self.stores, self.limits.picture_timeout).await?;
        let name = destination.name();
        if self.terminal.json {
            self.terminal.print_object(&SeriesPictureReport {
                index: moment.index,
                seconds: round_to_microsecond(moment.seconds),
                program_date_time: facts.presentation.date_text(),
                output: Some(name.clone()),
                bytes: facts.bytes,
                verdict: Some(facts.verdict),
                error: None,
            })?;
        } else {
            self.print(|terminal| terminal.print_path(&name))?;
        }
        Ok(name)
    }

    fn miss(&mut self, moment: NumberedMoment, error: &Error) -> Result<(), Error> {
        let seconds = round_to_microsecond(moment.seconds);
        let error = ErrorReport::from(error);
        let named = ErrorReport { message: format!("no picture at {seconds} s: {}", error.message), ..error.clone() };
        self.print(|terminal| terminal.warn(&named));
        if self.terminal.json {
            let (index, error) = (moment.index, Some(error));
            let missing = SeriesPictureReport { index, seconds, program_date_time: None, output: None, bytes: 0, verdict: None, error };
            self.terminal.print_object(&missing)?;
        }
        Ok(())
    }

    fn interrupt(&mut self, interruption: &Interruption) {
        self.terminal.interrupt(interruption);
    }

    fn progress(&mut self, Progress { done, total, bytes }: Progress) {
        let Some(bar) = &self.bar else { return };
        if bar.length().is_none() {
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {msg}, {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_length(total as u64);
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        bar.set_message(HumanBytes(bytes).to_string());
        bar.set_position(done as u64);
        if done == total {
            bar.finish_and_clear();
        }
    }
}
