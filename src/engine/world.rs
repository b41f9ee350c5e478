//! A folder, toy stages and runs of them, for tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::manifest::Point;
use crate::plan::world::{Toy, figure, points, toys};
use crate::plan::{
    FIGURE_STAGE, Key, Plan, Request, StageDefinition, TABLE_STAGE, TableParameters, build,
};
use crate::random::uniform;

use super::*;

pub(super) type Outcome = Result<(), StageError>;

/// What a stage does, if it remembers nothing.
pub(super) type Plain = fn(&TaskContext<'_>) -> Outcome;

type Act = Box<dyn Fn(&TaskContext<'_>) -> Outcome + Send + Sync>;

/// A toy that can be run, and counts how often it was.
pub(super) struct ToyStage {
    pub(super) definition: Toy,
    act: Act,
    runs: Mutex<Vec<String>>,
}

impl ToyStage {
    pub(super) fn new(
        definition: Toy,
        act: impl Fn(&TaskContext<'_>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        Self {
            definition,
            act: Box::new(act),
            runs: Mutex::default(),
        }
    }
}

impl StageDefinition for ToyStage {
    fn name(&self) -> &'static str {
        self.definition.name()
    }

    fn version(&self) -> u32 {
        self.definition.version()
    }

    fn request(&self, point: &Point) -> Option<Request> {
        self.definition.request(point)
    }

    fn tables(&self) -> &'static [&'static str] {
        self.definition.tables()
    }
}

impl Stage for ToyStage {
    fn run(&self, task: &TaskContext<'_>) -> Outcome {
        self.runs.lock().unwrap().push(task.key().to_owned());
        (self.act)(task)
    }
}

/// Writes the sum of numbers drawn side by side, each from its own stream.
fn sample(task: &TaskContext<'_>) -> Outcome {
    let parameters: Value = task.parameters()?;
    let drawn: Vec<f64> = (0..64)
        .into_par_iter()
        .map(|chain| uniform(&mut task.stream(&format!("chain {chain}"))))
        .collect();
    task.progress(Progress {
        fraction: 1.0,
        message: "drawn".to_owned(),
    });
    task.write("samples", format!("{parameters} {drawn:?}").as_bytes())
}

/// Writes a digest of its input and its parameters.
fn train(task: &TaskContext<'_>) -> Outcome {
    let parameters: Value = task.parameters()?;
    let samples = task.read("samples", "samples")?;
    let digest = blake3::hash(&samples).to_hex();
    task.write("network", format!("{parameters} {digest}").as_bytes())
}

fn likelihood(task: &TaskContext<'_>) -> Outcome {
    let network = task.read("network", "network")?;
    task.write("likelihood.parquet", &network)
}

fn table(task: &TaskContext<'_>) -> Outcome {
    let parameters: TableParameters = task.parameters()?;
    let file = format!("{}.parquet", parameters.table);
    let mut bytes = Vec::new();
    for row in &parameters.rows {
        bytes.extend(format!("{} ", row.point).bytes());
        bytes.extend(task.read(&row.source, &file)?);
        bytes.push(b'\n');
    }
    task.write(&file, &bytes)
}

fn draw(task: &TaskContext<'_>) -> Outcome {
    task.write("gap.png", &task.read("likelihood", "likelihood.parquet")?)
}

/// A folder with a store and results, stages, and what a run is asked for.
pub(super) struct World {
    /// Holds the store in `.store` and the results in `toy`.
    pub(super) root: PathBuf,
    _folder: TempDir,
    pub(super) stages: Vec<ToyStage>,
    pub(super) temperatures: Vec<f64>,
    pub(super) latents: Vec<i64>,
    pub(super) threads: usize,
    pub(super) keep_going: bool,
    /// Reasons why tasks are not run, by label.
    pub(super) refused: BTreeMap<String, String>,
    pub(super) only: Vec<String>,
    pub(super) force: Vec<String>,
    pub(super) cancel: AtomicBool,
}

/// What a run came to, and all that it said.
pub(super) struct Done {
    pub(super) summary: RunSummary,
    pub(super) published: Published,
    pub(super) events: Vec<Event>,
}

impl World {
    /// Two temperatures and two latents: 2 samples, 4 trainings, 4
    /// likelihoods, a table and a figure.
    pub(super) fn new() -> Self {
        let acts: [(&str, Plain); 5] = [
            ("sample", sample),
            ("train", train),
            ("likelihood", likelihood),
            (TABLE_STAGE, table),
            (FIGURE_STAGE, draw),
        ];
        let stages = toys().into_iter().zip(acts).map(|(toy, (name, act))| {
            assert_eq!(toy.name, name);
            ToyStage::new(toy, act)
        });
        let folder = TempDir::new().unwrap();
        Self {
            root: folder.path().to_owned(),
            _folder: folder,
            stages: stages.collect(),
            temperatures: vec![0.4, 0.5],
            latents: vec![2, 3],
            threads: 2,
            keep_going: false,
            refused: BTreeMap::new(),
            only: Vec::new(),
            force: Vec::new(),
            cancel: AtomicBool::new(false),
        }
    }

