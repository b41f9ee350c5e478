//! A mixture of independent sites: what it says of words, and what an E-step sums.

use std::ops::Range;

use rayon::prelude::*;

use super::error::{FieldsError, check_finite, check_length};
use super::lanes::{LANES, add, add_scaled, dot, exponentials};
use super::model::{GeneralisedHopfield, log_two_cosh, normalised};
use super::words::Words;

/// Words whose sums are made in one go; fixed, so that sums have a fixed order.
const CHUNK: usize = 512;

/// Chunks whose sums are kept before they are added to the total, which bounds the memory.
const CHUNKS_AT_ONCE: usize = 16;

/// Mixture of `M` nodes, in each of which `N` sites are independent:
///
/// ```text
/// p(s) = Σ_k w_k Π_i exp(s_i φ_ki) / 2cosh φ_ki
/// ```
///
/// A generalised Hopfield model is the mixture whose half-logits `φ_ki` lie in the space
/// of its patterns. All methods work on distinct [`Words`] and take the processor's
/// threads; their results do not depend on the number of threads.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteMixture {
    sites: usize,
    half_logits: Vec<f64>,
    weights: Vec<f64>,
    /// Nodes of positive weight; all that follows is of these only, filled up to whole
    /// lanes with nodes whose posterior is 0.
    active: Vec<usize>,
    /// `ln w_k`.
    log_weights: Vec<f64>,
    /// `ln w_k + ln p(all sites down | k)`.
    log_down: Vec<f64>,
    /// `2 φ_ki`, the nodes of a site side by side: by how much `ln p(s | k)` grows if the
    /// site is up.
    log_odds: Vec<f64>,
}

/// Sums over the posterior of all rows: what an E-step hands to its M-step.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectations {
    /// Expected number of rows at each node, `Σ_words count p(k | word)`: `M`.
    pub node_counts: Vec<f64>,
    /// Expected number of rows at each node with a site up, those of one node side by
    /// side: `M x N`.
    pub up_counts: Vec<f64>,
    /// `Σ_words count ln p(word)`, nats.
    pub log_likelihood: f64,
}

impl SiteMixture {
    /// A mixture from its half-logits `φ` (`M x N`, those of one node side by side) and
    /// the weights of its nodes (`M`), which are scaled to a sum of 1.
    ///
    /// # Errors
    ///
    /// - [`FieldsError::Empty`] without a site or a node.
    /// - [`FieldsError::Length`] if there are not `M x N` half-logits.
    /// - [`FieldsError::Number`] if a number is not finite, a weight is negative, or all
    ///   weights are 0.
    pub fn new(sites: usize, half_logits: &[f64], weights: &[f64]) -> Result<Self, FieldsError> {
        for (what, count) in [("sites", sites), ("nodes", weights.len())] {
            if count == 0 {
                return Err(FieldsError::Empty { what });
            }
        }
        check_length("half-logits", half_logits.len(), weights.len() * sites)?;
        check_finite("half-logit", half_logits)?;
        let weights = normalised(weights.to_vec())?;
        Ok(Self::tabulated(sites, half_logits.to_vec(), weights))
    }

    /// A mixture from numbers that fit each other.
    fn tabulated(sites: usize, half_logits: Vec<f64>, weights: Vec<f64>) -> Self {
        let active: Vec<usize> = (0..weights.len()).filter(|&k| weights[k] > 0.0).collect();
        let of = |node: usize| &half_logits[node * sites..][..sites];
        let log_weights = in_lanes(&active, f64::MIN, |k| weights[k].ln());
        // A site is down with ln p = -φ - ln 2cosh φ.
        let log_down = in_lanes(&active, f64::MIN, |k| {
            let up = of(k).iter().map(|&phi| phi + log_two_cosh(phi));
            weights[k].ln() - up.sum::<f64>()
        });
        let log_odds = (0..sites).flat_map(|site| in_lanes(&active, 0.0, |k| 2.0 * of(k)[site]));
        let log_odds = log_odds.collect();
        Self {
            sites,
            half_logits,
            weights,
            active,
            log_weights,
            log_down,
            log_odds,
        }
    }

