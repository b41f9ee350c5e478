//! What the stages `sample` and `recording` hand on, and how others read it.
//!
//! Both write `train.parquet` and `test.parquet`, spins as bits and directors as
//! features; a recording adds the repeat of each bin as its block. `sample` adds the stored
//! patterns (`patterns.parquet`), the generalised Hopfield model that was drawn from
//! (`model.json`) and, where the model knows it, ln p(x) of each test configuration
//! (`log_probability.parquet`).

use super::model_file;
use crate::bits::BitMatrix;
use crate::configurations::Configurations;
use crate::engine::{StageError, TaskContext};
use crate::fields::GeneralisedHopfield;
use crate::inference::{self, Estimate};
use crate::manifest::{Point, System};
use crate::physics::{LogPartition, LogPartitionMethod};
use crate::plan::Request;
use crate::tables::{self, Column, Table};

/// Role under which every later stage reads its configurations.
pub(super) const ROLE: &str = "data";
pub(super) const TRAIN: &str = "train.parquet";
pub(super) const TEST: &str = "test.parquet";
pub(super) const PATTERNS: &str = "patterns.parquet";
pub(super) const MODEL: &str = "model.json";
const LOG_PROBABILITY: &str = "log_probability.parquet";
/// Role under which later stages read what `likelihood` found.
pub(super) const NETWORK_ROLE: &str = super::likelihood::NAME;
const NETWORK_LOG_PROBABILITY: &str = "network_log_probability.parquet";
const VALUE: &str = "log_probability_nats";
const STANDARD_ERROR: &str = "standard_error";

/// Adds the need for the point's configurations to a request.
pub(super) fn needing_data(request: Request, point: &Point) -> Request {
    match point.system {
        System::Model { .. } => request.needing(ROLE, super::sample::NAME),
        System::Recording(_) => request.needing(ROLE, super::recording::NAME),
    }
}

/// Configurations, and the block of each if they are not independent.
#[derive(Debug, Clone)]
pub(super) struct DataSet {
    pub(super) configurations: Configurations,
    pub(super) blocks: Option<Vec<u32>>,
}

impl DataSet {
    pub(super) fn read(task: &TaskContext<'_>, file: &str) -> Result<Self, StageError> {
        let bytes = task.read(ROLE, file)?;
        let (configurations, blocks, _) = tables::configurations_from_bytes(&bytes)?;
        Ok(Self {
            configurations,
            blocks,
        })
    }

    /// The bits of spins or cells, for analyses that know no other unit.
    pub(super) fn spins(&self) -> Result<&BitMatrix, StageError> {
        self.configurations
            .as_spins()
            .ok_or_else(|| StageError::failed("found directors, expected spins or cells"))
    }

    pub(super) fn write(&self, task: &TaskContext<'_>, file: &str) -> Result<(), StageError> {
        let blocks = self.blocks.as_deref();
        let metadata = task.metadata();
        let bytes = tables::configurations_to_bytes(&self.configurations, blocks, &metadata)?;
        task.write(file, &bytes)
    }

    /// Mean of one value a configuration, with its error by blocks.
    pub(super) fn mean(&self, values: &[f64]) -> Result<Estimate, StageError> {
        let estimate = match &self.blocks {
            Some(blocks) => inference::block_mean(values, &blocks[..values.len()]),
            None => inference::mean(values),
        };
        Ok(estimate?)
    }

    /// Mean of one value for each of the given configurations, with its error by blocks.
    pub(super) fn mean_of_rows(
        &self,
        rows: &[usize],
        values: &[f64],
    ) -> Result<Estimate, StageError> {
        let estimate = match &self.blocks {
            Some(blocks) => {
                let blocks: Vec<u32> = rows.iter().map(|&row| blocks[row]).collect();
                inference::block_mean(values, &blocks)
            }
            None => inference::mean(values),
        };
        Ok(estimate?)
    }

    /// At most so many rows, evenly out of all of them: of a recording, every repeat is
    /// there, and neighbours in time are not.
    pub(super) fn thinned_rows(&self, most: usize) -> Vec<usize> {
        let step = self.configurations.rows().div_ceil(most.max(1)).max(1);
        (0..self.configurations.rows()).step_by(step).collect()
    }

