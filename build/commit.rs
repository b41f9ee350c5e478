//! The commit that the program is built from.
//!
//! `LATENTFIELD_COMMIT` is the commit of the package's folder, 40 hexadecimal digits,
//! and `LATENTFIELD_DIRTY` says whether its source differs from that commit: `true` or
//! `false`. Both are empty where there is no git, as in an unpacked archive.

use std::path::Path;
use std::process::Command;

/// What decides the program; a changed page of the manual does not.
const SOURCE: [&str; 5] = ["src", "build", "build.rs", "Cargo.toml", "Cargo.lock"];

/// The lines for Cargo: what is set, and what makes it old.
pub(super) fn lines(root: &Path) -> Vec<String> {
    let (commit, dirty) = state(root).unwrap_or_default();
    let mut lines = vec![
        format!("cargo::rustc-env=LATENTFIELD_COMMIT={commit}"),
        format!("cargo::rustc-env=LATENTFIELD_DIRTY={dirty}"),
    ];
    // Staging changes neither of them, so that the index is not looked at.
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]).unwrap_or_default();
    for name in ["HEAD", "logs/HEAD", branch.as_str()] {
        let path = git(root, &["rev-parse", "--git-path", name]).unwrap_or_default();
        // Cargo would run the script each time for a path that is not there.
        if !name.is_empty() && root.join(&path).is_file() {
            lines.push(format!("cargo::rerun-if-changed={path}"));
        }
    }
    lines
}

fn state(root: &Path) -> Option<(String, &'static str)> {
    // Unpacked within somebody else's repository the package has no commit.
    git(root, &["ls-files", "--error-unmatch", "Cargo.toml"])?;
    let commit = git(root, &["rev-parse", "HEAD"])?;
    let status = ["status", "--porcelain", "--"];
    let changes = git(root, &[&status[..], &SOURCE].concat())?;
    let is_commit = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
    let dirty = if changes.is_empty() { "false" } else { "true" };
    is_commit.then_some((commit, dirty))
}

/// What git says; `None` if it cannot, or if there is no git.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // Looking must not write: a lock on the index could stop the user's own git.
    command.arg("--no-optional-locks").args(arguments);
    let output = command.current_dir(root).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