    /// The number of sites, N.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.sites
    }

    /// The number of nodes, M, those of weight 0 among them.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.weights.len()
    }

    /// The probabilities `w_k` of the nodes: `M`, with sum 1.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The half-logits `φ_ki`, those of one node side by side: `M x N`.
    #[must_use]
    pub fn half_logits(&self) -> &[f64] {
        &self.half_logits
    }

    /// `ln p` of each distinct word, nats.
    ///
    /// # Panics
    ///
    /// Panics if the words have another number of sites.
    #[must_use]
    #[track_caller]
    pub fn log_likelihood(&self, words: &Words) -> Vec<f64> {
        self.of_each(words, 1, |posterior, value| {
            value[0] = posterior.log_probability();
        })
    }

    /// The rate of each distinct word, nats: by how much the word tells the nodes apart,
    /// the divergence of `p(k | word)` from the weights, `Σ_k p(k | word) ln p(k | word) / w_k`.
    ///
    /// # Panics
    ///
    /// As [`log_likelihood`](Self::log_likelihood).
    #[must_use]
    #[track_caller]
    pub fn rates(&self, words: &Words) -> Vec<f64> {
        self.of_each(words, 1, |posterior, value| {
            // ln p(k | s) / w_k = ln p(s | k) - ln p(s).
            let joint = posterior.mean(posterior.log_joint);
            let rate = joint - posterior.mean(&self.log_weights) - posterior.log_probability();
            // Rounding may leave it just below its least value.
            value[0] = rate.max(0.0);
        })
    }

    /// Means over `p(k | word)` of `values`, of which each node has `dimension`
    /// (`M x dimension`): `distinct x dimension`.
    ///
    /// # Panics
    ///
    /// As [`log_likelihood`](Self::log_likelihood), and if `values` is not of that length
    /// or `dimension` is 0.
    #[must_use]
    #[track_caller]
    pub fn posterior_means(&self, words: &Words, values: &[f64], dimension: usize) -> Vec<f64> {
        assert!(dimension > 0, "at least one value a node");
        assert_eq!(
            values.len(),
            self.nodes() * dimension,
            "values of all nodes"
        );
        let columns: Vec<Vec<f64>> = (0..dimension)
            .map(|d| in_lanes(&self.active, 0.0, |k| values[k * dimension + d]))
            .collect();
        self.of_each(words, dimension, |posterior, means| {
            for (mean, column) in means.iter_mut().zip(&columns) {
                *mean = posterior.mean(column);
            }
        })
    }

    /// The sums of an E-step, each distinct word counted `counts` times; words that are
    /// counted 0 times cost nothing.
    ///
    /// # Panics
    ///
    /// As [`log_likelihood`](Self::log_likelihood), and if there is not one count a
    /// distinct word.
    #[must_use]
    #[track_caller]
    pub fn expectations(&self, words: &Words, counts: &[f64]) -> Expectations {
        self.check_sites(words);
        assert_eq!(counts.len(), words.distinct(), "one count a distinct word");
        let starts: Vec<usize> = (0..counts.len()).step_by(CHUNK).collect();
        let chunk = |&start: &usize| start..(start + CHUNK).min(counts.len());
        let mut total = Sums::zeros(self.sites, self.log_down.len());
        for some in starts.chunks(CHUNKS_AT_ONCE) {
            let parts = some.par_iter().map(chunk);
            let parts: Vec<Sums> = parts.map(|part| self.sums(words, counts, part)).collect();
            for part in &parts {
                total.add(part);
            }
        }
        self.expanded(&total)
    }

    /// The sums of some words.
    fn sums(&self, words: &Words, counts: &[f64], part: Range<usize>) -> Sums {
        let width = self.log_down.len();
        let mut sums = Sums::zeros(self.sites, width);
        let mut room = self.room();
        for word in part.filter(|&word| counts[word] != 0.0) {
            let posterior = self.posterior(words.up(word), &mut room);
            let share = counts[word] / posterior.sum;
            sums.log_likelihood += counts[word] * posterior.log_probability();
            add_scaled(&mut sums.nodes, posterior.terms, share);
            for &site in words.up(word) {
                let nodes = &mut sums.up[site as usize * width..][..width];
                add_scaled(nodes, posterior.terms, share);
            }
        }
        sums
    }

    /// Sums node by node, with 0 for those of weight 0.
    fn expanded(&self, sums: &Sums) -> Expectations {
        let mut node_counts = vec![0.0; self.nodes()];
        let mut up_counts = vec![0.0; self.half_logits.len()];
        for (place, &node) in self.active.iter().enumerate() {
            node_counts[node] = sums.nodes[place];
            let sites = sums.up[place..].iter().step_by(self.log_down.len());
            let of_node = &mut up_counts[node * self.sites..][..self.sites];
            for (count, sum) in of_node.iter_mut().zip(sites) {
                *count = *sum;
            }
        }
        Expectations {
            node_counts,
            up_counts,
            log_likelihood: sums.log_likelihood,
        }
    }

    /// `width` numbers of each distinct word, which `fill` takes from its posterior.
    #[track_caller]
    fn of_each(
        &self,
        words: &Words,
        width: usize,
        fill: impl Fn(&Posterior<'_>, &mut [f64]) + Sync,
    ) -> Vec<f64> {
        self.check_sites(words);
        let mut values = vec![0.0; words.distinct() * width];
        let numbered = values.par_chunks_exact_mut(width).enumerate();
        numbered.for_each_init(
            || self.room(),
            |room, (word, value)| fill(&self.posterior(words.up(word), room), value),
        );
        values
    }

    #[track_caller]
    fn check_sites(&self, words: &Words) {
        assert_eq!(words.sites(), self.sites, "sites of the words");
    }

    fn room(&self) -> Room {
        let zeros = vec![0.0; self.log_down.len()];
        Room {
            log_joint: zeros.clone(),
            terms: zeros,
        }
    }

    /// The posterior of a word with these sites up.
    fn posterior<'a>(&self, up: &[u32], room: &'a mut Room) -> Posterior<'a> {
        let width = self.log_down.len();
        room.log_joint.copy_from_slice(&self.log_down);
        for &site in up {
            let log_odds = &self.log_odds[site as usize * width..][..width];
            add(&mut room.log_joint, log_odds);
        }
        let (largest, sum) = exponentials(&room.log_joint, &mut room.terms);
        Posterior {
            log_joint: &room.log_joint,
            terms: &room.terms,
            largest,
            sum,
        }
    }
}

