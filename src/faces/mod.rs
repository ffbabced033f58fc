//! How hlsnap is asked: each face turns its own kind of question into a [`crate::SnapshotRequest`], and what comes back into its own
//! kind of answer. Faces know [`crate::snapshot`], [`crate::store`] and the leaves; nothing knows them.

pub mod cli;
