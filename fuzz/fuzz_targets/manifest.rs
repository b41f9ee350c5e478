//! Manifests with `--set`s and an environment: see `targets::manifest` for the form.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the other targets use the rest")]
#[path = "../../tests/hostile/targets.rs"]
mod targets;

fuzz_target!(|bytes: &[u8]| {
    targets::manifest(bytes);
});