impl From<&GeneralisedHopfield> for SiteMixture {
    /// The mixture over the values of the field.
    fn from(model: &GeneralisedHopfield) -> Self {
        Self::tabulated(model.sites(), model.half_logits(), model.weights().to_vec())
    }
}

/// One number for each of these nodes, filled up to whole lanes.
fn in_lanes(nodes: &[usize], filler: f64, value: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = nodes.iter().map(|&node| value(node)).collect();
    values.resize(nodes.len().next_multiple_of(LANES), filler);
    values
}

/// Room for the posterior of one word.
struct Room {
    log_joint: Vec<f64>,
    terms: Vec<f64>,
}

/// `p(k | s)` of one word: `terms / sum`.
struct Posterior<'a> {
    /// `ln w_k p(s | k)`.
    log_joint: &'a [f64],
    terms: &'a [f64],
    largest: f64,
    sum: f64,
}

impl Posterior<'_> {
    /// `ln p(s)`, nats.
    fn log_probability(&self) -> f64 {
        self.largest + self.sum.ln()
    }

    /// Mean of one number a node.
    fn mean(&self, values: &[f64]) -> f64 {
        dot(self.terms, values) / self.sum
    }
}

/// The sums of [`Expectations`] over the active nodes, those of a site side by side.
struct Sums {
    nodes: Vec<f64>,
    up: Vec<f64>,
    log_likelihood: f64,
}

impl Sums {
    fn zeros(sites: usize, width: usize) -> Self {
        Self {
            nodes: vec![0.0; width],
            up: vec![0.0; sites * width],
            log_likelihood: 0.0,
        }
    }

