//! Before the build: digests of the code that decides results, and the commit.
//!
//! Comes in: the package as it lies there. Goes out: `code.rs` in `OUT_DIR`, which
//! `src/stages/mod.rs` takes in, and two variables for `option_env!`. It never fails
//! for want of git.

#[path = "build/code.rs"]
mod code;
#[path = "build/commit.rs"]
mod commit;
#[path = "build/source.rs"]
#[expect(
    dead_code,
    reason = "the test of the architecture shares it and reads more"
)]
mod source;

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).ok_or(name);
    let (root, out) = (folder("CARGO_MANIFEST_DIR")?, folder("OUT_DIR")?);
    for path in ["build.rs", "build", "src", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    std::fs::write(out.join("code.rs"), code::generated(&code::digests(&root)?))?;
    for line in commit::lines(&root) {
        println!("{line}");
    }
    Ok(())
}