    /// The configurations of [`DataSet::thinned_rows`].
    pub(super) fn thinned(&self, most: usize) -> Self {
        let rows = self.thinned_rows(most);
        let blocks = self.blocks.as_ref();
        Self {
            configurations: self.configurations.select_rows(&rows),
            blocks: blocks.map(|blocks| rows.iter().map(|&row| blocks[row]).collect()),
        }
    }

    /// The block of each configuration; independent ones are cut into a hundred.
    pub(super) fn block_labels(&self) -> Vec<u32> {
        if let Some(blocks) = &self.blocks {
            return blocks.clone();
        }
        let size = self
            .configurations
            .rows()
            .div_ceil(INDEPENDENT_BLOCKS)
            .max(1);
        inference::consecutive_blocks(self.configurations.rows(), size)
    }

    /// Splits off about `fraction` of the data to judge a training by: whole
    /// blocks, interleaved, if there are blocks, else the last configurations.
    pub(super) fn hold_out(&self, fraction: f64) -> (Configurations, Configurations) {
        let rows = 0..self.configurations.rows();
        let (held, kept): (Vec<usize>, Vec<usize>) = if let Some(blocks) = &self.blocks {
            let order = ranks(blocks);
            let blocks = order.iter().max().map_or(0, |last| last + 1);
            // At least one block must be held out, however few there are.
            let every = (1.0 / fraction).round().max(2.0) as usize;
            let every = every.min(blocks.max(2));
            rows.partition(|&row| order[row] % every == every - 1)
        } else {
            let held = (fraction * rows.len() as f64).ceil() as usize;
            let first = rows.len() - held.clamp(2, rows.len() / 2);
            rows.partition(|&row| row >= first)
        };
        let select = |rows: &[usize]| self.configurations.select_rows(rows);
        (select(&kept), select(&held))
    }
}

/// Blocks of independent configurations, for errors of statistics that are no means.
const INDEPENDENT_BLOCKS: usize = 100;

/// The bin of each row within its repeat: rows of a repeat follow one another.
pub(super) fn bins_of_repeats(blocks: &[u32]) -> Vec<u32> {
    let mut bins = Vec::with_capacity(blocks.len());
    for (row, block) in blocks.iter().enumerate() {
        let next = match row.checked_sub(1) {
            Some(before) if blocks[before] == *block => bins[before] + 1,
            _ => 0,
        };
        bins.push(next);
    }
    bins
}

/// The rank of each row's block among the blocks.
fn ranks(blocks: &[u32]) -> Vec<usize> {
    let mut distinct = blocks.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    blocks
        .iter()
        .map(|block| distinct.partition_point(|other| other < block))
        .collect()
}

/// Writes ln p(x) of each test configuration; `standard_error` is common to all.
pub(super) fn write_log_probability(
    task: &TaskContext<'_>,
    values: &[f64],
    standard_error: f64,
) -> Result<(), StageError> {
    let errors = vec![standard_error; values.len()];
    let columns = [(VALUE, values.to_vec()), (STANDARD_ERROR, errors)];
    write_columns(task, LOG_PROBABILITY, columns.into())
}

/// Writes ln p(x) of each test configuration under the network, for later stages.
pub(super) fn write_network_log_probability(
    task: &TaskContext<'_>,
    values: &[f64],
) -> Result<(), StageError> {
    let columns = vec![(VALUE, values.to_vec())];
    write_columns(task, NETWORK_LOG_PROBABILITY, columns)
}

/// Adds the need for the network's log-probabilities to a request.
pub(super) fn needing_likelihood(request: Request) -> Request {
    request.needing(NETWORK_ROLE, super::likelihood::NAME)
}

/// ln p(x) of each test configuration under the network, as `likelihood` found it.
pub(super) fn read_network_log_probability(task: &TaskContext<'_>) -> Result<Vec<f64>, StageError> {
    let bytes = task.read(NETWORK_ROLE, NETWORK_LOG_PROBABILITY)?;
    let (table, _) = tables::from_bytes(&bytes)?;
    let values = table.numbers(VALUE)?;
    Ok(values.iter().map(|v| v.unwrap_or(f64::NAN)).collect())
}

