//! What the engine itself costs: loading, planning, assessing, running, doing nothing.
//!
//! ```text
//! cargo bench --bench engine            # plans of 1,000, 10,000 and 100,000 tasks
//! cargo bench --bench engine -- 1000    # one size
//! ```
//!
//! Points are loaded from a manifest with as many temperatures as points, the case in
//! which they share least. Each has five tasks: three that follow each other and two
//! read-outs beside the last; three tables gather them. The stages write a few bytes, so
//! that what is left is the engine. Times are those of the processor, since a machine is
//! seldom quiet: of this thread for what one thread does, of the process for a run. Runs
//! sync every file, which takes time but little of the processor; the last size is
//! planned and not run.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use latentfield::engine::{
    Provenance, Results, RunOptions, Stage, StageError, Store, TaskContext, Wanted, assess, run,
};
use latentfield::manifest::{self, Point, Sources};
use latentfield::plan::{self, Plan, Request, StageDefinition, TABLE_STAGE};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

const TASKS_A_POINT: usize = 5;
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// Largest plan that is run.
const LARGEST_RUN: usize = 10_000;

/// Hundredths of a second, in which Linux counts the time of a process.
const TICKS: f64 = 100.0;

fn main() -> Outcome<()> {
    let given: Vec<usize> = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let sizes = if given.is_empty() { &SIZES[..] } else { &given };
    println!("part, tasks, CPU ms, wall ms, CPU us a task, most memory so far in MB");
    for &tasks in sizes {
        measure(tasks)?;
    }
    Ok(())
}

/// All parts at one size.
fn measure(tasks: usize) -> Outcome<()> {
    let sources = Sources {
        text: text(tasks / TASKS_A_POINT),
        ..Sources::default()
    };
    let folder = tempfile::tempdir()?;
    let toys = toys();
    let definitions: Vec<&dyn StageDefinition> = toys.iter().map(|toy| toy as _).collect();
    let clock = Clock::start(thread_seconds);
    let manifest = manifest::load(&sources, &[]).map_err(|problems| format!("{problems:?}"))?;
    clock.stop("load", tasks);
    let clock = Clock::start(thread_seconds);
    let plan = plan::build(&manifest.points, &definitions, &[])?;
    clock.stop("plan", tasks);
    let store = Store::open(folder.path())?;
    let clock = Clock::start(thread_seconds);
    let assessment = assess(&plan, &store, &Wanted::default())?;
    clock.stop("assess, empty store", tasks);
    assert_eq!(assessment.running(), plan.tasks.len());
    if tasks <= LARGEST_RUN {
        let once = |part: &str| -> Outcome<usize> {
            let clock = Clock::start(process_seconds);
            let done = run_all(&plan, &toys, folder.path())?;
            clock.stop(part, tasks);
            Ok(done)
        };
        assert_eq!(once("run")?, plan.tasks.len());
        assert_eq!(once("run, nothing to do")?, 0);
    }
    Ok(())
}

/// One run of a plan as the program does it; the number of tasks that ran.
fn run_all(plan: &Plan, toys: &[Toy], folder: &Path) -> Outcome<usize> {
    let store = Store::open(folder)?;
    let results = Results::open(folder, "results")?;
    let stages: Vec<&dyn Stage> = toys.iter().map(|toy| toy as _).collect();
    let options = RunOptions {
        threads: 2,
        keep_going: false,
        refused: BTreeMap::new(),
        wanted: Wanted::default(),
    };
    let stop = AtomicBool::new(false);
    let summary = run(
        plan,
        &stages,
        &store,
        &results,
        &options,
        &stop,
        &mut |_| {},
    )?;
    results.publish(plan, &store, &provenance(), &summary)?;
    assert!(summary.complete(), "{:?}", summary.failed);
    Ok(summary.done)
}

fn provenance() -> Provenance {
    Provenance {
        experiment: "bench".to_owned(),
        title: "bench".to_owned(),
        seed: 1,
        threads: 2,
        ..Provenance::default()
    }
}

/// A manifest with this many points.
fn text(points: usize) -> String {
    format!(
        "[experiment]\nname = \"bench\"\nseed = 1\n\
         [model]\nkind = \"hopfield\"\nsites = 100\npatterns = 3\n\
         [sampling]\nsamples = 1000\ntest_samples = 100\n\
         [vae]\nlatent = 2\nhidden = [64, 64]\n\
         [sweep]\nmodel.temperature = {{ start = 0.5, stop = 2.0, count = {points} }}\n"
    )
}

