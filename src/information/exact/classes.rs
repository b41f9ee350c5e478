//! Spins: sums over the counts of spins up in classes of sites that are alike.

use std::collections::BTreeMap;

use rayon::prelude::*;
use statrs::function::factorial::ln_binomial;

use crate::physics::{ExactSolution, Hopfield, PhysicsError, SiteClasses};

/// Most pairs of counts on both sides that are summed over: ten seconds or so.
const MOST_PAIRS: f64 = 4_294_967_296.0;
/// Within a chunk of counts no weight is below `exp` of minus this times the largest,
/// far above the smallest double.
const CHUNK_FALL: f64 = 500.0;
/// A row is left out if it adds less than this share.
const NEGLECTED: f64 = 1e-18;

/// Sites of one side that neither patterns nor fields tell apart.
///
/// In the frame in which the first pattern is all +1: flipping a site with its
/// patterns and its field changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SpinClass {
    /// Every pattern on these sites, ±1.
    pub(super) signs: Vec<f64>,
    /// `βh` on these sites.
    pub(super) field: f64,
    pub(super) size: usize,
}

impl SpinClass {
    /// Groups `sites` of the model, the largest class first.
    pub(super) fn group(model: &Hopfield, sites: &[usize]) -> Vec<Self> {
        let patterns = model.patterns();
        let mut groups: BTreeMap<(Vec<bool>, u64), usize> = BTreeMap::new();
        for &site in sites {
            let flipped = !patterns.get(0, site);
            let column = (0..patterns.rows()).map(|p| patterns.get(p, site) ^ flipped);
            let field = model.fields().get(site).copied().unwrap_or_default();
            let field = if flipped { -field } else { field };
            // Adding zero makes -0 a 0, so that equal fields have equal bits.
            let key = (column.collect(), (field + 0.0).to_bits());
            *groups.entry(key).or_default() += 1;
        }
        let classes = groups.into_iter().map(|((column, field), size)| Self {
            signs: column.iter().map(|&up| sign(up)).collect(),
            field: model.beta() * f64::from_bits(field),
            size,
        });
        let mut classes: Vec<Self> = classes.collect();
        classes.sort_by_key(|class| std::cmp::Reverse(class.size));
        classes
    }

    /// `ξ·y` for a vector of one number a pattern.
    pub(super) fn project(&self, vector: &[f64]) -> f64 {
        self.signs.iter().zip(vector).map(|(xi, y)| xi * y).sum()
    }

    fn magnetisation(&self, up: usize) -> f64 {
        2.0 * up as f64 - self.size as f64
    }
}

fn sign(up: bool) -> f64 {
    if up { 1.0 } else { -1.0 }
}

/// `I(A; B)` in nats by sums over both sides' counts; nothing if they are too many.
///
/// Given the counts all configurations of a side are equally likely, so the
/// information of the configurations is that of the counts. Costs one multiplication
/// for each pair of counts.
pub(super) fn mutual_information(
    model: &Hopfield,
    sides: [&[usize]; 2],
) -> Result<Option<f64>, PhysicsError> {
    let groups = sides.map(|sites| SpinClass::group(model, sites));
    let pairs: f64 = groups
        .iter()
        .flatten()
        .map(|c| c.size as f64 + 1.0)
        .product();
    let whole = SiteClasses::new(model);
    if pairs > MOST_PAIRS || !whole.affordable() {
        return Ok(None);
    }
    let coupling = model.beta() / model.sites() as f64;
    let [first, second] = groups.map(|classes| SideStates::new(classes, coupling));
    let means = [
        SideMeans::new(&first, &second, coupling),
        SideMeans::new(&second, &first, coupling),
    ];
    let squared: f64 = ExactSolution::new(&whole)?.squared_overlaps.iter().sum();
    let squared = squared * (model.sites() as f64).powi(2);
    let cross = 0.5 * coupling * (squared - means[0].square - means[1].square);
    Ok(Some(
        cross + means[0].log_partition - means[0].log_sum - means[1].log_sum,
    ))
}