fn write_columns(
    task: &TaskContext<'_>,
    file: &str,
    columns: Vec<(&str, Vec<f64>)>,
) -> Result<(), StageError> {
    let column = |values: Vec<f64>| Column::Number(values.into_iter().map(Some).collect());
    let columns = columns
        .into_iter()
        .map(|(name, values)| (name.to_owned(), column(values)));
    let name = file.strip_suffix(".parquet").unwrap_or(file);
    let table = Table::from_columns(name, columns.collect())?;
    task.write(file, &tables::to_bytes(&table, &task.metadata())?)
}

/// ln p(x) of each test configuration and their common standard error, if the
/// data come from a model that knows them.
pub(super) fn read_log_probability(
    task: &TaskContext<'_>,
) -> Result<Option<(Vec<f64>, f64)>, StageError> {
    if !task.files(ROLE).any(|file| file == LOG_PROBABILITY) {
        return Ok(None);
    }
    let (table, _) = tables::from_bytes(&task.read(ROLE, LOG_PROBABILITY)?)?;
    let values = |name: &str| -> Result<Vec<f64>, StageError> {
        let values = table.numbers(name)?;
        Ok(values.iter().map(|v| v.unwrap_or(f64::NAN)).collect())
    };
    let standard_error = values(STANDARD_ERROR)?.first().copied().unwrap_or(0.0);
    Ok(Some((values(VALUE)?, standard_error)))
}

/// ln Z of the model that drew the data, if `sample` knew it.
pub(super) fn read_log_partition(
    task: &TaskContext<'_>,
) -> Result<Option<LogPartition>, StageError> {
    let found = sampling_value(task, "log_partition")?;
    let Some((value, standard_error, method)) = found else {
        return Ok(None);
    };
    Ok(
        LogPartitionMethod::named(&method).map(|method| LogPartition {
            value,
            standard_error: standard_error.unwrap_or(0.0),
            method,
        }),
    )
}

/// As how many independent configurations the rows of a set count.
pub(super) fn effective_samples(task: &TaskContext<'_>, set: &DataSet) -> Result<f64, StageError> {
    let rows = set.configurations.rows() as f64;
    let Some((effective, ..)) = sampling_value(task, "effective_samples")? else {
        return Ok(rows);
    };
    let drawn = DataSet::read(task, TRAIN)?.configurations.rows() as f64 + rows;
    Ok((rows * effective / drawn).clamp(1.0, rows))
}

/// Value, standard error and method of a row of the table `sampling`, if the data are
/// samples of a model.
fn sampling_value(
    task: &TaskContext<'_>,
    quantity: &str,
) -> Result<Option<(f64, Option<f64>, String)>, StageError> {
    const SAMPLING: &str = "sampling.parquet";
    if !task.files(ROLE).any(|file| file == SAMPLING) {
        return Ok(None);
    }
    let (table, _) = tables::from_bytes(&task.read(ROLE, SAMPLING)?)?;
    let row = table
        .texts("quantity")?
        .iter()
        .position(|name| name == quantity);
    let (values, errors) = (table.numbers("value")?, table.numbers("standard_error")?);
    let methods = table.texts("method")?;
    Ok(row.and_then(|row| Some((values[row]?, errors[row], methods[row].clone()))))
}

/// The generalised Hopfield model that the data were drawn from, if it is one.
pub(super) fn read_true_model(
    task: &TaskContext<'_>,
) -> Result<Option<GeneralisedHopfield>, StageError> {
    if !task.files(ROLE).any(|file| file == MODEL) {
        return Ok(None);
    }
    let bytes = task.read(ROLE, MODEL)?;
    Ok(Some(model_file::from_bytes(&bytes, MODEL)?))
}

/// Reads a bit matrix that `sample` wrote beside the configurations.
pub(super) fn read_bits(task: &TaskContext<'_>, file: &str) -> Result<BitMatrix, StageError> {
    let (configurations, _, _) = tables::configurations_from_bytes(&task.read(ROLE, file)?)?;
    match configurations {
        Configurations::Spins(bits) => Ok(bits),
        Configurations::Directors(_) => Err(StageError::failed("found directors, expected bits")),
    }
}

/// The distinct configurations of a data set, and which one each row is. No two
/// configurations of directors are taken to be equal.
pub(super) struct Distinct {
    pub(super) configurations: Configurations,
    index: Vec<usize>,
}

