//! Values of swept parameters, as the expanded manifests say.

use serde_json::Value;

use crate::tables::Cell;

/// The value that a side gives to a parameter that another sweeps in `column`.
///
/// The column is named by the last key of the parameter or by its full path;
/// which parameter it is says the manifest of the side that sweeps it.
pub(super) fn fixed_value(column: &str, sweeping: &Value, own: &Value) -> Option<Cell> {
    let mut paths = Vec::new();
    if let Some(sweep) = sweeping.get("sweep") {
        leaves("", sweep, &mut paths);
    }
    let named = |path: &&String| *path == column || path.rsplit('.').next() == Some(column);
    let mut candidates = paths.iter().filter(named);
    let path = candidates.next()?;
    if candidates.any(|other| other != path) {
        return None;
    }
    let value = path.split('.').try_fold(own, |value, key| value.get(key))?;
    match value {
        Value::Bool(flag) => Some(Cell::from(*flag)),
        Value::String(text) => Some(Cell::from(text.as_str())),
        Value::Number(number) => Some(Cell::from(number.as_f64())),
        _ => None,
    }
}

/// Dotted paths of all that is no table.
fn leaves(path: &str, value: &Value, found: &mut Vec<String>) {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    };
    match value {
        Value::Object(entries) if !is_range(entries) => {
            for (key, value) in entries {
                leaves(&below(key), value, found);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                leaves(path, item, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

/// Whether a table gives the values of one parameter: `{ start = …, stop = … }`.
fn is_range(entries: &serde_json::Map<String, Value>) -> bool {
    entries.contains_key("start") && entries.contains_key("stop")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_found_by_the_path_that_the_other_side_sweeps() {
        let sweeping = json!({"sweep": {
            "model": {"temperature": {"start": 0.4, "stop": 1.0, "step": 0.1}},
            "vae": {"latent": [1, 2]},
        }});
        let own = json!({"model": {"temperature": 0.6, "kind": "hopfield"}, "vae": {"latent": 3}});
        let value = |column| fixed_value(column, &sweeping, &own);
        assert_eq!(value("temperature"), Some(Cell::from(0.6)));
        assert_eq!(value("vae.latent"), Some(Cell::from(3.0)));
        assert_eq!(value("kind"), None, "nobody sweeps it");
        assert_eq!(fixed_value("temperature", &sweeping, &json!({})), None);
        assert_eq!(fixed_value("temperature", &Value::Null, &own), None);
    }

    #[test]
    fn a_name_that_means_two_parameters_has_no_value() {
        let sweeping = json!({"sweep": {"model": {"seed": [1]}, "vae": {"seed": [1]}}});
        let own = json!({"model": {"seed": 1}, "vae": {"seed": 2}});
        assert_eq!(fixed_value("seed", &sweeping, &own), None);
        assert_eq!(
            fixed_value("vae.seed", &sweeping, &own),
            Some(Cell::from(2.0))
        );
    }
}
