//! Hands the pictures of a series to a receiver instead of writing them.

use super::picture::TakenPicture;
use crate::{
    capture::Interruption,
    compose::{self, NumberedMoment, Progress, SeriesPicture, SeriesSink},
    error::Error,
    fetch::Client,
    report::PicturesReport,
    request::SeriesRequest,
    time::round_to_microsecond,
};

/// A picture of a series.
#[derive(Debug)]
pub struct NumberedPicture {
    /// The number of its moment, from 0.
    pub index: u64,
    /// Its moment, in seconds from the start of the playlist; of a live stream, of the first one.
    pub seconds: f64,
    /// The picture.
    pub picture: TakenPicture,
}

/// Where the pictures of a series go. A slow receiver slows the series down, which then keeps no more than a few pictures.
pub trait SeriesReceiver {
    /// Takes a picture. An error ends the series.
    fn receive(&mut self, picture: NumberedPicture) -> impl Future<Output = Result<(), Error>>;

    /// The picture of a moment could not be had.
    fn miss(&mut self, index: u64, seconds: f64, error: &Error);

    /// An outage of a live stream began or ended.
    fn interrupt(&mut self, message: String);
}

pub(super) async fn take(request: &SeriesRequest, client: &Client, receiver: &mut impl SeriesReceiver) -> Result<PicturesReport, Error> {
    Ok(Box::pin(compose::take_series(request, client, &mut Sink(receiver))).await?.report)
}

struct Sink<'a, R>(&'a mut R);

impl<R: SeriesReceiver> SeriesSink for Sink<'_, R> {
    async fn write(&mut self, SeriesPicture { moment, finished }: SeriesPicture) -> Result<Option<String>, Error> {
        let NumberedMoment { index, seconds } = moment;
        let picture = TakenPicture::new(finished);
        self.0.receive(NumberedPicture { index, seconds: round_to_microsecond(seconds), picture }).await?;
        Ok(None)
    }

    fn miss(&mut self, moment: NumberedMoment, error: &Error) -> Result<(), Error> {
        self.0.miss(moment.index, round_to_microsecond(moment.seconds), error);
        Ok(())
    }

    fn interrupt(&mut self, interruption: &Interruption) {
        self.0.interrupt(match interruption {
            Interruption::Began(error) => format!("the stream is interrupted: {}", error.one_line()),
            Interruption::Ended(length) => format!("the stream goes on after {:.1} s", length.as_secs_f64()),
        });
    }

    fn progress(&mut self, _: Progress) {}

    fn keeps_frames(&self) -> bool {
        true
    }
}