    fn add(&mut self, part: &Self) {
        add(&mut self.nodes, &part.nodes);
        add(&mut self.up, &part.up);
        self.log_likelihood += part.log_likelihood;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::random::{stream, uniform};

    fn all_configurations(sites: usize) -> BitMatrix {
        BitMatrix::from_words(1 << sites, sites, (0..1 << sites).collect()).unwrap()
    }

    fn all_words(sites: usize) -> Words {
        Words::new(&all_configurations(sites), &vec![0; 1 << sites]).unwrap()
    }

    fn numbers(count: usize, scale: f64, name: &str) -> Vec<f64> {
        let mut generator = stream("7", &["mixture", name]);
        let draw = |_| scale * (2.0 * uniform(&mut generator) - 1.0);
        (0..count).map(draw).collect()
    }

    /// Half-logits up to 4, nodes that do not fill their lanes, one of them of weight 0.
    fn model(sites: usize, nodes: usize) -> GeneralisedHopfield {
        let mut weights: Vec<f64> = numbers(nodes, 1.0, "weights")
            .iter()
            .map(|x| x.abs())
            .collect();
        weights[2] = 0.0;
        GeneralisedHopfield::new(
            numbers(sites, 2.0, "biases"),
            numbers(sites * 2, 1.0, "patterns"),
            numbers(nodes * 2, 1.0, "nodes"),
            weights,
            2,
        )
        .unwrap()
    }

    /// `w_k p(s | k)`, as a product over the sites: a row for each configuration.
    fn joint(model: &GeneralisedHopfield, bits: &BitMatrix) -> Vec<Vec<f64>> {
        let half_logits = model.half_logits();
        let of_row = |row: usize| {
            let nodes = half_logits.chunks_exact(model.sites()).zip(model.weights());
            let term = |(node, weight): (&[f64], &f64)| {
                let factor = |(site, phi): (usize, &f64)| {
                    let sign = if bits.get(row, site) { 1.0 } else { -1.0 };
                    1.0 / (1.0 + (-2.0 * sign * phi).exp())
                };
                weight * node.iter().enumerate().map(factor).product::<f64>()
            };
            nodes.map(term).collect()
        };
        (0..bits.rows()).map(of_row).collect()
    }

    fn assert_all_close(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            let difference = (found - expected).abs();
            assert!(
                difference < tolerance,
                "{index}: {found}, expected {expected}"
            );
        }
    }

    #[test]
    fn likelihood_is_that_of_the_hopfield_model_and_sums_to_one() {
        let (model, bits) = (model(9, 21), all_configurations(9));
        let found = SiteMixture::from(&model).log_likelihood(&all_words(9));
        let potential = model.potential();
        let expected: Vec<f64> = (0..512)
            .map(|row| potential.log_probability(&bits, row))
            .collect();
        // Exponentials to 1e-14, logarithms of up to 30.
        assert_all_close(&found, &expected, 1e-13);
        let total: f64 = found.iter().map(|log| log.exp()).sum();
        assert!((total - 1.0).abs() < 1e-13, "{total}");
    }

    #[test]
    fn rates_and_posterior_means_agree_with_their_definition() {
        let (model, words) = (model(8, 13), all_words(8));
        let mixture = SiteMixture::from(&model);
        let (mut rates, mut means) = (Vec::new(), Vec::new());
        for joint in joint(&model, &all_configurations(8)) {
            let total: f64 = joint.iter().sum();
            let posterior: Vec<f64> = joint.iter().map(|p| p / total).collect();
            let nodes = posterior.iter().zip(model.weights());
            let terms = nodes.filter(|(p, _)| **p > 0.0);
            rates.push(terms.map(|(p, w)| p * (p / w).ln()).sum::<f64>());
            for d in 0..2 {
                let of_node = posterior.iter().enumerate();
                means.push(of_node.map(|(k, p)| p * model.nodes()[2 * k + d]).sum());
            }
        }
        assert_all_close(&mixture.rates(&words), &rates, 1e-13);
        let found = mixture.posterior_means(&words, model.nodes(), 2);
        assert_all_close(&found, &means, 1e-13);
    }

    #[test]
    fn expectations_are_sums_over_the_posterior() {
        let (model, words) = (model(8, 13), all_words(8));
        let mut counts: Vec<f64> = numbers(256, 5.0, "counts")
            .iter()
            .map(|x| x.abs())
            .collect();
        counts[7] = 0.0;
        let found = SiteMixture::from(&model).expectations(&words, &counts);
        let mut expected = Expectations {
            node_counts: vec![0.0; 13],
            up_counts: vec![0.0; 13 * 8],
            log_likelihood: 0.0,
        };
        for (word, joint) in joint(&model, &all_configurations(8)).iter().enumerate() {
            let total: f64 = joint.iter().sum();
            expected.log_likelihood += counts[word] * total.ln();
            for (node, p) in joint.iter().enumerate() {
                let count = counts[word] * p / total;
                expected.node_counts[node] += count;
                for &site in words.up(word) {
                    expected.up_counts[8 * node + site as usize] += count;
                }
            }
        }
        // Sums of up to 640 rows, to 1e-14 each.
        assert_all_close(&found.node_counts, &expected.node_counts, 1e-11);
        assert_all_close(&found.up_counts, &expected.up_counts, 1e-11);
        assert!((found.log_likelihood - expected.log_likelihood).abs() < 1e-10);
        // The node of weight 0 has no row.
        let nothing = |counts: &[f64]| counts.iter().all(|count| count.abs() < 1e-300);
        assert!(nothing(&found.node_counts[2..3]) && nothing(&found.up_counts[16..24]));
    }

