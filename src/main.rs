//! The program: everything is in the library.

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // Diagnostics of libraries and of ours, off unless RUST_LOG asks for them.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    // Tests tell by `FAILPOINTS` what is to fail; other builds have nothing to tell.
    let _faults = fail::has_failpoints().then(fail::FailScenario::setup);
    latentfield::cli::main()
}
