//! `ro-crate-metadata.json`: the folder as archives describe it.
//!
//! After RO-Crate 1.1 (<https://w3id.org/ro/crate/1.1>): a flat list of entities that
//! name each other by `@id`. The first describes this file, the second the folder, then
//! come the files, the program, the run, and what it read.

use serde_json::{Map, Value, json};

use super::super::store::layout::{INDEX, MANIFEST, RUN_FILE};
use super::super::summary::RunSummary;
use super::build;
use super::files::FileInfo;
use super::provenance::{Provenance, RecordingUse};
use super::time::rfc_3339;

/// Name of the file that holds the metadata.
pub(super) const NAME: &str = "ro-crate-metadata.json";

const SPECIFICATION: &str = "https://w3id.org/ro/crate/1.1";

/// Names of the entities that are no files.
const PROGRAM: &str = "#latentfield";
const RUN: &str = "#run";
const EXPERIMENT: &str = "#experiment";

/// The text of the metadata.
///
/// `files` are those whose content is known, `logs` those that the next run changes.
pub(super) fn text(
    provenance: &Provenance,
    summary: &RunSummary,
    files: &[FileInfo],
    logs: &[String],
) -> String {
    let mut graph = vec![
        json!({
            "@id": NAME,
            "@type": "CreativeWork",
            "conformsTo": reference(SPECIFICATION),
            "about": reference("./"),
        }),
        root(provenance, summary, files, logs),
    ];
    graph.extend(files.iter().map(|file| described(provenance, file)));
    graph.extend(logs.iter().map(|path| log(path)));
    graph.extend([experiment(provenance), program()]);
    graph.extend(provenance.recordings.iter().map(recording));
    graph.push(run(provenance, summary, files));
    graph.push(license(provenance.license.as_deref()));
    graph.extend(provenance.authors.iter().enumerate().map(author));
    // The context of 1.1 has no digest; later ones name SHA-256 by this term.
    let metadata = json!({
        "@context": [
            format!("{SPECIFICATION}/context"),
            { "sha256": "http://schema.org/sha256" },
        ],
        "@graph": graph,
    });
    format!("{metadata:#}\n")
}

fn reference(id: &str) -> Value {
    json!({ "@id": id })
}

fn references<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<Value> {
    ids.map(|path| reference(&encoded(path))).collect()
}

