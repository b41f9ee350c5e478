//! `cache verify`: is every entry what was once written?

use serde_json::{Value, json};

use super::super::args::OutputFormat;
use super::super::quantity::bytes;
use super::super::{Outcome, diagnostic, diagnostic::put};
use super::{VerifyArguments, put_json, stored};
use crate::engine::Store;
use crate::engine::store::{Audit, Finding, Part, Problem};

pub(super) fn verify(arguments: &VerifyArguments) -> Result<Outcome, Outcome> {
    let store = if arguments.repair {
        arguments.store.open_by(Store::open)?
    } else {
        arguments.store.open()?
    };
    let inventory = stored(store.inventory())?;
    let unknown = Audit::unknown(&inventory, &arguments.tasks);
    if !unknown.is_empty() {
        diagnostic::say(&format!(
            "error: no entry is called `{}`, expected a label, a stage, or 6 or more digits of a key; `cache ls --by size` lists them",
            unknown.join("`, `")
        ));
        return Err(Outcome::Wrong);
    }
    let audit = stored(store.audit(&inventory, &arguments.tasks, arguments.repair))?;
    match arguments.store.format {
        OutputFormat::Json => put_json(&json(&audit)),
        OutputFormat::Text => text(&audit, arguments.repair),
    }
    Ok(if audit.findings.is_empty() {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

fn line(finding: &Finding) -> String {
    let (name, key) = (&finding.name, finding.key.short());
    match &finding.problem {
        Problem::Damaged { what, repaired } => {
            let repaired = if *repaired { "; set aside" } else { "" };
            format!("damaged   {name} ({key}): {what}{repaired}")
        }
        Problem::NoAncestor { role, key: absent } => format!(
            "orphan    {name} ({key}): its input `{role}` ({}) is not in the store",
            absent.short()
        ),
    }
}

fn text(audit: &Audit, repair: bool) {
    for finding in &audit.findings {
        put(&line(finding));
    }
    for stranger in &audit.strangers {
        put(&format!("stranger  {}", stranger.display()));
    }
    for part in &audit.abandoned {
        let path = part.path.display();
        put(&format!(
            "abandoned {path}: of a process that died; the next run removes it"
        ));
    }
    for part in &audit.checkpoints {
        let path = part.path.display();
        put(&format!(
            "unfinished {path}: checkpoints, from which the task goes on when it runs next"
        ));
    }
    let damaged = audit.findings.iter().filter(|f| is_damage(f)).count();
    let orphans = audit.findings.len() - damaged;
    let mut summary = format!(
        "{} entries, {}: {damaged} damaged, {orphans} without an input",
        audit.entries,
        bytes(audit.bytes)
    );
    if damaged > 0 && !repair {
        summary.push_str(
            "; `cache verify --repair` sets damaged ones aside, and the next run makes them again",
        );
    }
    if orphans > 0 {
        summary.push_str("; `run --only` with the task of the input makes it again");
    }
    put(&summary);
}

fn is_damage(finding: &Finding) -> bool {
    matches!(finding.problem, Problem::Damaged { .. })
}

fn json(audit: &Audit) -> Value {
    let finding = |finding: &Finding| {
        let mut value = json!({
            "stage": finding.stage, "key": finding.key, "label": finding.name,
        });
        let more = match &finding.problem {
            Problem::Damaged { what, repaired } => {
                json!({ "kind": "damaged", "problem": what, "repaired": repaired })
            }
            Problem::NoAncestor { role, key } => {
                json!({ "kind": "no_ancestor", "role": role, "input": key })
            }
        };
        if let (Value::Object(all), Value::Object(more)) = (&mut value, more) {
            all.extend(more);
        }
        value
    };
    let paths = |parts: &[Part]| {
        parts
            .iter()
            .map(|part| part.path.clone())
            .collect::<Vec<_>>()
    };
    json!({
        "format": 1,
        "entries": audit.entries,
        "bytes": audit.bytes,
        "findings": audit.findings.iter().map(finding).collect::<Vec<_>>(),
        "strangers": audit.strangers,
        "abandoned": paths(&audit.abandoned),
        "checkpoints": paths(&audit.checkpoints),
    })
}
