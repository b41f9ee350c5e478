//! Values from the environment and from `--set`.

use super::catalogue;
use super::node::{Node, Place, Value};
use super::parse::{join, override_value};
use super::range;
use super::report::{Layer, Message, Report};
use super::sources::{ENVIRONMENT_PREFIX, Sources};

/// Most levels of a key; the manifest itself has fewer.
const MOST_LEVELS: usize = 8;

/// One value from outside the files.
#[derive(Debug)]
pub(super) struct Override {
    /// Dotted path of its key.
    pub(super) path: String,
    pub(super) value: Node,
}

/// What the path of a swept key begins with.
const SWEEP: &str = "sweep.";

/// All overrides, weakest first: the environment by name, then `--set` in order.
pub(super) fn read<'a>(sources: &'a Sources, report: &mut Report<'a>) -> Vec<Override> {
    let mut variables: Vec<(&str, &str)> = sources
        .environment
        .iter()
        .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    variables.sort_unstable();
    let mut overrides = Vec::new();
    for (name, value) in variables {
        let place = whole(report.add_layer(Layer::Environment(name)));
        let path = name[ENVIRONMENT_PREFIX.len()..]
            .to_lowercase()
            .replace("__", ".");
        overrides.extend(parse(&path, value, place, report));
    }
    let sweepable = catalogue::sweepable_paths();
    for text in &sources.sets {
        let place = whole(report.add_layer(Layer::Set(text)));
        match text.split_once('=') {
            Some((path, value)) => {
                if let Some(set) = parse(path, value, place, report) {
                    set_value(&mut overrides, set, &sweepable, report);
                }
            }
            None => report.push(place, malformed(text)),
        }
    }
    overrides
}

/// Adds a `--set` value; a list for a key that takes none, or a range, is an axis.
///
/// A later value of a key takes the place of an earlier `--set` of the same key, be it
/// an axis or a single value.
fn set_value(
    overrides: &mut Vec<Override>,
    mut set: Override,
    sweepable: &[String],
    report: &Report<'_>,
) {
    if sweepable.contains(&set.path) {
        let axis = format!("{SWEEP}{}", set.path);
        let is_axis = is_axis(&set);
        let outdated = if is_axis { &set.path } else { &axis };
        overrides.retain(|it| it.path != *outdated || !report.is_set(&it.value));
        if is_axis {
            set.path = axis;
        }
    }
    overrides.push(set);
}

fn is_axis(set: &Override) -> bool {
    match &set.value.value {
        Value::Array(_) => {
            let form = catalogue::list_form(&set.path);
            form.is_none_or(|form| !form.is_value(&set.value))
        }
        Value::Table(_) => range::is_range(&set.value),
        _ => false,
    }
}

fn whole(layer: usize) -> Place {
    Place {
        layer,
        start: 0,
        end: 0,
    }
}

fn malformed(found: &str) -> Message {
    Message {
        code: "manifest::bad_override",
        found: format!("`{found}`"),
        expected: "a dotted key and a value".to_owned(),
        help: Some(
            "write `--set vae.latent=3`, or `LATENTFIELD_VAE__LATENT=3` in the environment"
                .to_owned(),
        ),
        ..Message::default()
    }
}

fn parse(path: &str, value: &str, place: Place, report: &Report<'_>) -> Option<Override> {
    if path.split('.').count() > MOST_LEVELS {
        report.push(place, malformed("a key of too many levels"));
        return None;
    }
    let path = path
        .split('.')
        .map(str::trim)
        .try_fold(String::new(), |path, key| {
            (!key.is_empty()).then(|| join(&path, key))
        });
    let Some(path) = path else {
        report.push(place, malformed("an empty key"));
        return None;
    };
    let value = override_value(value, &path, place, report)?;
    let usable = !matches!(value.value, Value::Unusable);
    usable.then_some(Override { path, value })
}
