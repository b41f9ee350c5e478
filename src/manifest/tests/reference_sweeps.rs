//! Random sweeps against a reference that asks of every assignment whether it belongs.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::grids::assert_round_trip;
use super::*;

/// Parameters with three values each; the first is that of the table or the default.
const KEYS: [(&str, [&str; 3]); 5] = [
    ("model.temperature", ["0.9", "1.0", "2.5"]),
    ("vae.latent", ["3", "4", "5"]),
    ("vae.activation", ["\"tanh\"", "\"relu\"", "\"softplus\""]),
    ("vae.training.epochs", ["30", "40", "50"]),
    ("vae.training.batch", ["512", "64", "32"]),
];

/// A value of each key, or none.
type Assignment = [Option<usize>; 5];

/// A grid as the reference sees it.
#[derive(Debug, Clone, Default)]
struct Reference {
    /// Key and values; the first two are zipped if `zipped`.
    axes: Vec<(usize, Vec<usize>)>,
    zipped: bool,
    /// Keys and rows of a table.
    table: Option<(Vec<usize>, Vec<Vec<usize>>)>,
    members: Vec<Reference>,
    /// Condition, key and values.
    whens: Vec<((usize, usize), usize, Vec<usize>)>,
    exclusion: Option<(usize, usize)>,
}

/// Choices out of random bytes.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, limit: usize) -> usize {
        self.0.next().map_or(0, |byte| usize::from(*byte)) % limit
    }

    /// Some values of a key, in some order.
    fn values(&mut self) -> Vec<usize> {
        let mut values = vec![0, 1, 2];
        values.rotate_left(self.below(3));
        values.truncate(1 + self.below(3));
        values
    }

    fn grid(&mut self, keys: &mut Vec<usize>, is_whole: bool) -> Reference {
        let mut grid = Reference::default();
        for _ in 0..self.below(3) {
            if let Some(key) = keys.pop() {
                grid.axes.push((key, self.values()));
            }
        }
        let equal = grid.axes.len() == 2 && grid.axes[0].1.len() == grid.axes[1].1.len();
        grid.zipped = equal && self.below(2) == 0;
        if self.below(3) == 0 && !keys.is_empty() {
            let width = 1 + self.below(keys.len());
            let columns: Vec<usize> = keys.drain(..width).collect();
            let rows: BTreeSet<Vec<usize>> = (0..=self.below(4))
                .map(|_| columns.iter().map(|_| self.below(3)).collect())
                .collect();
            grid.table = Some((columns, rows.into_iter().collect()));
        }
        if is_whole && self.below(3) > 0 {
            let left = std::mem::take(keys);
            for _ in 0..=self.below(3) {
                let mut keys = left.clone();
                let turn = self.below(keys.len().max(1));
                keys.rotate_left(turn);
                grid.members.push(self.grid(&mut keys, false));
            }
        }
        grid
    }
}

impl Reference {
    fn keys(&self) -> BTreeSet<usize> {
        let mut keys: BTreeSet<usize> = self.axes.iter().map(|(key, _)| *key).collect();
        keys.extend(self.table.iter().flat_map(|(columns, _)| columns));
        keys.extend(self.members.iter().flat_map(Self::keys));
        keys
    }

