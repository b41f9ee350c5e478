//! The commit that the program is built from.
//!
//! `LF_BUILD_COMMIT` is the commit of the package's folder, 40 hexadecimal digits,
//! and `LF_BUILD_DIRTY` says whether its source differs from that commit: `true` or
//! `false`. Both are empty where there is no git, as in an unpacked archive. Their names
//! do not begin with `LATENTFIELD_`: cargo sets them also where it runs the program,
//! which would take them for keys of the manifest.

use std::path::Path;
use std::process::Command;

/// What decides the program; a changed page of the manual does not.
const SOURCE: [&str; 5] = ["src", "build", "build.rs", "Cargo.toml", "Cargo.lock"];

/// The lines for Cargo: what is set, and what makes it old.
///
/// Both are those of the moment at which the source was last built. A commit alone does
/// not build it anew, which would take minutes after each of them; until then a program
/// says that it differs from the commit before, which is true. Where it must be exact,
/// `LF_BUILD` is set to something new, such as the commit.
pub(super) fn lines(root: &Path) -> [String; 3] {
    let (commit, dirty) = state(root).unwrap_or_default();
    [
        format!("cargo::rustc-env=LF_BUILD_COMMIT={commit}"),
        format!("cargo::rustc-env=LF_BUILD_DIRTY={dirty}"),
        "cargo::rerun-if-env-changed=LF_BUILD".to_owned(),
    ]
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