/// A path as an identifier: every byte that RFC 3986 does not leave as it is in a
/// path is written as `%` and two digits.
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/=+,@".contains(&byte);
    let letters = path.bytes().map(|byte| match byte {
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    letters.collect()
}

fn root(
    provenance: &Provenance,
    summary: &RunSummary,
    files: &[FileInfo],
    logs: &[String],
) -> Value {
    let paths = files.iter().map(|file| &file.path).chain(logs);
    let mut root = json!({
        "@id": "./",
        "@type": "Dataset",
        "name": provenance.title,
        "description": format!(
            "Tables and figures of the experiment `{}` (seed {}), made by {} {}.",
            provenance.experiment,
            provenance.seed,
            env!("CARGO_PKG_NAME"),
            build::version_in_words(),
        ),
        "identifier": provenance.experiment,
        "datePublished": finished(summary),
        "hasPart": references(paths.map(String::as_str)),
        "mentions": reference(RUN),
        "about": reference(EXPERIMENT),
    });
    root["license"] = reference(&license_id(provenance.license.as_deref()));
    if !provenance.authors.is_empty() {
        let people = provenance.authors.iter().enumerate();
        let people = people.map(|(number, text)| reference(&author_id(number, text)));
        root["author"] = people.collect();
    }
    root
}

fn described(provenance: &Provenance, file: &FileInfo) -> Value {
    let (description, format) = kind(&file.path);
    json!({
        "@id": encoded(&file.path),
        "@type": "File",
        "name": file.path,
        "description": format!("{description} of the experiment `{}`", provenance.experiment),
        "contentSize": file.bytes.to_string(),
        "sha256": file.sha256,
        "encodingFormat": format,
        "about": reference(EXPERIMENT),
    })
}

/// A log: its content is another one after the next run, so that no digest is given.
fn log(path: &str) -> Value {
    let (description, format) = kind(path);
    json!({
        "@id": encoded(path),
        "@type": "File",
        "name": path,
        "description": description,
        "encodingFormat": format,
        "about": reference(RUN),
    })
}

/// What a file is, and its media type.
fn kind(path: &str) -> (&'static str, &'static str) {
    match path {
        MANIFEST => ("Manifest with every default", "application/toml"),
        INDEX => ("Page that shows tables, figures and costs", "text/markdown"),
        RUN_FILE => (
            "How, when and where the results were made",
            "application/json",
        ),
        _ if path.starts_with("tables/") => ("Table", "application/vnd.apache.parquet"),
        _ if path.starts_with("plots/") => ("Figure", "image/png"),
        _ if path.starts_with("logs/") => ("Report of a failure", "text/plain"),
        _ => (
            "Events of all runs, one JSON object a line",
            "application/x-ndjson",
        ),
    }
}

fn experiment(provenance: &Provenance) -> Value {
    json!({
        "@id": EXPERIMENT,
        "@type": "CreativeWork",
        "name": provenance.title,
        "identifier": provenance.experiment,
    })
}

fn program() -> Value {
    json!({
        "@id": PROGRAM,
        "@type": "SoftwareApplication",
        "name": env!("CARGO_PKG_NAME"),
        "description": env!("CARGO_PKG_DESCRIPTION"),
        "version": build::version_in_words(),
    })
}

fn recording_id(recording: &RecordingUse) -> String {
    format!(
        "#recording-{}",
        &recording.sha256[..recording.sha256.len().min(16)]
    )
}

/// A recording is not in the folder; its digest says which one it is.
fn recording(recording: &RecordingUse) -> Value {
    let name = recording.path.file_name().unwrap_or_default();
    let mut entity = json!({
        "@id": recording_id(recording),
        "@type": "CreativeWork",
        "name": name.to_string_lossy(),
        "description": "Recording that the run read; it is not a part of this folder",
        "sha256": recording.sha256,
    });
    if let Some(cite) = &recording.cite {
        entity["citation"] = cite.as_str().into();
    }
    entity
}

fn run(provenance: &Provenance, summary: &RunSummary, files: &[FileInfo]) -> Value {
    let made = |file: &&FileInfo| file.path.contains('/');
    let results = files.iter().filter(made).map(|file| file.path.as_str());
    let mut objects = vec![reference(MANIFEST)];
    let recordings = provenance.recordings.iter();
    objects.extend(recordings.map(|recording| reference(&recording_id(recording))));
    let status = if summary.complete() {
        "http://schema.org/CompletedActionStatus"
    } else {
        "http://schema.org/FailedActionStatus"
    };
    let mut run = Map::new();
    run.insert("@id".to_owned(), RUN.into());
    run.insert("@type".to_owned(), "CreateAction".into());
    run.insert(
        "name".to_owned(),
        format!("Run of `{}`", provenance.experiment).into(),
    );
    let description = format!("Tables and figures were made in {:.1} s", summary.seconds);
    run.insert("description".to_owned(), description.into());
    run.insert("instrument".to_owned(), reference(PROGRAM));
    run.insert("object".to_owned(), objects.into());
    run.insert("result".to_owned(), references(results).into());
    run.insert(
        "startTime".to_owned(),
        rfc_3339(summary.started_unix).into(),
    );
    run.insert("endTime".to_owned(), finished(summary).into());
    run.insert("actionStatus".to_owned(), status.into());
    run.into()
}

fn finished(summary: &RunSummary) -> String {
    rfc_3339(summary.started_unix + summary.seconds)
}

/// An address as it is, a short name as that of the SPDX list, other text as a name.
fn license_id(text: Option<&str>) -> String {
    let letter = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
    match text {
        Some(text) if is_address(text) => text.to_owned(),
        Some(text) if !text.is_empty() && text.chars().all(letter) => {
            format!("https://spdx.org/licenses/{text}")
        }
        _ => "#license".to_owned(),
    }
}

/// The licence, or that there is none: the specification wants an answer, and none is
/// made up.
fn license(text: Option<&str>) -> Value {
    let (name, description) = match text {
        Some(text) => (text, "Licence of this folder, as the manifest says"),
        None => (
            "no licence stated",
            "The manifest does not say how this folder may be used (`experiment.license`)",
        ),
    };
    json!({
        "@id": license_id(text),
        "@type": "CreativeWork",
        "name": name,
        "description": description,
    })
}

fn is_address(text: &str) -> bool {
    let web = text.starts_with("https://") || text.starts_with("http://");
    web && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"".contains(c))
}

/// The address in `Name <https://orcid.org/…>`, else a name within this file.
fn author_id(number: usize, text: &str) -> String {
    let address = text
        .split_once('<')
        .and_then(|(_, rest)| rest.strip_suffix('>'));
    let address = address.filter(|address| is_address(address));
    address.map_or_else(|| format!("#author-{number}"), str::to_owned)
}

fn author((number, text): (usize, &String)) -> Value {
    let id = author_id(number, text);
    let name = match text.split_once('<') {
        Some((name, _)) if !id.starts_with('#') => name.trim(),
        _ => text,
    };
    json!({ "@id": id, "@type": "Person", "name": name })
}

#[cfg(test)]
#[path = "crate_metadata/tests.rs"]
mod tests;
