//! `index.md`: a page that shows what is in the folder.

use std::fmt::Write;

use super::super::summary::RunSummary;
use super::Published;
use super::build;
use super::costs::StageCost;
use super::provenance::Provenance;
use super::time::rfc_3339;

/// The text of the page.
pub(super) fn text(
    provenance: &Provenance,
    summary: &RunSummary,
    published: &Published,
    stages: &[StageCost],
) -> String {
    let mut text = format!(
        "# {}\n\nExperiment `{}`, seed {}. Made by {} {} from [the expanded manifest](manifest.toml); \
         [run.json](run.json) says how and when, [log.jsonl](log.jsonl) what happened, and \
         [ro-crate-metadata.json](ro-crate-metadata.json) tells it to archives.\n",
        provenance.title,
        provenance.experiment,
        provenance.seed,
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
    );
    let with = |start: &str| {
        let names = published
            .files
            .keys()
            .filter(|name| name.starts_with(start));
        names.cloned().collect::<Vec<String>>()
    };
    let lines = |name: &String| format!("- [{name}]({name})");
    section(&mut text, "Tables", with("tables/").iter().map(lines));
    let images = |name: &String| format!("![{name}]({name})\n");
    section(&mut text, "Figures", with("plots/").iter().map(images));
    let missing = published.missing.iter().map(|name| format!("- `{name}`"));
    section(&mut text, "Not made", missing);
    let failed = summary
        .failed
        .iter()
        .map(|f| format!("- `{}`: {}", f.label, f.message));
    section(&mut text, "Failed", failed);
    let warnings = summary
        .warnings
        .iter()
        .map(|w| format!("- `{}`: {}", w.label, w.message));
    section(&mut text, "Warnings", warnings);
    section(&mut text, "Costs", cost_lines(stages).into_iter());
    let words = std::iter::once(in_words(provenance, summary));
    section(&mut text, "Where it comes from", words);
    text
}

/// Adds a heading and lines; nothing if there are no lines.
fn section(text: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        let _ = write!(text, "\n## {heading}\n\n{}\n", lines.join("\n"));
    }
}

/// A row a stage; the last one is their sum.
fn cost_lines(stages: &[StageCost]) -> Vec<String> {
    let mut lines = vec![
        "| stage | tasks | ran | from the store | time | core time | core time of earlier runs |"
            .to_owned(),
        "| --- | --: | --: | --: | --: | --: | --: |".to_owned(),
    ];
    lines.extend(stages.iter().map(|cost| {
        format!(
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            cost.stage,
            cost.tasks,
            cost.ran,
            cost.cached,
            duration(cost.wall_seconds),
            duration(cost.core_seconds),
            duration(cost.of_earlier_runs_core_seconds),
        )
    }));
    let sum = |of: fn(&StageCost) -> f64| duration(stages.iter().map(of).sum());
    let count = |of: fn(&StageCost) -> usize| stages.iter().map(of).sum::<usize>();
    lines.push(format!(
        "| all | {} | {} | {} | | {} | {} |",
        count(|cost| cost.tasks),
        count(|cost| cost.ran),
        count(|cost| cost.cached),
        sum(|cost| cost.core_seconds),
        sum(|cost| cost.of_earlier_runs_core_seconds),
    ));
    let unknown = count(|cost| cost.of_earlier_runs_threads_unknown);
    if unknown > 0 {
        lines.push(format!(
            "\nOf {unknown} tasks of earlier runs it is not known how many threads they had; \
             one is counted."
        ));
    }
    lines
}

/// Seconds in the unit that people would choose.
fn duration(seconds: f64) -> String {
    if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else if seconds < 6000.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

fn in_words(provenance: &Provenance, summary: &RunSummary) -> String {
    let machine = &provenance.machine;
    let cpu = machine.cpu.as_deref().unwrap_or(&machine.arch);
    let mut text = format!(
        "{} {} worked from {} to {} on {} ({}, {} cores), at most {} tasks side by side. \
         The manifest was `{}`, of {} points.",
        env!("CARGO_PKG_NAME"),
        build::version_in_words(),
        rfc_3339(summary.started_unix),
        rfc_3339(summary.started_unix + summary.seconds),
        cpu,
        machine.os,
        machine.cores,
        provenance.threads,
        provenance.manifest_path.display(),
        provenance.points.len(),
    );
    for recording in &provenance.recordings {
        let _ = write!(
            text,
            "\n\nIt read `{}` ({} bytes, SHA-256 `{}`).",
            recording
                .path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy(),
            recording.bytes,
            recording.sha256
        );
        if let Some(cite) = &recording.cite {
            let _ = write!(text, " Cite: {cite}.");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_told_in_the_unit_that_people_would_choose() {
        assert_eq!(duration(0.04), "0.0 s");
        assert_eq!(duration(99.0), "99.0 s");
        assert_eq!(duration(150.0), "2.5 min");
        assert_eq!(duration(9000.0), "2.5 h");
    }
}