impl Distinct {
    pub(super) fn of(configurations: &Configurations) -> Self {
        let Configurations::Spins(bits) = configurations else {
            return Self {
                configurations: configurations.clone(),
                index: (0..configurations.rows()).collect(),
            };
        };
        let (rows, index) = bits.distinct_rows();
        Self {
            configurations: configurations.select_rows(&rows),
            index,
        }
    }

    /// Each distinct configuration as often as it occurs, but at most `most`
    /// times, and which one each row is.
    pub(super) fn repeated(&self, most: usize) -> (Configurations, Vec<usize>) {
        let mut times = vec![0_usize; self.configurations.rows()];
        for &index in &self.index {
            times[index] += 1;
        }
        let owner: Vec<usize> = (0..times.len())
            .flat_map(|index| std::iter::repeat_n(index, times[index].min(most)))
            .collect();
        (self.configurations.select_rows(&owner), owner)
    }

    /// Mean of the values of each distinct configuration's repeats.
    pub(super) fn means(&self, values: &[f64], owner: &[usize]) -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0_f64); self.configurations.rows()];
        for (value, &index) in values.iter().zip(owner) {
            sums[index].0 += value;
            sums[index].1 += 1.0;
        }
        sums.into_iter().map(|(sum, count)| sum / count).collect()
    }

    /// The value of each row, from the value of each distinct configuration.
    pub(super) fn spread(&self, values: &[f64]) -> Vec<f64> {
        self.index.iter().map(|&index| values[index]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(rows: usize) -> Configurations {
        let words = (0..rows as u64).collect();
        BitMatrix::from_words(rows, 16, words).unwrap().into()
    }

    fn word(configurations: &Configurations, row: usize) -> u64 {
        configurations.as_spins().unwrap().row(row)[0]
    }

    #[test]
    fn whole_blocks_are_held_out_and_nothing_is_lost() {
        let blocks: Vec<u32> = (0..60).map(|row| [3, 7, 8, 20, 21, 40][row / 10]).collect();
        let data = DataSet {
            configurations: numbered(60),
            blocks: Some(blocks),
        };
        let (kept, held) = data.hold_out(0.34);
        assert_eq!((kept.rows(), held.rows()), (40, 20));
        let held: Vec<u64> = (0..20).map(|row| word(&held, row)).collect();
        assert_eq!(held, (20..30).chain(50..60).collect::<Vec<u64>>());
    }

    #[test]
    fn a_thinned_set_has_rows_of_every_block() {
        let data = DataSet {
            configurations: numbered(60),
            blocks: Some((0..60).map(|row| row / 10).collect()),
        };
        let thin = data.thinned(15);
        let words: Vec<u64> = (0..15).map(|row| word(&thin.configurations, row)).collect();
        assert_eq!(words, (0..60).step_by(4).collect::<Vec<u64>>());
        assert_eq!(thin.blocks.unwrap()[14], 5);
        assert_eq!(data.thinned(100).configurations.rows(), 60);
    }

    #[test]
    fn independent_rows_are_held_out_from_the_end() {
        let data = DataSet {
            configurations: numbered(100),
            blocks: None,
        };
        let (kept, held) = data.hold_out(0.05);
        assert_eq!((kept.rows(), held.rows()), (95, 5));
        assert_eq!(word(&held, 0), 95);
    }

    #[test]
    fn distinct_configurations_spread_back() {
        let bits = BitMatrix::from_words(5, 4, vec![3, 1, 3, 2, 1]).unwrap();
        let distinct = Distinct::of(&bits.into());
        assert_eq!(distinct.configurations.rows(), 3);
        let values: Vec<f64> = (0..3)
            .map(|row| word(&distinct.configurations, row) as f64)
            .collect();
        assert_eq!(distinct.spread(&values), [3.0, 1.0, 3.0, 2.0, 1.0]);
        let (repeated, owner) = distinct.repeated(1);
        assert_eq!((repeated.rows(), owner), (3, vec![0, 1, 2]));
        let (repeated, owner) = distinct.repeated(9);
        assert_eq!(repeated.rows(), 5);
        let means = distinct.means(&[1.0, 3.0, 5.0, 5.0, 7.0], &owner);
        assert_eq!(means, [2.0, 5.0, 7.0]);
    }
}