/// Means over the counts of one side.
struct SideMeans {
    /// `ln Z`.
    log_partition: f64,
    /// `E ln S_B(Y_A)`.
    log_sum: f64,
    /// `E |Y_A|²`.
    square: f64,
}

impl SideMeans {
    fn new(side: &SideStates, other: &SideStates, coupling: f64) -> Self {
        let log_sums = side.log_sums_of(other, coupling);
        let weights = side.log_weights.iter().zip(&log_sums);
        let weights: Vec<f64> = weights.map(|(v, s)| v + s).collect();
        let peak = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut total, mut log_sum, mut square) = (0.0, 0.0, 0.0);
        for (state, weight) in weights.iter().enumerate() {
            // Not from `ln Z`, which at low temperatures is large and rounded.
            let weight = (weight - peak).exp();
            total += weight;
            log_sum += weight * log_sums[state];
            square += weight * side.sums(state).iter().map(|y| y * y).sum::<f64>();
        }
        Self {
            log_partition: peak + total.ln(),
            log_sum: log_sum / total,
            square: square / total,
        }
    }
}

/// All joint counts of one side, those of the first class fastest.
struct SideStates {
    classes: Vec<SpinClass>,
    patterns: usize,
    /// `Σ_c ln C(n_c, k_c) + βhM + β|Y|²/2N`.
    log_weights: Vec<f64>,
    /// `Y`, one number a pattern for each state.
    sums: Vec<f64>,
    /// Counts of the first class that share a reference.
    chunk: usize,
    /// Weights divided by the largest of their chunk.
    scaled: Vec<f64>,
    /// Log of that largest weight.
    references: Vec<f64>,
}

impl SideStates {
    fn new(classes: Vec<SpinClass>, coupling: f64) -> Self {
        let patterns = classes[0].signs.len();
        let multiplicities: Vec<Vec<f64>> = classes
            .iter()
            .map(|class| {
                let size = class.size as u64;
                (0..=size).map(|up| ln_binomial(size, up)).collect()
            })
            .collect();
        let states = classes.iter().map(|class| class.size + 1).product();
        let mut log_weights = Vec::with_capacity(states);
        let mut sums = Vec::with_capacity(states * patterns);
        let mut counts = vec![0; classes.len()];
        for _ in 0..states {
            let mut log_weight = 0.0;
            let mut total = vec![0.0; patterns];
            for ((class, &up), multiplicity) in classes.iter().zip(&counts).zip(&multiplicities) {
                let magnetisation = class.magnetisation(up);
                log_weight += multiplicity[up] + class.field * magnetisation;
                let parts = total.iter_mut().zip(&class.signs);
                parts.for_each(|(sum, xi)| *sum += xi * magnetisation);
            }
            log_weight += 0.5 * coupling * total.iter().map(|y| y * y).sum::<f64>();
            log_weights.push(log_weight);
            sums.append(&mut total);
            advance(&mut counts, &classes);
        }
        Self::with_references(classes, log_weights, sums)
    }

