//! Which points go into which job, and which jobs into which array: pure.

/// What is left to do of one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointWork {
    /// Position in the plan's points.
    pub point: usize,
    /// Estimated core-seconds of its missing tasks; `None` if nothing like them was run before.
    pub core_seconds: Option<f64>,
}

/// How many points a job gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PackingRule {
    /// A fixed number, at least 1.
    Points(usize),
    /// As many as make a job last about this long, by the estimates, in seconds
    /// of wall-clock time on the cores of a job. Points without an estimate get
    /// jobs of their own.
    Seconds {
        /// A job is closed once it lasts this long.
        at_least: f64,
        /// No job is meant to last longer, unless a single point does.
        at_most: f64,
        /// Cores of a job.
        cores: usize,
    },
}

/// The points of one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// Positions in the plan's points, ascending.
    pub points: Vec<usize>,
    /// Their estimated core-seconds; `None` if one of them has no estimate.
    pub core_seconds: Option<f64>,
}

impl Pack {
    fn of(work: &[PointWork]) -> Self {
        Self {
            points: work.iter().map(|one| one.point).collect(),
            core_seconds: work.iter().map(|one| one.core_seconds).sum(),
        }
    }
}

/// Cuts the points, in their order, into packs.
///
/// Neighbours in a sweep share tasks, so that packs are runs of neighbours.
#[must_use]
pub fn packs(work: &[PointWork], rule: PackingRule) -> Vec<Pack> {
    match rule {
        PackingRule::Points(count) => work.chunks(count.max(1)).map(Pack::of).collect(),
        PackingRule::Seconds {
            at_least,
            at_most,
            cores,
        } => by_time(work, at_least, at_most, cores),
    }
}

fn by_time(work: &[PointWork], at_least: f64, at_most: f64, cores: usize) -> Vec<Pack> {
    let seconds = |one: &PointWork| Some(one.core_seconds? / cores.max(1) as f64);
    let mut packs = Vec::new();
    let mut start = 0;
    let mut lasting = 0.0;
    for (position, one) in work.iter().enumerate() {
        let next = seconds(one);
        let full = lasting >= at_least || next.is_none_or(|next| lasting + next > at_most);
        if position > start && full {
            packs.push(Pack::of(&work[start..position]));
            start = position;
            lasting = 0.0;
        }
        // A point of unknown length fills its job.
        lasting += next.unwrap_or(f64::INFINITY);
    }
    if start < work.len() {
        packs.push(Pack::of(&work[start..]));
    }
    packs
}

/// One job array: consecutive packs of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArraySlice {
    /// Group that its packs belong to.
    pub group: usize,
    /// First pack, counted over all groups.
    pub first: usize,
    /// Number of packs; array indices run from 0 to this, exclusive.
    pub count: usize,
    /// Packs of this array that run at the same time at most.
    pub limit: Option<usize>,
    /// Array, by position, that must have ended before this one begins.
    pub after: Option<usize>,
}

/// Splits groups of packs, of these sizes, into arrays of at most `max_array_size` tasks.
///
/// Packs of a group are alike in what they ask of the cluster. `max_running` is
/// shared among the arrays, so that together they never run more. Where there
/// are more arrays than may run at once, the rest wait for earlier ones.
#[must_use]
pub fn arrays(
    groups: &[usize],
    max_array_size: usize,
    max_running: Option<usize>,
) -> Vec<ArraySlice> {
    // Slurm's largest index is one less than MaxArraySize.
    let most = max_array_size.max(1);
    let mut slices = Vec::new();
    let mut first = 0;
    for (group, &packs) in groups.iter().enumerate() {
        let number = packs.div_ceil(most);
        let mut left = packs;
        for position in 0..number {
            // As equal as can be: packs left over the arrays left, rounded up.
            let count = left.div_ceil(number - position);
            slices.push(ArraySlice {
                group,
                first,
                count,
                limit: None,
                after: None,
            });
            (first, left) = (first + count, left - count);
        }
    }
    if let Some(running) = max_running {
        let side_by_side = slices.len().min(running.max(1));
        for (position, slice) in slices.iter_mut().enumerate() {
            slice.limit = Some(share(running.max(1), side_by_side, position));
            slice.after = position.checked_sub(side_by_side);
        }
    }
    slices
}

