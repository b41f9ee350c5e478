//! From a sweep to its combinations.

use std::collections::{HashMap, HashSet};

use super::grid::refuse_second;
use super::report::{Message, Report};
use super::section::Section;
use super::sweep::{Choice, Factor, Grid, Spot, Sweep, When};

/// Most points of one manifest; each takes about a kilobyte, and at least one task.
pub(super) const MOST_POINTS: usize = 100_000;

/// The positions of the values of all axes.
pub(super) type Combination = Vec<Choice>;

/// The combinations of a sweep, each once.
///
/// Factors are crossed in file order, the last fastest. A key without a value of the
/// sweep has that of its own table. `None` if there are too many, or if a rule makes no
/// sense.
pub(super) fn combinations(
    root: &Section<'_>,
    sweep: &Sweep,
    replicates: usize,
) -> Option<Vec<Combination>> {
    let most = MOST_POINTS / replicates.max(1);
    if size(&sweep.grid) > most {
        refuse_size(root, &sweep.grid, replicates);
        return None;
    }
    let expansion = Expansion {
        report: root.report,
        sweep,
        most,
    };
    let mut all = match expansion.grid(&sweep.grid) {
        Ok(all) => all,
        Err(Stopped::TooMany) => {
            refuse_size(root, &sweep.grid, replicates);
            return None;
        }
        Err(Stopped::Refused) => return None,
    };
    for combination in &mut all {
        for (choice, axis) in combination.iter_mut().zip(&sweep.axes) {
            *choice = choice.or(axis.base);
        }
    }
    once(&mut all);
    Some(all)
}

/// Keeps the first of equal combinations.
fn once(all: &mut Vec<Combination>) {
    let mut seen = HashSet::with_capacity(all.len());
    let keep: Vec<bool> = all.iter().map(|it| seen.insert(it.as_slice())).collect();
    drop(seen);
    let mut keep = keep.into_iter();
    all.retain(|_| keep.next().unwrap_or(true));
}

/// Combinations of a grid before equal ones count once, without its `when` rules.
fn size(grid: &Grid) -> usize {
    grid.factors
        .iter()
        .fold(1, |size, factor| size.saturating_mul(factor_size(factor)))
}

fn factor_size(factor: &Factor) -> usize {
    match factor {
        Factor::Rows { spots, values } => values.len() / spots.len().max(1),
        Factor::Union(members) => members
            .iter()
            .fold(0, |sum, member| sum.saturating_add(size(member))),
    }
}

fn refuse_size(root: &Section<'_>, grid: &Grid, replicates: usize) {
    let sizes = grid.factors.iter().map(factor_size);
    let mut factors: Vec<String> = sizes.map(|size| size.to_string()).collect();
    if has_conditions(grid) {
        factors.push("the axes of `when`".to_owned());
    }
    factors.push(format!("{replicates} replicates"));
    let place = root
        .find("sweep")
        .map_or(root.place, |sweep| sweep.key_place);
    let message = Message {
        code: "manifest::too_many_points",
        key: "sweep".to_owned(),
        found: format!("{} points", factors.join(" x ")),
        expected: format!("at most {MOST_POINTS}"),
        help: Some("use fewer values, or `zip` axes that belong together".to_owned()),
    };
    root.report.push(place, message);
}

fn has_conditions(grid: &Grid) -> bool {
    !grid.whens.is_empty()
        || grid.factors.iter().any(|factor| match factor {
            Factor::Rows { .. } => false,
            Factor::Union(members) => members.iter().any(has_conditions),
        })
}

/// Why there are no combinations.
enum Stopped {
    TooMany,
    /// A rule makes no sense, which was reported.
    Refused,
}

struct Expansion<'a, 'r> {
    report: &'a Report<'r>,
    sweep: &'a Sweep,
    /// Most combinations of any part.
    most: usize,
}

impl Expansion<'_, '_> {
    fn grid(&self, grid: &Grid) -> Result<Vec<Combination>, Stopped> {
        let mut all = vec![vec![None; self.sweep.axes.len()]];
        for factor in &grid.factors {
            all = match factor {
                Factor::Rows { spots, values } => self.rows(&all, spots, values)?,
                Factor::Union(members) => self.union(&all, members)?,
            };
        }
        for when in &grid.whens {
            all = self.when(all, when)?;
        }
        self.exclude(grid, all)
    }

    /// Whether so many combinations are allowed; nothing is allocated before.
    fn allow(&self, number: usize) -> Result<(), Stopped> {
        if number > self.most {
            return Err(Stopped::TooMany);
        }
        Ok(())
    }

