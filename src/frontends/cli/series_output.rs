//! Prints a line for each picture of a series.

use std::io::IsTerminal;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::{spinner, terminal::Terminal};
use crate::{
    capture::Interruption,
    compose::{NumberedMoment, Progress, SeriesPicture, SeriesSink},
    error::Error,
    frontends::{cli::args::MessageArgs, series_output::SeriesOutput},
    report::{ErrorReport, SeriesPictureReport},
    request::Limits,
    store::Stores,
    time::round_to_microsecond,
};

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
    async fn write(&mut self, SeriesPicture { moment, finished }: SeriesPicture) -> Result<Option<String>, Error> {
        let facts = finished.facts.clone();
        let name = self.output.write(SeriesPicture { moment, finished }, self.stores, &self.limits).await?;
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
        Ok(Some(name))
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
