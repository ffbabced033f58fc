//! Composes the pictures of many moments: contact sheets, storyboards, series, animations.
//!
//! A [`Collection`](collection::Collection) opens the stream once and names the moments. Each kind of picture takes its captures in order,
//! composes files from them, and writes down in a [`PictureLog`](picture_log::PictureLog) what could not be had.

mod animation;
mod collection;
mod frame_moments;
mod highlights;
mod live_storyboard;
mod one_sprite;
mod picture_log;
mod series;
mod series_schedule;
mod sheet;
mod sheet_header;
mod sprite;
mod storyboard;
mod storyboard_writer;
mod tile;

pub(crate) use animation::animation;
pub(crate) use collection::{Progress, ReportProgress};
pub(crate) use live_storyboard::follow_storyboard;
pub(crate) use one_sprite::{OneSprite, one_sprite};
pub(crate) use series::{SeriesPicture, SeriesResult, SeriesSink, take_series};
pub(crate) use series_schedule::NumberedMoment;
pub(crate) use sheet::sheet;
pub(crate) use storyboard::storyboard;
pub(crate) use storyboard_writer::{OutputFile, StoryboardFolder};