    /// Divides the counts of the first class in chunks.
    fn with_references(classes: Vec<SpinClass>, log_weights: Vec<f64>, sums: Vec<f64>) -> Self {
        let run = classes[0].size + 1;
        let steps = log_weights.chunks_exact(run).flat_map(|run| run.windows(2));
        let steepest = steps.fold(0.0, |most: f64, pair| most.max((pair[1] - pair[0]).abs()));
        let chunk = (CHUNK_FALL / steepest).clamp(1.0, run as f64) as usize;
        let chunks = || {
            let runs = log_weights.chunks_exact(run);
            runs.flat_map(|run| run.chunks(chunk))
        };
        let references =
            chunks().map(|chunk| chunk.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        let references: Vec<f64> = references.collect();
        let scaled = chunks()
            .zip(&references)
            .flat_map(|(chunk, reference)| chunk.iter().map(move |v| (v - reference).exp()))
            .collect();
        Self {
            patterns: classes[0].signs.len(),
            classes,
            log_weights,
            sums,
            chunk,
            scaled,
            references,
        }
    }

    fn sums(&self, state: usize) -> &[f64] {
        &self.sums[state * self.patterns..(state + 1) * self.patterns]
    }

    /// `ln S_B(Y_A)` for every state of this side A.
    fn log_sums_of(&self, other: &Self, coupling: f64) -> Vec<f64> {
        let states = self.log_weights.len();
        let fieldless = |side: &Self| side.classes.iter().all(|class| class.field == 0.0);
        // Without fields `Y` and `-Y` are alike; turning all counts around turns the
        // order of the states around.
        let mirrored = fieldless(self) && fieldless(other);
        let needed = if mirrored { states.div_ceil(2) } else { states };
        let log_sum = |rows: &mut Vec<f64>, state: usize| {
            let project = |class: &SpinClass| coupling * class.project(self.sums(state));
            let tilts: Vec<f64> = other.classes.iter().map(project).collect();
            other.log_tilted_sum(&tilts, rows)
        };
        let mut log_sums: Vec<f64> = (0..needed)
            .into_par_iter()
            .map_init(Vec::new, log_sum)
            .collect();
        for state in needed..states {
            log_sums.push(log_sums[states - 1 - state]);
        }
        log_sums
    }

    /// `ln Σ_b exp(v_b + Σ_c t_c m_c)` for one tilt `t` a class; `rows` is scratch.
    ///
    /// In a chunk the powers `exp(t m)` are divided by the largest, so that no sum
    /// overflows and none is 0.
    fn log_tilted_sum(&self, tilts: &[f64], rows: &mut Vec<f64>) -> f64 {
        let (inner, size) = (tilts[0], self.classes[0].size);
        let powers: Vec<f64> = (0..self.chunk)
            .map(|distance| (-2.0 * inner.abs() * distance as f64).exp())
            .collect();
        let anchors: Vec<f64> = (0..=size)
            .step_by(self.chunk)
            .map(|from| {
                let last = size.min(from + self.chunk - 1);
                let up = if inner > 0.0 { last } else { from };
                inner * self.classes[0].magnetisation(up)
            })
            .collect();
        self.fill_rows(tilts, &anchors, rows);
        let peak = rows.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        let mut start = 0;
        for (row, exponent) in rows.iter().enumerate() {
            let from = row % anchors.len() * self.chunk;
            let length = self.chunk.min(size + 1 - from);
            let scaled = &self.scaled[start..start + length];
            start += length;
            let factor = (exponent - peak).exp();
            if factor * length as f64 <= NEGLECTED * total {
                continue;
            }
            total += factor * dot(scaled, &powers, inner > 0.0);
        }
        peak + total.ln()
    }

    /// The exponent of each chunk: its reference and its largest power.
    fn fill_rows(&self, tilts: &[f64], anchors: &[f64], rows: &mut Vec<f64>) {
        rows.clear();
        let mut counts = vec![0; self.classes.len() - 1];
        for references in self.references.chunks_exact(anchors.len()) {
            let outer = self.classes[1..].iter().zip(&counts).zip(&tilts[1..]);
            let tilt: f64 = outer
                .map(|((class, &up), tilt)| tilt * class.magnetisation(up))
                .sum();
            let parts = references.iter().zip(anchors);
            rows.extend(parts.map(|(reference, anchor)| reference + anchor + tilt));
            advance(&mut counts, &self.classes[1..]);
        }
    }
}

/// `Σ scaled · powers`, from the end if `reversed`.
fn dot(scaled: &[f64], powers: &[f64], reversed: bool) -> f64 {
    if reversed {
        return scaled.iter().rev().zip(powers).map(|(v, p)| v * p).sum();
    }
    scaled.iter().zip(powers).map(|(v, p)| v * p).sum()
}

/// Moves on to the next joint count, from the last to the first.
fn advance(counts: &mut [usize], classes: &[SpinClass]) {
    for (count, class) in counts.iter_mut().zip(classes) {
        *count += 1;
        if *count <= class.size {
            return;
        }
        *count = 0;
    }
}
