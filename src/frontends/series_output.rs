//! Where the pictures of a series and its report go. The command line and Lambda share this.

use chrono::Utc;

use super::{deliver::put, report_facts};
use crate::{
    compose::SeriesPicture,
    error::Error,
    report::PicturesReport,
    request::{Limits, Options},
    store::{NameFacts, Output, PutOptions, SeriesPlace, Stores},
};

/// The outputs of a series.
pub(in crate::frontends) struct SeriesOutput {
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

    /// Writes a picture, and returns the name of its file.
    pub async fn write(&self, picture: SeriesPicture, stores: &Stores, limits: &Limits) -> Result<String, Error> {
        let SeriesPicture { moment, finished } = picture;
        let facts = finished.facts;
        let place = SeriesPlace { index: moment.index, seconds: moment.seconds };
        let destination = self.pictures.destination_in_series(&NameFacts::from(&facts), place, Utc::now())?;
        let options = PutOptions {
            content_type: facts.format.media_type(),
            cache_control: self.cache_control.clone(),
            metadata: report_facts::object_metadata(&facts),
            no_clobber: self.no_clobber,
        };
        put(&destination, finished.picture.into(), &options, stores, limits.picture_timeout).await?;
        Ok(destination.name())
    }
}
