//! Which patterns of two models are the same.

use faer::MatRef;

use crate::fields::GeneralisedHopfield;
use crate::inference::basis::{dot, norm};
use crate::inference::{Basis, InferenceError, minimum_cost_assignment};

/// The patterns of one model in the order and with the signs of those of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Alignment {
    /// For each pattern of the reference the one that was assigned to it; none if the other
    /// model has fewer.
    pub partners: Vec<Option<usize>>,
    /// `|cos|` of the angle between both as vectors over the sites, 0 without a partner.
    pub cosines: Vec<f64>,
    /// The patterns of the other model, ordered and signed like those of the reference:
    /// `N x K`, and 0 where there is no partner.
    pub patterns: Vec<f64>,
}

/// Assigns the patterns of `other` to those of `reference` so that the sum of `|cos|` is
/// largest.
///
/// Both are taken as they stand, so bring them [`in_gauge`](super::in_gauge) first.
///
/// # Errors
///
/// [`InferenceError::Count`] if the models have different numbers of sites.
pub fn align(
    reference: &GeneralisedHopfield,
    other: &GeneralisedHopfield,
) -> Result<Alignment, InferenceError> {
    if reference.sites() != other.sites() {
        return Err(InferenceError::Count {
            what: "sites of a model to align",
            found: other.sites(),
            expected: reference.sites(),
        });
    }
    let ours = columns(reference.patterns(), reference.fields());
    let theirs = columns(other.patterns(), other.fields());
    let cosines: Vec<f64> = ours
        .iter()
        .flat_map(|a| theirs.iter().map(|b| cosine(a, b)))
        .collect();
    let costs: Vec<f64> = cosines.iter().map(|cosine| -cosine.abs()).collect();
    let partners = minimum_cost_assignment(&costs, ours.len(), theirs.len())?;
    let signed: Vec<f64> = partners
        .iter()
        .enumerate()
        .map(|(mu, partner)| partner.map_or(0.0, |nu| cosines[mu * theirs.len() + nu]))
        .collect();
    let mut patterns = Vec::with_capacity(reference.patterns().len());
    for site in other.patterns().chunks_exact(other.fields()) {
        let pairs = partners.iter().zip(&signed);
        patterns.extend(pairs.map(|(partner, sign)| {
            partner.map_or(0.0, |nu| if *sign < 0.0 { -site[nu] } else { site[nu] })
        }));
    }
    Ok(Alignment {
        partners,
        cosines: signed.iter().map(|cosine| cosine.abs()).collect(),
        patterns,
    })
}

/// The cosines of the principal angles between two spaces of patterns, largest first: as
/// many as the smaller space has dimensions.
///
/// They do not depend on a gauge. All are 1 if one space lies in the other.
///
/// # Shapes
///
/// - `a`, `b`: the patterns of one site side by side, `N x K` and `N x K'`, with `N = sites`.
///
/// # Errors
///
/// - [`InferenceError::Shape`] if the entries do not fill whole patterns.
/// - As [`Basis::spanning`], if a list is empty or not finite or its patterns depend on each
///   other.
/// - [`InferenceError::NoConvergence`] if there is no decomposition.
pub fn principal_cosines(a: &[f64], b: &[f64], sites: usize) -> Result<Vec<f64>, InferenceError> {
    let (a, b) = (space(a, sites)?, space(b, sites)?);
    let products: Vec<f64> = a
        .vectors()
        .flat_map(|x| b.vectors().map(|y| dot(x, y)))
        .collect();
    let (rows, columns) = (a.dimension(), b.dimension());
    let values = MatRef::from_row_major_slice(&products, rows, columns)
        .singular_values()
        .map_err(|_| InferenceError::NoConvergence { rows, columns })?;
    // Rounding may lead beyond 1.
    Ok(values.into_iter().map(|value| value.min(1.0)).collect())
}