/// The part of `limit` that the array at `position` gets; parts of arrays that
/// run side by side add up to it.
fn share(limit: usize, side_by_side: usize, position: usize) -> usize {
    let lane = position % side_by_side;
    limit / side_by_side + usize::from(lane < limit % side_by_side)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn work(estimates: &[Option<f64>]) -> Vec<PointWork> {
        let point = |(point, &core_seconds)| PointWork {
            point,
            core_seconds,
        };
        estimates.iter().enumerate().map(point).collect()
    }

    fn points(packs: &[Pack]) -> Vec<Vec<usize>> {
        packs.iter().map(|pack| pack.points.clone()).collect()
    }

    #[test]
    fn a_fixed_number_of_points_a_job() {
        let packed = packs(&work(&[Some(1.0); 5]), PackingRule::Points(2));
        assert_eq!(points(&packed), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(packed[0].core_seconds, Some(2.0));
    }

    #[test]
    fn jobs_last_long_enough_and_not_too_long() {
        let rule = PackingRule::Seconds {
            at_least: 10.0,
            at_most: 20.0,
            cores: 2,
        };
        let estimates = [8.0, 8.0, 8.0, 36.0, 2.0, 60.0, 2.0].map(Some);
        // 4 + 4 + 4 s reach 10; 18 s alone; 1 s and 30 s would be too long.
        let expected = [vec![0, 1, 2], vec![3], vec![4], vec![5], vec![6]];
        assert_eq!(points(&packs(&work(&estimates), rule)), expected);
    }

    #[test]
    fn a_point_of_unknown_length_has_a_job_of_its_own() {
        // Without a limit of the time as well.
        for at_most in [20.0, f64::INFINITY] {
            let rule = PackingRule::Seconds {
                at_least: 10.0,
                at_most,
                cores: 1,
            };
            let packed = packs(&work(&[Some(1.0), None, Some(1.0), Some(1.0)]), rule);
            assert_eq!(points(&packed), [vec![0], vec![1], vec![2, 3]]);
            assert_eq!(packed[1].core_seconds, None);
        }
    }

    #[test]
    fn two_and_a_half_thousand_jobs_fill_three_arrays_of_the_stock_size() {
        let slices = arrays(&[2500], 1001, Some(100));
        let counts: Vec<usize> = slices.iter().map(|slice| slice.count).collect();
        assert_eq!(counts, [834, 833, 833]);
        let limits: Vec<Option<usize>> = slices.iter().map(|slice| slice.limit).collect();
        assert_eq!(limits, [Some(34), Some(33), Some(33)]);
    }

    proptest! {
        #[test]
        fn every_point_is_in_one_pack(
            estimates in prop::collection::vec(prop::option::of(0.0..100.0), 0..60),
            at_least in 0.0..200.0, cores in 1_usize..8,
        ) {
            let at_most = at_least * 2.0;
            let rule = PackingRule::Seconds { at_least, at_most, cores };
            let packed = packs(&work(&estimates), rule);
            let all: Vec<usize> = points(&packed).concat();
            prop_assert_eq!(all, (0..estimates.len()).collect::<Vec<_>>());
        }

        #[test]
        fn arrays_hold_every_pack_once_and_keep_the_limits(
            groups in prop::collection::vec(0_usize..3000, 0..4), size in 1_usize..1200,
            running in prop::option::of(1_usize..400),
        ) {
            let slices = arrays(&groups, size, running);
            let mut next = 0;
            let mut sizes = vec![0; groups.len()];
            for slice in &slices {
                prop_assert_eq!(slice.first, next);
                prop_assert!((1..=size).contains(&slice.count));
                next += slice.count;
                sizes[slice.group] += slice.count;
            }
            prop_assert_eq!(&sizes, &groups);
            let fewest: usize = groups.iter().map(|packs| packs.div_ceil(size)).sum();
            prop_assert_eq!(slices.len(), fewest);
            // Whatever runs at once: a chain of arrays counts once.
            if let Some(running) = running {
                let side_by_side = slices.iter().filter(|slice| slice.after.is_none());
                let together: usize = side_by_side.map(|slice| slice.limit.unwrap()).sum();
                prop_assert!(together <= running);
                for (position, slice) in slices.iter().enumerate() {
                    if let Some(after) = slice.after {
                        prop_assert!(after < position);
                        prop_assert_eq!(slices[after].limit, slice.limit);
                    }
                }
            }
        }
    }
}
