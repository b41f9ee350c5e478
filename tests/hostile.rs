//! Hostile input: manifests and data files, broken at random a hundred thousand times.
//!
//! An execution may not panic, may not take longer than [`LONGEST`], and may not hold more
//! memory than its input justifies: `c` bytes a byte of input and `k` beside them, both given
//! with each target and why. The allocator counts for all threads of the process, so the
//! executions run one after another. Every execution follows from its number:
//! `LATENTFIELD_TEST_EXECUTIONS` asks for more of them, `LATENTFIELD_TEST_FIRST` begins at
//! another.
//!
//! The same targets stand in `fuzz/` for a fuzzer that is guided by coverage.

#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "hostile/mutate.rs"]
mod mutate;
#[path = "hostile/stored.rs"]
mod stored;
#[path = "hostile/targets.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use latentfield::manifest::MOST_CELLS;
use peak_alloc::PeakAlloc;

use mutate::{Random, mutant};
use targets::{Answer, no_parquet};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Executions where nobody asks for more.
const EXECUTIONS: u64 = 100_000;

/// Longest time of one execution. The slowest honest input, a sweep of 100,000 points, takes
/// about a second on an idle core; CI machines are shared.
const LONGEST: Duration = Duration::from_secs(20);

/// After this time an execution is taken to hang, and the process is ended.
const HANGS: Duration = Duration::from_mins(2);

/// Held by each test: the allocator counts what all threads do.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// One execution.
type Run = Box<dyn Fn(&[u8]) -> Answer>;

/// What is attacked, and the memory that it may take.
struct Target {
    name: &'static str,
    corpus: Vec<Vec<u8>>,
    run: Run,
    /// Share of the executions.
    weight: usize,
    /// Bytes of memory a byte of input.
    c: usize,
    /// Bytes of memory beside them.
    k: usize,
    /// Bytes of memory a point.
    q: usize,
}

const MIB: usize = 1 << 20;

fn targets() -> Vec<Target> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = |name, corpus, run, weight, c, k| Target {
        name,
        corpus,
        run,
        weight,
        c,
        k,
        q: 0,
    };
    // The folder's documentation promises twenty times the file, and 1 MiB is for tables that
    // readers keep. What is inflated may be 1032 times the file.
    let (plain, inflated) = (20, 20 * 1032);
    // A recording of 10 s in bins of 20 ms has at most 500 bins of at most 100,000 cells.
    let ten_seconds = Some(10.0);
    // Without a length, spikes that lie far apart may make bits of 2 GiB, as documented.
    let two_gib = 2048 * MIB;
    let mut all = vec![
        Target {
            // A range of 30 bytes makes 100,000 values, and ranges may make `MOST_CELLS` in
            // all. A value is held in the list that is read and in the axis, 56 bytes each
            // time, and with the text that tells it apart: 187 bytes in the test below, and
            // 256 with numbers of more digits.
            q: 8 * 1024,
            ..target(
                "manifest",
                corpus::manifests(root),
                Box::new(targets::manifest),
                40,
                2_000,
                256 * MOST_CELLS + MIB,
            )
        },
        target(
            "mat",
            corpus::matlab(),
            Box::new(|b| targets::binned(b, "mat", &no_parquet)),
            10,
            inflated,
            MIB,
        ),
        target(
            "npy",
            corpus::npy(),
            Box::new(|b| targets::binned(b, "npy", &no_parquet)),
            10,
            plain,
            MIB,
        ),
        target(
            "csv",
            corpus::text(),
            Box::new(|b| targets::binned(b, "csv", &no_parquet)),
            10,
            plain,
            MIB,
        ),
    ];
    for (name, extension, corpus) in [
        ("mat spikes", "mat", corpus::matlab()),
        ("npy spikes", "npy", corpus::npy()),
        ("csv spikes", "csv", corpus::text()),
    ] {
        let c = if extension == "mat" {
            inflated
        } else {
            10 * plain
        };
        let run = move |bytes: &[u8]| targets::spikes(bytes, extension, ten_seconds, &no_parquet);
        all.push(target(name, corpus, Box::new(run), 5, c, 8 * MIB));
    }
    let open = |bytes: &[u8]| targets::spikes(bytes, "csv", None, &no_parquet);
    all.push(target(
        "csv spikes without a length",
        corpus::text(),
        Box::new(open),
        2,
        10 * plain,
        two_gib + 8 * MIB,
    ));
    all.extend(stored::targets());
    all
}

/// The number in a variable, if it is set.
fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var_os(name)?;
    let text = text.to_string_lossy();
    let number = text.replace('_', "").parse();
    Some(
        number.unwrap_or_else(|error| panic!("{name}: found `{text}`, expected a number: {error}")),
    )
}

/// Ends the process if an execution does not come back, and says which it was.
#[expect(clippy::print_stderr, reason = "the process ends, and says why")]
fn watch(current: &'static AtomicU64) {
    std::thread::spawn(move || {
        let mut seen = (u64::MAX, Instant::now());
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let number = current.load(Ordering::Relaxed);
            if number != seen.0 {
                seen = (number, Instant::now());
            } else if seen.1.elapsed() > HANGS && number != u64::MAX {
                eprintln!(
                    "execution {number} hangs: LATENTFIELD_TEST_FIRST={number} begins with it"
                );
                std::process::abort();
            }
        }
    });
}