    #[test]
    fn expectations_of_a_resample_sum_to_its_rows_and_its_units() {
        let mut bits = BitMatrix::zeros(3000, 70);
        let mut generator = stream("8", &["mixture"]);
        for (row, site) in (0..3000).flat_map(|row| (0..70).map(move |site| (row, site))) {
            bits.set(row, site, uniform(&mut generator) < 0.05);
        }
        let labels: Vec<u32> = (0..3000).map(|row| row / 100).collect();
        let words = Words::new(&bits, &labels).unwrap();
        let counts = words.resampled(&mut generator);
        let mixture = SiteMixture::from(&model(70, 50));
        let found = mixture.expectations(&words, &counts);
        // Rows counted by ones: exact but for 3000 roundings of the posterior.
        let rows: f64 = found.node_counts.iter().sum();
        assert!((rows - 3000.0).abs() < 1e-9, "{rows}");
        for site in 0..70 {
            let of_nodes = found.up_counts.iter().skip(site).step_by(70);
            let up = |&word: &usize| words.up(word).contains(&(site as u32));
            let expected: f64 = (0..words.distinct()).filter(up).map(|w| counts[w]).sum();
            assert!((of_nodes.sum::<f64>() - expected).abs() < 1e-9);
        }
        let logs = mixture.log_likelihood(&words);
        let mean = words.mean(&logs, &counts);
        assert!((found.log_likelihood / 3000.0 - mean).abs() < 1e-11);
    }

    #[test]
    fn the_number_of_threads_decides_no_number() {
        // More words than are summed at once: 16,384.
        let (mixture, words) = (SiteMixture::from(&model(14, 19)), all_words(14));
        assert!(words.distinct() > CHUNK * CHUNKS_AT_ONCE);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                (
                    mixture.expectations(&words, words.counts()),
                    mixture.log_likelihood(&words),
                    mixture.rates(&words),
                )
            })
        };
        let alone = with(1);
        assert_eq!(alone, with(2));
        assert_eq!(alone, with(3));
    }

    #[test]
    fn nodes_far_apart_have_finite_numbers() {
        // Nodes "all up" and "all down", each certain: their words have p = 1/2 and the
        // rate ln 2; a word between them is e^-800 less likely, site by site.
        let half_logits = [400.0, 400.0, 400.0, -400.0, -400.0, -400.0];
        let mixture = SiteMixture::new(3, &half_logits, &[0.3, 0.3]).unwrap();
        let words = all_words(3);
        let half = 0.5_f64.ln();
        let expected = [0, 1, 1, 1, 1, 1, 1, 0].map(|wrong| half - 800.0 * f64::from(wrong));
        // Sums of numbers of 2400, rounded to 5e-13.
        assert_all_close(&mixture.log_likelihood(&words), &expected, 2e-12);
        assert_all_close(&mixture.rates(&words), &[-half; 8], 2e-12);
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        let empty = |what| Err(FieldsError::Empty { what });
        assert_eq!(SiteMixture::new(0, &[], &[1.0]), empty("sites"));
        assert_eq!(SiteMixture::new(2, &[], &[]), empty("nodes"));
        let text = |half_logits: &[f64], weights: &[f64]| {
            let refused = SiteMixture::new(2, half_logits, weights);
            refused.unwrap_err().to_string()
        };
        assert_eq!(text(&[0.0; 3], &[1.0; 2]), "3 half-logits, expected 4");
        assert_eq!(
            text(&[0.0, f64::INFINITY], &[1.0]),
            "half-logit 1 is inf, expected a finite number"
        );
        assert_eq!(
            text(&[0.0; 4], &[1.0, -1.0]),
            "weight 1 is -1, expected weights of at least 0, not all 0"
        );
    }
}
