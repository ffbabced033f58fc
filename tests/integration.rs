//! All integration tests are one program, because each program compiles the helpers again and links libav and the whole crate.
//! One file: `cargo test --test integration house::`.

mod encrypted_origin;
mod origin;
#[path = "../fuzz/random.rs"]
mod random;
mod support;
mod tiles;

mod animation;
mod avif;
mod batch;
mod color;
mod command_line;
mod damage;
mod encryption_corpus;
mod errors;
mod examples;
#[cfg(feature = "fleet")]
mod fleet_origin;
mod frame_choice;
mod fuzz;
mod geometry;
mod house;
mod http_many;
mod http_memory;
mod http_server;
mod i_frames;
mod inspect;
mod interlacing;
mod keys;
mod lambda;
mod lambda_many;
mod leniency;
mod limits;
mod live;
mod live_storyboard;
mod low_latency;
mod many_pictures;
mod many_requests;
mod matrix;
mod network_faults;
mod output_faults;
mod picture;
mod picture_file;
mod playlist_corpus;
mod policy;
mod position;
mod presentation;
mod ranges;
mod requests;
mod sample_encryption;
mod sandbox;
mod segment_encryption;
mod series;
mod serve_fleet;
mod sheet_composition;
mod signals;
mod sound;
mod storyboard_documents;
mod storyboard_players;
mod stream_changes;
mod variant;
mod wall;
mod watch;
mod webhook;