fn space(patterns: &[f64], sites: usize) -> Result<Basis, InferenceError> {
    if sites == 0 || !patterns.len().is_multiple_of(sites) {
        return Err(InferenceError::Shape {
            found: patterns.len(),
            columns: sites,
        });
    }
    Basis::spanning(&columns(patterns, patterns.len() / sites))
}

/// Each pattern over the sites.
fn columns(patterns: &[f64], fields: usize) -> Vec<Vec<f64>> {
    let column = |mu: usize| patterns.iter().skip(mu).step_by(fields).copied().collect();
    (0..fields).map(column).collect()
}

/// The cosine of the angle between two vectors; 0 if one has no length.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let lengths = norm(a) * norm(b);
    if lengths > 0.0 {
        dot(a, b) / lengths
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(patterns: Vec<f64>, fields: usize) -> GeneralisedHopfield {
        let sites = patterns.len() / fields;
        GeneralisedHopfield::new(
            vec![0.0; sites],
            patterns,
            vec![1.0; fields],
            vec![1.0],
            fields,
        )
        .unwrap()
    }

    #[test]
    fn exchanged_and_negated_patterns_are_recognised() {
        let reference = model(vec![1.0, 0.0, 2.0, 1.0, 0.0, 3.0, -1.0, 0.5], 2);
        let swapped = reference.patterns().chunks_exact(2);
        let other = model(swapped.flat_map(|s| [2.0 * s[1], -s[0]]).collect(), 2);
        let alignment = align(&reference, &other).unwrap();
        assert_eq!(alignment.partners, [Some(1), Some(0)]);
        assert!(
            alignment
                .cosines
                .iter()
                .all(|cosine| (cosine - 1.0).abs() < 1e-14)
        );
        let expected = reference.patterns().chunks_exact(2);
        let expected: Vec<f64> = expected.flat_map(|s| [s[0], 2.0 * s[1]]).collect();
        assert_eq!(alignment.patterns, expected);
    }

    #[test]
    fn a_missing_pattern_has_no_partner() {
        let reference = model(vec![1.0, 1.0, 1.0, -1.0], 2);
        let one = align(&reference, &model(vec![3.0, -1.0], 1)).unwrap();
        assert_eq!(one.partners, [None, Some(0)]);
        // cos = (3 + 1) / (√10 √2).
        assert_eq!(one.cosines[0].to_bits(), 0.0_f64.to_bits());
        assert!((one.cosines[1] - 2.0 / 5.0_f64.sqrt()).abs() < 1e-14);
        assert_eq!(one.patterns, [0.0, 3.0, 0.0, -1.0]);
        assert!(align(&reference, &model(vec![1.0], 1)).is_err());
    }

    #[test]
    fn planes_that_share_a_line_have_one_angle() {
        // Span(e1, e2) and span(e1 + e2, cos 1 e3 + sin 1 (e1 - e2)/√2): cosines 1, sin 1.
        let a = [1.0, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let (sine, cosine) = 1.0_f64.sin_cos();
        let part = sine / 2.0_f64.sqrt();
        let b = [1.0, part + 1.0, 1.0, 1.0 - part, 0.0, cosine, 0.0, 0.0];
        let found = principal_cosines(&a, &b, 4).unwrap();
        assert!(
            (found[0] - 1.0).abs() < 1e-14 && (found[1] - sine).abs() < 1e-14,
            "{found:?}"
        );
        let line = principal_cosines(&a, &[0.0, 0.0, 0.0, 1.0], 4).unwrap();
        assert!(line.len() == 1 && line[0].abs() < 1e-14);
        assert!(matches!(
            principal_cosines(&a, &b, 3),
            Err(InferenceError::Shape { .. })
        ));
        let twice = [1.0, 2.0, 1.0, 2.0];
        assert!(matches!(
            principal_cosines(&twice, &twice, 2),
            Err(InferenceError::Dependent { vector: 1 })
        ));
    }
}
