//! Watches channels: samples each of them at an even pace, decides on its state, and reports changes.
//!
//! ```text
//! pace -> round (capture) -> sample -> state -> event -> stdout | webhook
//!                                 \-> board (the wall)
//! ```

mod board;
mod clock;
mod condition;
mod event;
mod large_pictures;
mod pace;
mod playlist_rules;
mod progress;
mod round;
mod sample;
mod sound;
mod state;
mod stillness;
mod thresholds;
mod watcher;
mod webhook;

pub use board::{Board, ChannelView, Subscription};
pub use event::Event;
pub use large_pictures::{LargePicture, LargePictures};
pub use playlist_rules::PlaylistMonitor;
pub(crate) use round::{Round, RoundPicture};
pub use sample::{PictureSample, PlaylistSample, Sample, SampleFailure, Sound};
pub use state::{ChannelState, KnownState, StateMachine, Transition};
pub use thresholds::Thresholds;
pub(crate) use watcher::{ListChange, WatchConfig, WatchSink, Watcher};
pub use webhook::{SigningKey, Webhook, WebhookConfig, WebhookCounts, WebhookSender, WebhookTiming};
