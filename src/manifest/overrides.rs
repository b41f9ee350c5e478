//! Values from the environment and from `--set`.

use super::node::{Node, Place, Value};
use super::parse::{join, override_value};
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
    for text in &sources.sets {
        let place = whole(report.add_layer(Layer::Set(text)));
        match text.split_once('=') {
            Some((path, value)) => overrides.extend(parse(path, value, place, report)),
            None => report.push(place, malformed(text)),
        }
    }
    overrides
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