/// A stage that writes a digest of what it reads.
struct Toy {
    name: &'static str,
    tables: &'static [&'static str],
    needs: &'static [&'static str],
    parameters: fn(&Point) -> Value,
}

fn toys() -> Vec<Toy> {
    let toy = |name, tables, needs, parameters| Toy {
        name,
        tables,
        needs,
        parameters,
    };
    vec![
        toy(
            "sample",
            &[],
            &[],
            |point| json!({ "system": point.system, "seed": point.seed, "replicate": point.replicate }),
        ),
        toy(
            "train",
            &[],
            &["sample"],
            |point| json!({ "vae": point.vae, "seed": point.seed, "replicate": point.replicate }),
        ),
        toy(
            "likelihood",
            &["likelihood"],
            &["sample", "train"],
            |_| json!({ "importance_samples": 64, "quadrature_samples": 1000 }),
        ),
        toy(
            "statistics",
            &["statistics"],
            &["sample", "train"],
            |_| json!({ "triplet_sites": 20, "vae_samples": 10_000 }),
        ),
        toy(
            "couplings",
            &["couplings"],
            &["sample", "train"],
            |point| json!({ "system": point.system, "bootstrap": 200, "draws": 4096 }),
        ),
        toy(TABLE_STAGE, &[], &[], |_| Value::Null),
    ]
}

impl StageDefinition for Toy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn request(&self, point: &Point) -> Option<Request> {
        if self.name == TABLE_STAGE {
            return None;
        }
        let request = Request::new((self.parameters)(point));
        let needs = self.needs.iter();
        Some(needs.fold(request, |request, stage| request.needing(stage, stage)))
    }

    fn tables(&self) -> &'static [&'static str] {
        self.tables
    }
}

impl Stage for Toy {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let mut hasher = blake3::Hasher::new();
        for role in task.roles() {
            for file in task.files(role) {
                hasher.update(&task.read(role, file)?);
            }
        }
        let digest = hasher.finalize().to_hex();
        let tables: Vec<String> = if self.name == TABLE_STAGE {
            let parameters: plan::TableParameters = task.parameters()?;
            vec![parameters.table]
        } else {
            self.tables.iter().map(|&name| name.to_owned()).collect()
        };
        for table in &tables {
            task.write(&format!("{table}.parquet"), digest.as_bytes())?;
        }
        task.write("digest", digest.as_bytes())
    }
}

/// Measures one part and prints a line.
struct Clock {
    seconds: fn() -> f64,
    processor: f64,
    wall: Instant,
}

impl Clock {
    fn start(seconds: fn() -> f64) -> Self {
        Self {
            seconds,
            processor: seconds(),
            wall: Instant::now(),
        }
    }

    fn stop(self, part: &str, tasks: usize) {
        let wall = 1e3 * self.wall.elapsed().as_secs_f64();
        let processor = 1e3 * ((self.seconds)() - self.processor);
        let each = 1e3 * processor / tasks as f64;
        let memory = peak_megabytes();
        println!("{part}, {tasks}, {processor:.1}, {wall:.1}, {each:.2}, {memory:.0}");
    }
}

/// Processor time of this thread, in seconds; NaN where the system does not say.
fn thread_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
    nanoseconds.map_or(f64::NAN, |nanoseconds: f64| 1e-9 * nanoseconds)
}

/// Processor time of this process and of the system for it, in seconds; NaN where the
/// system does not say.
fn process_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, may hold spaces.
    let fields: Vec<&str> = match text.rsplit_once(')') {
        Some((_, rest)) => rest.split_whitespace().collect(),
        None => return f64::NAN,
    };
    let ticks = |position: usize| {
        fields
            .get(position)
            .and_then(|text| text.parse::<f64>().ok())
    };
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => (user + system) / TICKS,
        _ => f64::NAN,
    }
}

/// The most memory that the process has had; NaN where the system does not say.
fn peak_megabytes() -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.map_or(f64::NAN, |kibibytes| kibibytes * 1024.0 / 1e6)
}
