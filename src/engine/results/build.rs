//! Which build of the program this is.

/// The commit that the program was built from, as 40 hexadecimal digits; `None` if
/// the build did not know.
pub(super) fn commit() -> Option<&'static str> {
    option_env!("LF_BUILD_COMMIT").filter(|digits| !digits.is_empty())
}

/// Whether files differed from that commit; `None` if the build did not know.
pub(super) fn dirty() -> Option<bool> {
    option_env!("LF_BUILD_DIRTY").and_then(|text| text.parse().ok())
}

/// Features of the package that are on: devices beyond the processor.
pub(super) fn features() -> Vec<&'static str> {
    let known = [
        ("cuda", cfg!(feature = "cuda")),
        ("libtorch", cfg!(feature = "libtorch")),
        ("wgpu", cfg!(feature = "wgpu")),
    ];
    let on = known.into_iter().filter(|&(_, on)| on);
    on.map(|(name, _)| name).collect()
}

/// Version and commit in words: `0.1.0 (commit 0123…, with changes)`.
pub(super) fn version_in_words() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match (commit(), dirty()) {
        (None, _) => format!("{version} (commit unknown)"),
        (Some(commit), Some(true)) => format!("{version} (commit {commit}, with changes)"),
        (Some(commit), _) => format!("{version} (commit {commit})"),
    }
}
