//! Sweeps of the good manifest, and the points that they come to.

use super::*;

/// The good manifest with this sweep.
pub(super) fn swept(sweep: &str) -> Sources {
    sources(&format!("{MODEL}[sweep]\n{sweep}\n"))
}

/// The values of all axes of all points, as text.
pub(super) fn rows(sources: &Sources) -> Vec<String> {
    let row = |point: &Point| {
        let values = point.coordinates.iter().map(|(_, value)| value.to_string());
        values.collect::<Vec<_>>().join(" ")
    };
    good(sources).points.iter().map(row).collect()
}

/// The expanded text gives the same points, and is final.
#[track_caller]
pub(super) fn assert_round_trip(original: &Sources) {
    let manifest = good(original);
    let again = Sources {
        path: "/elsewhere/manifest.toml".into(),
        ..sources(&manifest.expanded)
    };
    let second = good(&again);
    assert_eq!(second.points, manifest.points, "{}", manifest.expanded);
    assert_eq!(second.axes, manifest.axes, "{}", manifest.expanded);
    assert_eq!(second.expanded, manifest.expanded);
}
