//! Names of tasks for people.

use serde_json::Value;

use crate::manifest::{Point, Scalar};

use super::task::Place;

/// Coordinate under which a replicate is named.
pub(super) const REPLICATE: &str = "replicate";

/// A swept value as JSON.
pub(super) fn value(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Integer(number) => Value::from(*number),
        Scalar::Number(number) => Value::from(*number),
        Scalar::Text(text) => Value::from(text.as_str()),
        Scalar::Flag(flag) => Value::from(*flag),
        Scalar::Missing => Value::Null,
    }
}

/// Where `point` lies, with values as text.
pub(super) fn place(point: &Point) -> Place {
    Place {
        replicate: point.replicate,
        coordinates: point
            .coordinates
            .iter()
            .map(|(name, scalar)| (name.clone(), scalar.to_string()))
            .collect(),
    }
}

/// The coordinates on which all `members` agree, in the order of the axes.
///
/// The replicate is the last of them, and left out if the plan has only one.
pub(super) fn common_coordinates(places: &[Place], members: &[usize]) -> Vec<(String, String)> {
    let Some((&first, others)) = members.split_first() else {
        return Vec::new();
    };
    let several = places
        .iter()
        .any(|p| p.replicate != places[first].replicate);
    let mut common = coordinates(&places[first], several);
    for &other in others {
        let theirs = coordinates(&places[other], several);
        common.retain(|coordinate| theirs.contains(coordinate));
    }
    common
}

fn coordinates(place: &Place, with_replicate: bool) -> Vec<(String, String)> {
    let replicate = with_replicate.then(|| (REPLICATE.to_owned(), place.replicate.to_string()));
    place.coordinates.iter().cloned().chain(replicate).collect()
}

/// `stage[name=value, …]`, or `stage` alone if there are no coordinates.
pub(super) fn label(stage: &str, coordinates: &[(String, String)]) -> String {
    if coordinates.is_empty() {
        return stage.to_owned();
    }
    let parts: Vec<String> = coordinates
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{stage}[{}]", parts.join(", "))
}
