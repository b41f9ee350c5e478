//! `cache why`: why a task would run, or what its stored result is.

use serde_json::json;

use super::super::args::OutputFormat;
use super::super::explaining::Paragraph;
use super::super::plan::explain;
use super::super::prepare::{self, Prepared};
use super::super::quantity::{age, bytes, now_unix, span};
use super::super::{Outcome, diagnostic, diagnostic::put};
use super::{WhyArguments, put_json, stored};
use crate::engine::store::{Entry, Lookup};
use crate::engine::{self, Explanation, Status, Store, Wanted};
use crate::plan::{Selector, Task, select};

/// Fewest digits by which a key is meant.
const KEY_DIGITS: usize = 4;

pub(super) fn why(arguments: &WhyArguments) -> Result<Outcome, Outcome> {
    let prepared = prepare::prepare(&arguments.manifest)?;
    let asked = asked(&prepared, &arguments.task)?;
    let path = prepared.store_below(&arguments.store.results);
    let store = stored(Store::open_existing(&path))?;
    // Asked for by name a task is wanted, whoever else reads it.
    let wanted = Wanted {
        only: Some(asked.clone()),
        force: Vec::new(),
    };
    let assessment = stored(engine::assess(&prepared.plan, &store, &wanted))?;
    let explanations = explain(&prepared, &assessment, &store)?;
    let mut answers = Vec::new();
    for id in asked {
        let task = &prepared.plan.tasks[id];
        let answer = Answer {
            task,
            status: &assessment.statuses[id],
            explanation: explanations.iter().find(|e| e.task == id),
            entry: match stored(store.lookup(&task.stage, &task.key))? {
                Lookup::Present(found) => Some(found.entry),
                Lookup::Missing | Lookup::Damaged(_) => None,
            },
        };
        match arguments.store.format {
            OutputFormat::Text => answer.text(&prepared),
            OutputFormat::Json => answers.push(answer.json()),
        }
    }
    if arguments.store.format == OutputFormat::Json {
        put_json(&json!({ "format": 1, "tasks": answers }));
    }
    Ok(Outcome::Done)
}

/// The tasks that `text` means: by the beginning of a key, else as a selector.
fn asked(prepared: &Prepared, text: &str) -> Result<Vec<usize>, Outcome> {
    let plan = &prepared.plan;
    if text.len() >= KEY_DIGITS {
        let meant = plan
            .tasks
            .iter()
            .filter(|t| t.key.as_str().starts_with(text));
        let meant: Vec<usize> = meant.map(|task| task.id).collect();
        if !meant.is_empty() {
            return Ok(meant);
        }
    }
    let found = Selector::parse_list(text).and_then(|selectors| select(plan, &selectors));
    found.map_err(|error| {
        diagnostic::error(&error);
        Outcome::Wrong
    })
}

struct Answer<'a> {
    task: &'a Task,
    status: &'a Status,
    explanation: Option<&'a Explanation>,
    entry: Option<std::sync::Arc<Entry>>,
}

impl Answer<'_> {
    fn text(&self, prepared: &Prepared) {
        let key = self.task.key.short();
        if let Some(explanation) = self.explanation {
            let paragraph = Paragraph::of(explanation);
            put(&format!(
                "run      {} ({key})",
                paragraph.head(&prepared.plan)
            ));
            for line in paragraph.lines() {
                put(&format!("           {line}"));
            }
        } else if let Some(entry) = &self.entry {
            put(&format!(
                "cached   {} ({key}): {}",
                self.task.label,
                made(entry)
            ));
        }
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "label": self.task.label,
            "stage": self.task.stage,
            "key": self.task.key,
            "status": self.status,
            "explanation": self.explanation,
            "entry": self.entry.as_ref().map(|entry| json!({
                "label": entry.label, "finished_unix": entry.finished_unix,
                "seconds": entry.seconds, "threads": entry.threads, "host": entry.host,
                "program_version": entry.program_version, "files": entry.files,
            })),
        })
    }
}

fn made(entry: &Entry) -> String {
    let threads = match entry.threads {
        None => String::new(),
        Some(1) => " on 1 thread".to_owned(),
        Some(threads) => format!(" on {threads} threads"),
    };
    let size = entry.files.values().map(|file| file.bytes).sum();
    format!(
        "made as `{}` {}, in {}{threads}, on `{}` by version {}; {} files, {}",
        entry.label,
        age(now_unix() - entry.finished_unix),
        span(entry.seconds),
        entry.host,
        entry.program_version,
        entry.files.len(),
        bytes(size),
    )
}