    /// Pairs of a key and a value that occur in the grid without its conditions.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for (key, values) in &self.axes {
            pairs.extend(values.iter().map(|value| (*key, *value)));
        }
        if let Some((columns, rows)) = &self.table {
            for row in rows {
                pairs.extend(columns.iter().copied().zip(row.iter().copied()));
            }
        }
        pairs.extend(self.members.iter().flat_map(Self::pairs));
        pairs
    }

    /// Whether the grid has the combination, without conditions and exclusions; keys
    /// that are not of the grid do not count.
    fn has(&self, all: &Assignment) -> bool {
        let axes = if self.zipped {
            let (first, second) = (&self.axes[0], &self.axes[1]);
            let mut rows = first.1.iter().zip(&second.1);
            rows.any(|(a, b)| all[first.0] == Some(*a) && all[second.0] == Some(*b))
        } else {
            let mut axes = self.axes.iter();
            axes.all(|(key, values)| all[*key].is_some_and(|value| values.contains(&value)))
        };
        let table = self.table.as_ref().is_none_or(|(columns, rows)| {
            let row: Option<Vec<usize>> = columns.iter().map(|key| all[*key]).collect();
            row.is_some_and(|row| rows.contains(&row))
        });
        let union_keys: BTreeSet<usize> = self.members.iter().flat_map(Self::keys).collect();
        let union = self.members.is_empty()
            || self.members.iter().any(|member| {
                let keys = member.keys();
                let mut others = union_keys.difference(&keys);
                member.has(all) && others.all(|key| all[*key].is_none())
            });
        axes && table && union
    }

    fn text(&self) -> String {
        let list = |key: usize, values: &[usize]| {
            let values: Vec<&str> = values.iter().map(|value| KEYS[key].1[*value]).collect();
            format!("{} = [{}]", KEYS[key].0, values.join(", "))
        };
        let mut parts: Vec<String> = self.axes.iter().map(|(key, it)| list(*key, it)).collect();
        if self.zipped {
            let (a, b) = (KEYS[self.axes[0].0].0, KEYS[self.axes[1].0].0);
            parts.push(format!("zip = [[\"{a}\", \"{b}\"]]"));
        }
        if let Some((columns, rows)) = &self.table {
            let row = |row: &Vec<usize>| {
                let cells = columns.iter().zip(row);
                let cells =
                    cells.map(|(key, it)| format!("\"{}\" = {}", KEYS[*key].0, KEYS[*key].1[*it]));
                format!("{{ {} }}", cells.collect::<Vec<_>>().join(", "))
            };
            let rows: Vec<String> = rows.iter().map(row).collect();
            parts.push(format!("table = [{}]", rows.join(", ")));
        }
        if !self.members.is_empty() {
            let members: Vec<String> = self
                .members
                .iter()
                .map(|it| format!("{{ {} }}", it.text().replace('\n', ", ")))
                .collect();
            parts.push(format!("union = [{}]", members.join(", ")));
        }
        if !self.whens.is_empty() {
            let rule = |((key, value), axis, values): &((usize, usize), usize, Vec<usize>)| {
                let condition = format!("\"{}\" = {}", KEYS[*key].0, KEYS[*key].1[*value]);
                format!("{{ if = {{ {condition} }}, {} }}", list(*axis, values))
            };
            let rules: Vec<String> = self.whens.iter().map(rule).collect();
            parts.push(format!("when = [{}]", rules.join(", ")));
        }
        if let Some((key, value)) = self.exclusion {
            parts.push(format!(
                "exclude = [{{ \"{}\" = {} }}]",
                KEYS[key].0, KEYS[key].1[value]
            ));
        }
        parts.join("\n")
    }

    /// All points by brute force: every assignment is held against the rules. `given`
    /// says whether a key has a value in its own table.
    ///
    /// `None` if the exclusion leaves out nothing or everything.
    fn points(&self, given: [bool; 5]) -> Option<BTreeSet<[usize; 5]>> {
        let meets = |all: &Assignment, key: usize, value: usize| {
            all[key].or(given[key].then_some(0)) == Some(value)
        };
        let own = self.keys();
        let conditional: BTreeSet<usize> = self.whens.iter().map(|(_, axis, _)| *axis).collect();
        let mut kept = BTreeSet::new();
        let mut dropped = 0;
        for number in 0..4_usize.pow(5) {
            let all: Assignment =
                std::array::from_fn(|key| (number / 4_usize.pow(key as u32) % 4).checked_sub(1));
            let mut foreign = (0..5).filter(|key| !own.contains(key) && !conditional.contains(key));
            let fits = foreign.all(|key| all[key].is_none()) && self.has(&all);
            let mut whens = self.whens.iter();
            let conditions = whens.all(|((key, value), axis, values)| match all[*axis] {
                Some(chosen) => meets(&all, *key, *value) && values.contains(&chosen),
                None => !meets(&all, *key, *value),
            });
            if fits && conditions {
                match self.exclusion {
                    Some((key, value)) if meets(&all, key, value) => dropped += 1,
                    _ => drop(kept.insert(all.map(|value| value.unwrap_or(0)))),
                }
            }
        }
        let sensible = self.exclusion.is_none() || (dropped > 0 && !kept.is_empty());
        sensible.then_some(kept)
    }
}

/// A random sweep, and which keys stand in their own tables.
fn reference(bytes: &[u8]) -> (Reference, [bool; 5]) {
    let mut choices = Choices(bytes.iter());
    let mut keys: Vec<usize> = (0..5).collect();
    keys.rotate_left(choices.below(5));
    let reserved: Vec<usize> = keys.drain(..choices.below(3)).collect();
    let mut grid = choices.grid(&mut keys, true);
    let mut pairs = grid.pairs();
    let written = choices.below(2) == 0;
    for key in reserved {
        if !pairs.is_empty() {
            let condition = pairs[choices.below(pairs.len())];
            let values = choices.values();
            pairs.extend(values.iter().map(|value| (key, *value)));
            grid.whens.push((condition, key, values));
        }
    }
    if choices.below(3) == 0 && !pairs.is_empty() {
        grid.exclusion = Some(pairs[choices.below(pairs.len())]);
    }
    (grid, [true, true, written, written, written])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_sweep_has_exactly_the_points_of_its_rules(
        bytes in prop::collection::vec(any::<u8>(), 80),
    ) {
        let (grid, given) = reference(&bytes);
        let mut base = MODEL.to_owned();
        if given[2] {
            base += "activation = \"tanh\"\n[vae.training]\nepochs = 30\nbatch = 512\n";
        }
        let source = sources(&format!("{base}[sweep]\n{}\n", grid.text()));
        let Some(expected) = grid.points(given) else {
            let problem = only(&source);
            prop_assert_eq!(problem.code, "manifest::bad_exclude");
            return Ok(());
        };
        let manifest = good(&source);
        let found: Vec<[usize; 5]> = manifest.points.iter().map(|point| {
            std::array::from_fn(|key| {
                let name = KEYS[key].0.rsplit('.').next().unwrap();
                let coordinate = point.coordinates.iter().find(|(known, _)| known == name);
                coordinate.map_or(0, |(_, value)| {
                    let value = value.to_string();
                    let same = |text: &&str| {
                        let text = text.trim_matches('"');
                        text == value || text.parse::<f64>().ok() == value.parse::<f64>().ok()
                            && text.parse::<f64>().is_ok()
                    };
                    KEYS[key].1.iter().position(same).unwrap()
                })
            })
        }).collect();
        let set: BTreeSet<[usize; 5]> = found.iter().copied().collect();
        prop_assert_eq!(set.len(), found.len(), "each point once\n{}", source.text);
        prop_assert_eq!(&set, &expected, "{}", source.text);
        assert_round_trip(&source);
    }
}
