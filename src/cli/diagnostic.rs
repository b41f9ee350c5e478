//! Errors as people read them: file, key, what was found, what was expected.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use miette::{Diagnostic, GraphicalReportHandler, LabeledSpan, NamedSource, SourceCode};

use super::Outcome;
use crate::engine::{EngineError, Mended, StoreError};
use crate::manifest::{Origin, Problem, Problems};

/// A problem of a manifest with the text it is about.
#[derive(Debug)]
struct Report<'a> {
    problem: &'a Problem,
    source: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.problem)
    }
}

impl Error for Report<'_> {}

impl Diagnostic for Report<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.problem.code))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.label
            .clone()
            .map(|label| Box::new(std::iter::once(label)) as Box<_>)
    }
}

impl<'a> Report<'a> {
    fn new(problem: &'a Problem, texts: &[(&std::path::Path, &str)]) -> Self {
        let Origin::File { path, span, .. } = &problem.origin else {
            return Self {
                problem,
                source: None,
                label: None,
            };
        };
        let text = texts.iter().find(|(known, _)| known == path);
        Self {
            problem,
            source: text
                .map(|(path, text)| NamedSource::new(path.display().to_string(), text.to_string())),
            label: text.map(|_| {
                LabeledSpan::new(
                    Some(format!("expected {}", problem.expected)),
                    span.start,
                    span.len().max(1),
                )
            }),
        }
    }
}

/// Writes all problems of a manifest, with the lines that they are about.
pub(super) fn problems(problems: &Problems, texts: &[(&std::path::Path, &str)]) -> Outcome {
    // A terminal breaks long lines itself; for `grep` a problem stays on its line.
    let handler = GraphicalReportHandler::new().with_wrap_lines(false);
    for problem in &problems.0 {
        let report = Report::new(problem, texts);
        let mut text = String::new();
        match handler.render_report(&mut text, &report) {
            Ok(()) => say(&text),
            Err(_) => say(&problem.to_string()),
        }
    }
    let count = problems.0.len();
    say(&format!(
        "{count} {}; nothing was run",
        if count == 1 { "problem" } else { "problems" }
    ));
    Outcome::Wrong
}

/// Writes an error with its causes.
pub(super) fn error(error: &dyn Error) {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    say(&text);
}

/// Writes an engine error and says which exit code it means.
pub(super) fn engine(failure: &EngineError) -> Outcome {
    error(failure);
    Outcome::Store
}

/// Writes a store error and says which exit code it means.
pub(super) fn store(failure: &StoreError) -> Outcome {
    error(failure);
    Outcome::Store
}

/// One line on something that was put right.
pub(super) fn mended(mended: &Mended) -> String {
    format!("mended    {}: {}", mended.path.display(), mended.what)
}

/// Writes one line for people.
#[expect(clippy::print_stderr, reason = "the command line speaks here")]
pub(super) fn say(text: &str) {
    eprintln!("{text}");
}

/// Whether data could not be written where they were asked for.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// Writes a whole file as data.
pub(super) fn written(bytes: &[u8]) -> Outcome {
    noted(io::stdout().write_all(bytes));
    Outcome::Done
}

/// Writes data.
pub(super) fn put(text: &str) {
    noted(writeln!(io::stdout(), "{text}"));
}

/// Says once that data were not written. A reader that closed the pipe has had enough.
fn noted(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
        && !UNWRITTEN.swap(true, Ordering::Relaxed)
    {
        say(&format!(
            "error: standard output cannot be written: {error}"
        ));
    }
}

/// What a command comes to once its data are out: a full disk is not success.
pub(super) fn told(outcome: Outcome) -> Outcome {
    noted(io::stdout().flush());
    if outcome == Outcome::Done && UNWRITTEN.load(Ordering::Relaxed) {
        return Outcome::Failed;
    }
    outcome
}