/// The target and input of an execution.
fn input(targets: &[Target], number: u64) -> (&Target, Vec<u8>) {
    let mut random = Random(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let total: usize = targets.iter().map(|target| target.weight).sum();
    let mut chosen = random.below(total);
    let fits = |target: &&Target| match chosen.checked_sub(target.weight) {
        Some(rest) => {
            chosen = rest;
            false
        }
        None => true,
    };
    let target = targets.iter().find(fits).expect("a target");
    (target, mutant(&target.corpus, &mut random))
}

/// What an execution did wrong, its answer, time and memory. What is slow on a busy machine has
/// two more tries: a hang hangs each time.
fn execute(target: &Target, bytes: &[u8]) -> (Option<String>, Answer, Duration, usize) {
    let tries = (0..3).map(|_| once(target, bytes));
    let mut last = None;
    for tried in tries {
        let slow = tried.2 > LONGEST;
        last = Some(tried);
        if !slow {
            break;
        }
    }
    last.expect("a try")
}

fn once(target: &Target, bytes: &[u8]) -> (Option<String>, Answer, Duration, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let start = Instant::now();
    let answer = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
    let (time, memory) = (start.elapsed(), MEMORY.peak_usage().saturating_sub(before));
    let Ok(answer) = answer else {
        return (
            Some("it panics".to_owned()),
            Answer::default(),
            time,
            memory,
        );
    };
    let allowed = target.c * bytes.len() + target.k + target.q * answer.points;
    let wrong = if memory > allowed {
        Some(format!(
            "it takes {memory} bytes of memory, expected at most {allowed}"
        ))
    } else if time > LONGEST {
        Some(format!("it takes {time:?}, expected at most {LONGEST:?}"))
    } else {
        None
    };
    (wrong, answer, time, memory)
}

#[derive(Default)]
struct Tally {
    executions: u64,
    accepted: u64,
    memory: usize,
    slowest: Duration,
    total: Duration,
}

#[test]
#[expect(clippy::print_stdout, reason = "`--nocapture` shows the figures")]
fn broken_input_is_answered_in_time_and_within_memory() {
    static CURRENT: AtomicU64 = AtomicU64::new(u64::MAX);
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let targets = targets();
    watch(&CURRENT);
    let first = from_environment("LATENTFIELD_TEST_FIRST").unwrap_or(0);
    let executions = from_environment("LATENTFIELD_TEST_EXECUTIONS").unwrap_or(EXECUTIONS);
    let mut tallies: Vec<Tally> = targets.iter().map(|_| Tally::default()).collect();
    let mut wrong = Vec::new();
    for number in first..first + executions {
        CURRENT.store(number, Ordering::Relaxed);
        let (target, bytes) = input(&targets, number);
        let (problem, answer, time, memory) = execute(target, &bytes);
        let index = targets
            .iter()
            .position(|it| it.name == target.name)
            .expect("known");
        let tally = &mut tallies[index];
        tally.executions += 1;
        tally.accepted += u64::from(answer.accepted);
        tally.memory = tally.memory.max(memory);
        tally.slowest = tally.slowest.max(time);
        tally.total += time;
        if let Some(problem) = problem {
            let shown: String = String::from_utf8_lossy(&bytes).chars().take(2000).collect();
            wrong.push(format!(
                "execution {number}, {}: {problem}\n{shown:?}",
                target.name
            ));
            if wrong.len() == 20 {
                break;
            }
        }
    }
    CURRENT.store(u64::MAX, Ordering::Relaxed);
    for (target, tally) in targets.iter().zip(&tallies) {
        println!(
            "{:28} {:>8} executions, {:>7} accepted, at most {:>10} bytes and {:>8.1} ms; {:.1} s",
            target.name,
            tally.executions,
            tally.accepted,
            tally.memory,
            tally.slowest.as_secs_f64() * 1e3,
            tally.total.as_secs_f64(),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The limit of manifests is met, and can be missed: as many values as a sweep may have, all
/// different, take a good part of it.
#[test]
fn the_most_values_of_a_sweep_come_near_the_limit() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let member = |number: usize| {
        let (start, stop) = (number + 1, number + 2);
        format!(
            "[[sweep.union]]\nmodel.field = {{ start = {start}.000001, stop = {stop}, \
             count = 100000 }}\n"
        )
    };
    let members: String = (0..MOST_CELLS / 100_000).map(member).collect();
    let text = format!(
        "[experiment]\nname = \"x\"\n[model]\nkind = \"hopfield\"\nsites = 6\npatterns = 2\n\
         temperature = 1\n{members}"
    );
    let targets = targets();
    let manifest = targets.iter().find(|target| target.name == "manifest");
    let manifest = manifest.expect("a target");
    let (wrong, answer, _, memory) = execute(manifest, text.as_bytes());
    assert_eq!(wrong, None);
    assert!(!answer.accepted, "a million points");
    assert!(2 * memory > manifest.k, "{memory} of {}", manifest.k);
}

#[test]
fn the_input_that_is_broken_is_valid() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for target in targets() {
        let accepted = target
            .corpus
            .iter()
            .filter(|bytes| (target.run)(bytes).accepted);
        let (accepted, all) = (accepted.count(), target.corpus.len());
        // A format's files are shared by bins and spikes; each takes some of them.
        assert!(
            accepted > 0 && (target.name != "manifest" || 4 * accepted > 3 * all),
            "{}: {accepted} of {all}",
            target.name
        );
    }
}