    /// Lets `stage` do something else.
    pub(super) fn acting(
        mut self,
        stage: &str,
        act: impl Fn(&TaskContext<'_>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        let found = self.stages.iter_mut().find(|s| s.name() == stage);
        found.unwrap().act = Box::new(act);
        self
    }

    /// Lets `stage` do `first` and then what it always does.
    pub(super) fn before(
        mut self,
        stage: &str,
        first: impl Fn(&TaskContext<'_>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        let found = self.stages.iter_mut().find(|s| s.name() == stage).unwrap();
        let usual = std::mem::replace(&mut found.act, Box::new(|_| Ok(())));
        found.act = Box::new(move |task| {
            first(task)?;
            usual(task)
        });
        self
    }

    pub(super) fn store(&self) -> Store {
        Store::open(&self.root.join(".store")).unwrap()
    }

    pub(super) fn results(&self) -> Results {
        Results::open(&self.root, "toy").unwrap()
    }

    pub(super) fn plan(&self) -> Plan {
        let points = points(&self.temperatures, &self.latents, 1);
        build(&points, &self.definitions(), &[figure()]).unwrap()
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted::parse(&self.plan(), &self.only, &self.force).unwrap()
    }

    pub(super) fn assess(&self) -> Assessment {
        assess(&self.plan(), &self.store(), &self.wanted()).unwrap()
    }

    /// Why each task that runs does, by label, as `plan --explain` tells it.
    pub(super) fn explain(&self) -> BTreeMap<String, Explanation> {
        let plan = self.plan();
        let store = Store::open_existing(&self.root.join(".store")).unwrap();
        let definitions = self.definitions();
        let found = explain(&plan, &self.assess(), &store, &definitions).unwrap();
        let named = found
            .into_iter()
            .map(|found| (plan.tasks[found.task].label.clone(), found));
        named.collect()
    }

    fn definitions(&self) -> Vec<&dyn StageDefinition> {
        let stages = self.stages.iter();
        stages.map(|stage| stage as &dyn StageDefinition).collect()
    }

    /// Runs the plan as a new process would, and publishes.
    pub(super) fn run(&self) -> Done {
        let (plan, store, results) = (self.plan(), self.store(), self.results());
        let stages: Vec<&dyn Stage> = self
            .stages
            .iter()
            .map(|stage| stage as &dyn Stage)
            .collect();
        let refused = plan.tasks.iter();
        let refused =
            refused.filter_map(|task| Some((task.id, self.refused.get(&task.label)?.clone())));
        let options = RunOptions {
            threads: self.threads,
            keep_going: self.keep_going,
            refused: refused.collect(),
            wanted: self.wanted(),
        };
        let mut events = Vec::new();
        let mut listen = |event| events.push(event);
        let summary = run(
            &plan,
            &stages,
            &store,
            &results,
            &options,
            &self.cancel,
            &mut listen,
        )
        .unwrap();
        let published = results
            .publish(&plan, &store, &provenance(), &summary)
            .unwrap();
        Done {
            summary,
            published,
            events,
        }
    }

    /// Asks for the same in a folder of its own, with nothing stored.
    pub(super) fn fresh_table(&self) -> Vec<u8> {
        let fresh = Self {
            temperatures: self.temperatures.clone(),
            latents: self.latents.clone(),
            threads: 1,
            ..Self::new()
        };
        assert!(fresh.run().summary.complete());
        fresh.table()
    }

    pub(super) fn table(&self) -> Vec<u8> {
        fs::read(self.table_path()).unwrap()
    }

    pub(super) fn table_path(&self) -> PathBuf {
        self.root.join("toy/tables/likelihood.parquet")
    }

    /// How often tasks of `stage` have run so far.
    pub(super) fn runs(&self, stage: &str) -> usize {
        let found = self.stages.iter().find(|s| s.name() == stage).unwrap();
        found.runs.lock().unwrap().len()
    }

    /// Folder of the entry of the first task whose label starts with `label`.
    pub(super) fn entry(&self, label: &str) -> PathBuf {
        let (plan, stages) = (self.plan(), self.root.join(".store/v1"));
        let task = plan.tasks.iter().find(|t| t.label.starts_with(label));
        let task = task.unwrap();
        stages.join(&task.stage).join(task.key.as_str())
    }

    /// Key of the first task whose label starts with `label`.
    pub(super) fn key(&self, label: &str) -> Key {
        let plan = self.plan();
        let task = plan.tasks.iter().find(|t| t.label.starts_with(label));
        task.unwrap().key.clone()
    }

    pub(super) fn stop(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

impl Done {
    /// Number of events of the kind that `which` picks.
    pub(super) fn count(&self, which: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| which(event)).count()
    }
}

pub(super) fn provenance() -> Provenance {
    Provenance {
        experiment: "toy".to_owned(),
        title: "A toy".to_owned(),
        seed: 7,
        manifest_path: PathBuf::from("toy.toml"),
        manifest_blake3: "00".repeat(32),
        command_line: vec!["latentfield".to_owned(), "run".to_owned()],
        threads: 2,
        expanded_manifest: "[experiment]\n".to_owned(),
        ..Provenance::default()
    }
}

/// A stage `name` without inputs that writes `value`.
pub(super) fn constant(name: &'static str, value: i64) -> ToyStage {
    let ask = move |_: &Point| Some(Request::new(json!({ "value": value })));
    ToyStage::new(Toy::new(name, ask), move |task| {
        task.write("value", value.to_string().as_bytes())
    })
}
