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

/// Where all points lie, for naming tasks by what their points have in common.
pub(super) struct Places<'a> {
    places: &'a [Place],
    /// Whether there is more than one replicate.
    several: bool,
}

impl<'a> Places<'a> {
    pub(super) fn new(places: &'a [Place]) -> Self {
        let mut pairs = places.windows(2);
        let several = pairs.any(|pair| pair[0].replicate != pair[1].replicate);
        Self { places, several }
    }

    /// The coordinates on which all `members` agree, in the order of the axes.
    ///
    /// The replicate is the last of them, and left out if the plan has only one.
    pub(super) fn common_coordinates(&self, members: &[usize]) -> Vec<(String, String)> {
        let Some((&first, others)) = members.split_first() else {
            return Vec::new();
        };
        let (first, others) = (
            &self.places[first],
            others.iter().map(|&other| &self.places[other]),
        );
        let mut common: Vec<&(String, String)> = first.coordinates.iter().collect();
        let mut replicate = self.several;
        for other in others {
            common.retain(|coordinate| other.coordinates.contains(coordinate));
            replicate &= other.replicate == first.replicate;
        }
        let mut common: Vec<(String, String)> = common.into_iter().cloned().collect();
        if replicate {
            common.push((REPLICATE.to_owned(), first.replicate.to_string()));
        }
        common
    }
}

/// `stage[name=value, …]`, or `stage` alone if there are no coordinates.
pub(super) fn label(stage: &str, coordinates: &[(String, String)]) -> String {
    if coordinates.is_empty() {
        return stage.to_owned();
    }
    let mut text = format!("{stage}[");
    for (position, (name, value)) in coordinates.iter().enumerate() {
        let comma = if position == 0 { "" } else { ", " };
        text.extend([comma, name, "=", value]);
    }
    text.push(']');
    text
}
