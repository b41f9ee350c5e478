//! Partitions of the sites, and what their parts know of each other.

use super::super::data::DataSet;
use super::Reading;
use crate::configurations::Configurations;
use crate::engine::{StageError, TaskContext};
use crate::inference::{self, InferenceError};
use crate::information::estimate::{self, Collective, CriticSettings, MutualInformation};
use crate::information::{self, EquilibriumSamples, InformationError, Lattice, Partition};
use crate::manifest::PartitionRule;

/// What both parts of a partition know of each other, in nats.
pub(super) struct Between {
    pub(super) nats: f64,
    pub(super) standard_error: f64,
    pub(super) method: &'static str,
    pub(super) bias: &'static str,
    /// Whether the number is known to be no larger than the mutual information, but
    /// for its standard error.
    pub(super) certifies: bool,
    pub(super) warning: &'static str,
}

/// The partitions that the rules name.
pub(super) fn expand(
    task: &TaskContext<'_>,
    rules: &[PartitionRule],
    sites: usize,
    lattice: Option<Lattice>,
) -> Result<Vec<Partition>, InformationError> {
    let mut partitions = Vec::new();
    for rule in rules {
        let rule = match rule {
            PartitionRule::Halves => information::PartitionRule::Halves,
            PartitionRule::EvenOdd => information::PartitionRule::EvenOdd,
            PartitionRule::Random(count) => information::PartitionRule::Random { count: *count },
            PartitionRule::Sites(chosen) => information::PartitionRule::Sites(chosen.clone()),
        };
        let mut generator = task.stream("random partitions");
        partitions.extend(rule.partitions(sites, lattice, &mut generator)?);
    }
    Ok(partitions)
}

/// The exact mutual information if there is one, else all estimates.
pub(super) fn between(
    reading: &Reading<'_>,
    partition: &Partition,
    equilibrium: &EquilibriumSamples<'_>,
) -> Result<Vec<Between>, StageError> {
    let exact = match reading.subject {
        Some(subject) => subject.mutual_information(partition, Some(equilibrium))?,
        None => None,
    };
    match exact {
        Some(exact) => Ok(vec![Between {
            nats: exact.nats,
            standard_error: exact.standard_error,
            method: exact.method.name(),
            bias: "exact",
            certifies: true,
            warning: "",
        }]),
        None => estimated(reading, partition),
    }
}

/// Estimates for a system that is not solved: of the numbers of active sites in both
/// parts, and of what trained functions of both parts know of each other. Both are
/// functions of the parts and know no more of each other than the parts do.
fn estimated(reading: &Reading<'_>, partition: &Partition) -> Result<Vec<Between>, StageError> {
    let most = match reading.samples {
        0 => reading.test.configurations.rows(),
        samples => samples,
    };
    let test = reading.test.thinned(most);
    let configurations = &test.configurations;
    let blocks = &blocks(reading.task, &test);
    let name = partition.name();
    let mut found = Vec::new();
    if let Configurations::Spins(bits) = configurations {
        let [a, b] = partition
            .sides()
            .map(|side| Collective::counts(&estimate::up_spins(bits, side)));
        let mut generator = reading.task.stream(&format!("neighbours {name}"));
        let value = estimate::recommended(&a?, &b?, blocks, &mut generator);
        found.extend(of(reading.task, value, "active_counts")?);
    }
    let width = configurations.unit().width();
    let [a, b] = partition.sides().map(|side| {
        let features = estimate::features(configurations, side);
        Collective::continuous(features, side.len() * width)
    });
    let mut generator = reading.task.stream(&format!("critic {name}"));
    let settings = CriticSettings::default();
    let value = estimate::info_nce(&a?, &b?, blocks, &settings, &mut generator);
    found.extend(of(reading.task, value, "info_nce")?);
    Ok(found)
}

/// The block of each configuration. Where there are too few for an error bar,
/// stretches of consecutive rows stand for them.
fn blocks(task: &TaskContext<'_>, test: &DataSet) -> Vec<u32> {
    let labels = test.block_labels();
    let distinct: std::collections::BTreeSet<u32> = labels.iter().copied().collect();
    if distinct.len() >= estimate::MIN_BLOCKS {
        return labels;
    }
    task.warn(format!(
        "{} blocks of test data are too few for an error bar of the mutual information, \
         expected {}; stretches of neighbouring configurations are used instead",
        distinct.len(),
        estimate::MIN_BLOCKS
    ));
    inference::consecutive_blocks(labels.len(), labels.len() / estimate::MIN_BLOCKS)
}

/// One estimate; none, and a warning, if there are too few samples for it.
fn of(
    task: &TaskContext<'_>,
    value: Result<MutualInformation, InferenceError>,
    method: &'static str,
) -> Result<Option<Between>, StageError> {
    let value = match value {
        Ok(value) => value,
        Err(error @ InferenceError::TooFewRows { .. }) => {
            task.warn(format!(
                "no estimate `{method}` of the mutual information: {error}"
            ));
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Some(Between {
        nats: value.value,
        standard_error: value.standard_error.hypot(value.systematic_error),
        method,
        bias: value.bias.name(),
        certifies: value.bias == estimate::Bias::LowerBound,
        warning: "",
    }))
}