    fn rows(
        &self,
        all: &[Combination],
        spots: &[Spot],
        values: &[u32],
    ) -> Result<Vec<Combination>, Stopped> {
        let number = all.len().saturating_mul(values.len() / spots.len());
        self.allow(number)?;
        let mut next = Vec::with_capacity(number);
        for combination in all {
            for row in values.chunks(spots.len()) {
                let mut combination = combination.clone();
                for (spot, &value) in spots.iter().zip(row) {
                    combination[spot.axis] = Some(value);
                }
                next.push(combination);
            }
        }
        Ok(next)
    }

    fn union(&self, all: &[Combination], members: &[Grid]) -> Result<Vec<Combination>, Stopped> {
        let mut rows = Vec::new();
        let mut refused = false;
        for member in members {
            match self.grid(member) {
                Ok(more) => rows.extend(more),
                Err(Stopped::TooMany) => return Err(Stopped::TooMany),
                Err(Stopped::Refused) => refused = true,
            }
            self.allow(rows.len())?;
        }
        if refused {
            return Err(Stopped::Refused);
        }
        once(&mut rows);
        self.allow(all.len().saturating_mul(rows.len()))?;
        let cross = |outer: &Combination| {
            let outer = outer.clone();
            rows.iter().map(move |inner| merged(&outer, inner))
        };
        Ok(all.iter().flat_map(cross).collect())
    }

    fn when(&self, all: Vec<Combination>, when: &When) -> Result<Vec<Combination>, Stopped> {
        let rows = self.grid(&when.grid)?;
        let Some(conditions) = &when.conditions else {
            return Ok(all);
        };
        let axes: Vec<usize> = when.grid.spots().iter().map(|spot| spot.axis).collect();
        let mut next = Vec::with_capacity(all.len());
        for combination in all {
            let mut conditions = conditions.iter();
            if !conditions.all(|it| it.holds(&self.sweep.axes, &combination)) {
                next.push(combination);
                continue;
            }
            if let Some(&axis) = axes.iter().find(|&&axis| combination[axis].is_some()) {
                self.refuse_overlap(when, axis);
                return Err(Stopped::Refused);
            }
            self.allow(next.len().saturating_add(rows.len()))?;
            next.extend(rows.iter().map(|row| merged(&combination, row)));
        }
        self.allow(next.len())?;
        Ok(next)
    }

    /// Reports an axis that two rules set in the same combination.
    fn refuse_overlap(&self, when: &When, axis: usize) {
        let all = self.sweep.grid.spots();
        let mut spots: HashMap<usize, &Spot> = HashMap::new();
        for spot in all {
            spots.entry(spot.axis).or_insert(spot);
        }
        let own = when.grid.spots();
        let own = own.iter().find(|spot| spot.axis == axis);
        if let (Some(own), Some(first)) = (own, spots.get(&axis)) {
            refuse_second(self.report, own, first);
        }
    }

    fn exclude(&self, grid: &Grid, mut all: Vec<Combination>) -> Result<Vec<Combination>, Stopped> {
        let axes = &self.sweep.axes;
        for rule in &grid.exclusions {
            let before = all.len();
            all.retain(|combination| {
                let mut conditions = rule.conditions.iter();
                !conditions.all(|it| it.holds(axes, combination))
            });
            if all.len() == before || all.is_empty() {
                let expected = if all.is_empty() {
                    "a rule that leaves some combination"
                } else {
                    "a rule that leaves out some combination"
                };
                let message = Message {
                    code: "manifest::bad_exclude",
                    key: rule.key.clone(),
                    found: format!(
                        "a rule after which {} combinations remain of {before}",
                        all.len()
                    ),
                    expected: expected.to_owned(),
                    help: None,
                };
                self.report.push(rule.place, message);
                return Err(Stopped::Refused);
            }
        }
        Ok(all)
    }
}

/// The choices of both; the second wins.
fn merged(outer: &[Choice], inner: &[Choice]) -> Combination {
    let pairs = inner.iter().zip(outer);
    pairs.map(|(inner, outer)| inner.or(*outer)).collect()
}

/// Values of an axis that are checked where the sweep cannot be expanded.
const MOST_CHECKED: usize = 1000;

/// Combinations in which the values of every axis that all have occur, one axis at a
/// time.
///
/// They serve to check values where the sweep itself cannot be expanded. Of many values the
/// first [`MOST_CHECKED`] do: a few lines can ask for millions, and the rest is checked once
/// the sweep is mended.
pub(super) fn one_at_a_time(sweep: &Sweep) -> Vec<Combination> {
    let axes = sweep.axes.iter();
    let first: Combination = axes
        .map(|axis| if axis.always { Some(0) } else { axis.base })
        .collect();
    let mut all = vec![first.clone()];
    for (position, axis) in sweep.axes.iter().enumerate() {
        for value in 1..axis.values.len().min(MOST_CHECKED) as u32 {
            if axis.always {
                let mut combination = first.clone();
                combination[position] = Some(value);
                all.push(combination);
            }
        }
    }
    all
}
