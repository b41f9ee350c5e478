//! Recordings; the first byte chooses the format, and whether it holds bins or spikes.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the other targets use the rest")]
#[path = "../../tests/hostile/targets.rs"]
mod targets;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else {
        return;
    };
    let extension = ["mat", "npy", "csv", "tsv"][usize::from(first % 4)];
    if first & 4 == 0 {
        targets::binned(bytes, extension, &targets::no_parquet);
    } else {
        targets::spikes(bytes, extension, Some(10.0), &targets::no_parquet);
    }
});
