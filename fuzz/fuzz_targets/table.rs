//! Parquet: tables, configurations and recordings.
#![no_main]

use latentfield::{stages, tables};
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the other targets use the rest")]
#[path = "../../tests/hostile/targets.rs"]
mod targets;

fuzz_target!(|bytes: &[u8]| {
    let _ = tables::from_bytes(bytes);
    let _ = tables::configurations_from_bytes(bytes);
    targets::binned(bytes, "parquet", &stages::parquet_recording);
});
