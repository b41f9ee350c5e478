//! Readers of real recordings: which cell was active in which time bin.
//!
//! Stored patterns of a network are read the same way, or from a folder of images.
//!
//! In comes a file (MATLAB v5, `.npy`, delimited text, Parquet) and a
//! [`ReadRequest`] that says how its axes are to be understood, or, for a table
//! with a row a spike, its columns ([`SpikeTimes`]). Out comes a
//! [`Recording`]: one bit a cell and time bin, repeat after repeat, of which
//! [cells](Recording::select_cells) and [bins](Recording::select_bins) can be
//! chosen, and which can be [split](Recording::split) by interleaved repeats and
//! [summarised](summary).
//!
//! Files are not trusted. Every size that a file declares is checked against
//! the bytes that are there before anything is allocated. The bits of a
//! recording take at most eight bytes a stored value, and as much again while
//! a subset of cells is copied, so memory stays below twenty times the file;
//! for a compressed file, below twenty times what its bytes can inflate to
//! (1032 to 1). Spikes that lie far apart make more bins than there are stored
//! values, but the bits never take more than 2 GiB. Columns of a Parquet file
//! are decoded by the function passed in, under its own bounds.
//!
//! This folder never fits a model, never writes a file and knows nothing of
//! manifests.

mod array;
mod error;
mod images;
mod matlab;
mod matlab_stream;
mod npy;
mod numbers;
mod parquet;
mod read;
mod record;
mod request;
mod spikes;
mod summary;
mod text;

#[cfg(test)]
mod fixtures;

pub use error::{RecordingError, VariableListing};
pub use parquet::{Column, DenseColumns, ParquetReader};
pub use read::{check_sha256, load, load_at_most, read, read_bytes, read_patterns};
pub use record::{Recording, Split, Warning};
pub use request::{Axis, Coding, ReadRequest};
pub use spikes::{SpikeColumn, SpikeTimes, SpikeValue, TimeUnit};
pub use summary::{Summary, summary};
