//! Loads a manifest: layers, sections, sweep, points.

use std::collections::HashMap;
use std::path::PathBuf;

use super::analysis::{self, AnalysisSection};
use super::catalogue::TOP_KEYS;
use super::experiment::{self, ExperimentSection};
use super::extend::{self, Extended};
use super::group::{Group, read_model, read_recording, read_vae};
use super::layers::Layers;
use super::node::{Node, Place, Value, quoted};
use super::overrides::{self, Override};
use super::plot::{self, Catalogue, LEADING_COLUMNS};
use super::point_table::{self, Tables};
use super::points::{self, Combination};
use super::problem::Problems;
use super::report::{Layer, Message, Report};
use super::section::Section;
use super::sources::Sources;
use super::spec::{Axis, CodeInKeys, Machine, Manifest, Point, Scalar, System};
use super::sweep::{self, Sweep};
use super::vae::VaeSection;
use super::{between, cluster, expanded, memory, parse};

/// Layer number of the manifest's own text.
const MANIFEST: usize = 0;

/// Keys that belong to the machine, not to the experiment.
const MACHINE_KEYS: [&str; 3] = ["threads", "store", "cluster"];

/// Most threads.
pub(super) const MOST_THREADS: u32 = 4096;

/// Keys of `[store]`.
pub(super) const STORE_KEYS: &[&str] = &["path", "code"];

/// The words of `store.code`.
pub(super) const CODE_WORDS: [(&str, CodeInKeys); 2] = [
    ("digest", CodeInKeys::Digest),
    ("version", CodeInKeys::Version),
];

/// Keys that say something of the file that they stand in; neither `--set` nor the
/// environment may give them.
pub const FILE_KEYS: [&str; 2] = ["extend", "required-version"];

/// Problems beside which no other counts.
const VERSION_CODES: [&str; 2] = ["manifest::required_version", "manifest::bad_version"];

/// Loads a manifest; `catalogue` names the tables and columns that plots may use.
///
/// The result depends on the arguments only.
///
/// # Errors
///
/// All [`Problems`] at once: of syntax, keys, types, ranges, words, rules
/// between keys, the sweep, the plots, and the memory that a point needs.
pub fn load(sources: &Sources, catalogue: Catalogue<'_>) -> Result<Manifest, Problems> {
    load_with(sources, catalogue, |manifest, _, _| manifest)
}

/// Loads a manifest and hands it on, with the merged layers and what knows their places.
///
/// # Errors
///
/// As [`load`].
pub(super) fn load_with<T>(
    sources: &Sources,
    catalogue: Catalogue<'_>,
    take: impl FnOnce(Manifest, &Node, &Report<'_>) -> T,
) -> Result<T, Problems> {
    let mut report = Report::new(&sources.current_dir);
    let files = Files::new(sources, &mut report);
    let tables = Tables::new(sources, &mut report);
    let overrides = overrides::read(sources, &mut report);
    let Some(merged) = files.merged(sources, overrides, &report) else {
        return Err(report.finish());
    };
    let context = Context {
        sources,
        catalogue,
        tables: &tables,
        user_layer: files.user_layer,
    };
    match assemble(&report, &merged, &context) {
        Some(manifest) if report.len() == 0 => Ok(take(manifest, &merged, &report)),
        _ => Err(report.finish()),
    }
}

/// Reads what belongs to the machine, where there is no manifest ([`Sources::of_machine`]).
///
/// # Errors
///
/// All [`Problems`] at once of the user file, the environment and `--set`.
pub fn load_machine(sources: &Sources) -> Result<Machine, Problems> {
    let mut report = Report::new(&sources.current_dir);
    let files = Files::new(sources, &mut report);
    let overrides = overrides::read(sources, &mut report);
    let Some(merged) = files.merged(sources, overrides, &report) else {
        return Err(report.finish());
    };
    let machine = machine(&Section::root(&report, &merged), files.user_layer);
    if report.len() == 0 {
        Ok(machine)
    } else {
        Err(report.finish())
    }
}

/// Paths of the tables of points that the sweep of a manifest names.
///
/// Whatever is wrong with the manifest is told when it is loaded.
pub(super) fn table_paths(sources: &Sources) -> Vec<PathBuf> {
    let mut report = Report::new(&sources.current_dir);
    let files = Files::new(sources, &mut report);
    let overrides = overrides::read(sources, &mut report);
    let merged = files.merged(sources, overrides, &report);
    merged.map_or_else(Vec::new, |merged| point_table::paths(&report, &merged))
}

/// The layers that are files.
struct Files {
    user_layer: Option<usize>,
    extended: Extended,
}

impl Files {
    /// Adds a layer for each file; the manifest itself is the first.
    fn new<'a>(sources: &'a Sources, report: &mut Report<'a>) -> Self {
        report.add_layer(Layer::File {
            path: &sources.path,
            text: &sources.text,
        });
        let user = sources.user_file.as_ref();
        Self {
            user_layer: user.map(|(path, text)| report.add_layer(Layer::File { path, text })),
            extended: Extended::new(sources, report),
        }
    }

    /// All layers laid over one another; `None` if a file cannot be used.
    ///
    /// A version that is not this program's comes before any other problem: the rest
    /// may be sound for that version.
    fn merged(
        &self,
        sources: &Sources,
        overrides: Vec<Override>,
        report: &Report<'_>,
    ) -> Option<Node> {
        let before = report.len();
        let manifest = parse::document(&sources.text, MANIFEST, report);
        let extended = manifest
            .as_ref()
            .and_then(|manifest| self.extended.documents(sources, manifest, report));
        let documents = extended.iter().flatten().chain(&manifest);
        let fitting = documents.map(|document| extend::check_version(document, report));
        if fitting.filter(|fits| !fits).count() > 0 {
            report.retain_after(before, |it| VERSION_CODES.contains(&it.code));
            return None;
        }
        let user = sources.user_file.as_ref().zip(self.user_layer);
        let user = user.and_then(|((_, text), layer)| {
            let node = parse::document(text, layer, report)?;
            Some(machine_keys_only(node, report))
        });
        let files = user.into_iter().chain(extended?).chain(manifest);
        Some(
            Layers {
                files: files.collect(),
                overrides,
            }
            .merge(),
        )
    }
}

/// What is known beside the merged tables.
struct Context<'a> {
    sources: &'a Sources,
    catalogue: Catalogue<'a>,
    tables: &'a Tables<'a>,
    user_layer: Option<usize>,
}

/// Refuses keys of the user file that belong into a manifest.
fn machine_keys_only(mut user: Node, report: &Report<'_>) -> Node {
    if let Value::Table(entries) = &mut user.value {
        entries.retain(|entry| {
            let allowed = MACHINE_KEYS.contains(&entry.key.as_str());
            if !allowed {
                let message = Message {
                    code: "manifest::misplaced_key",
                    key: entry.key.clone(),
                    found: format!("the key {}", quoted(&entry.key)),
                    expected: "`threads`, `store.path`, `store.code` or `cluster`, which belong \
                               to the machine"
                        .to_owned(),
                    help: Some("everything else belongs into the manifest".to_owned()),
                };
                report.push(entry.key_place, message);
            }
            allowed
        });
    }
    user
}

fn assemble(report: &Report<'_>, merged: &Node, context: &Context<'_>) -> Option<Manifest> {
    let (sources, catalogue) = (context.sources, context.catalogue);
    let root = Section::root(report, merged);
    let known: Vec<&str> = TOP_KEYS.iter().chain(&MACHINE_KEYS).copied().collect();
    root.allow_only(&known);
    refuse_from_outside(&root);
    let machine = machine(&root, context.user_layer);
    let experiment = experiment::read(&root.table_or_empty("experiment"));
    let sweep = sweep::read(&root, context.tables);
    let names = axis_names(&sweep, catalogue);
    let source = source(&root, &sweep);
    let analysis = analysis::read(&root.table_or_empty("analysis"));
    let plots = plot::read(&root, catalogue, &names);
    let replicates = experiment.as_ref().map_or(1, |it| it.replicates);
    let combinations = points::combinations(&root, &sweep, replicates as usize);
    let expanded = combinations.is_some();
    let combinations = combinations.unwrap_or_else(|| points::one_at_a_time(&sweep));
    let parts = parts(&root, &sweep, source, combinations);
    if let Some(parts) = &parts {
        let systems: Vec<&System> = parts.iter().map(|part| &part.system).collect();
        between::check_analyses(&root, &systems);
        between::check_information(&root, &analysis, &systems);
        between::check_models(&root, &analysis, &systems);
        let fresh = parts.iter().filter(|part| part.vae.training.fresh_samples);
        between::check_fresh_samples(&root, fresh.map(|part| &part.system));
    }
    if !expanded || report.len() > 0 {
        return None;
    }
    let experiment = experiment?;
    let mut parts = parts?;
    once(&mut parts);
    of_one_kind(&mut parts, sweep.axes.len());
    let mut manifest = Manifest {
        path: sources.path.clone(),
        axes: axes(&sweep, &names, &parts),
        points: points(&experiment, &analysis, &names, &parts),
        experiment,
        plots,
        machine,
        expanded: String::new(),
    };
    check_memory(&root, &manifest, sources.memory_limit);
    manifest.expanded = expanded::text(&manifest, &root, &sweep);
    Some(manifest)
}

/// Reports keys that say what a file is, and so stand in a file.
fn refuse_from_outside(root: &Section<'_>) {
    let outside = |key: &&&str| {
        let entry = root.find(key);
        entry.is_some_and(|entry| root.report.is_override(&entry.node))
    };
    for key in FILE_KEYS.iter().filter(outside) {
        root.conflict(key, "it in a manifest only", None);
    }
}

fn machine(root: &Section<'_>, user_layer: Option<usize>) -> Machine {
    let threads = root.count("threads", 1..=MOST_THREADS);
    let store = root.table_or_empty("store");
    store.allow_only(STORE_KEYS);
    let keys = [
        (root, "threads"),
        (&store, "path"),
        (&store, "code"),
        (root, "cluster"),
    ];
    for (section, key) in keys {
        let misplaced = section
            .find(key)
            .filter(|entry| !root.report.is_override(&entry.node))
            .filter(|entry| Some(entry.node.place.layer) != user_layer);
        if let Some(entry) = misplaced {
            let help = "set it in `latentfield.toml` of the user's configuration folder, in the \
                        environment (`LATENTFIELD_THREADS`, `LATENTFIELD_STORE__PATH`, \
                        `LATENTFIELD_STORE__CODE`) or by `--set`";
            section.report.push(
                entry.key_place,
                Message {
                    code: "manifest::misplaced_key",
                    key: section.key(key),
                    found: entry.node.describe(),
                    expected: "no such key in a manifest: it belongs to the machine".to_owned(),
                    help: Some(help.to_owned()),
                },
            );
        }
    }
    let store_path = store.text("path").and_then(|text| {
        let place = store.find("path")?.node.place;
        Some(store.report.folder(place).join(text))
    });
    let code = store.word("code", &CODE_WORDS);
    Machine {
        threads,
        code: code.unwrap_or_default(),
        store_path: store_path.filter(|path| *path != PathBuf::new()),
        clusters: cluster::read(root),
    }
}

/// Names of the axes' columns: the last key, or the full path where that is taken.
fn axis_names(sweep: &Sweep, catalogue: Catalogue<'_>) -> Vec<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let lasts: Vec<String> = sweep.axes.iter().map(|axis| last(&axis.path)).collect();
    let taken = |name: &str| {
        LEADING_COLUMNS.contains(&name)
            || catalogue.iter().any(|(_, columns)| columns.contains(&name))
            || lasts.iter().filter(|other| *other == name).count() > 1
    };
    let names = sweep.axes.iter().zip(&lasts);
    names
        .map(|(axis, last)| {
            if taken(last) {
                axis.path.clone()
            } else {
                last.clone()
            }
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Model,
    Recording,
}

/// Whether configurations come from a model or a recording; exactly one must be there.
fn source(root: &Section<'_>, sweep: &Sweep) -> Option<Source> {
    let place = |table: &str| -> Option<Place> {
        let prefix = format!("{table}.");
        let mut swept = sweep.axes.iter();
        let swept = swept.find(|axis| axis.path.starts_with(&prefix));
        let written = root.find(table).map(|entry| entry.key_place);
        written.or(swept.map(|axis| axis.place))
    };
    let recording = place("recording").is_some();
    if !recording {
        if place("model").is_some() {
            return Some(Source::Model);
        }
        root.report.push(
            root.place,
            Message {
                code: "manifest::missing_key",
                key: "model".to_owned(),
                found: "neither `[model]` nor `[recording]`".to_owned(),
                expected: "one of them".to_owned(),
                help: None,
            },
        );
        return None;
    }
    for table in ["model", "sampling"] {
        if let Some(place) = place(table) {
            let message = Message {
                code: "manifest::conflict",
                key: table.to_owned(),
                found: format!("`{table}` beside `recording`"),
                expected: "either a recording, or a model with its sampling".to_owned(),
                help: Some(format!("leave out `{table}` or `recording`")),
            };
            root.report.push(place, message);
        }
    }
    Some(Source::Recording)
}

/// System, network and swept values of one combination.
struct Parts {
    system: System,
    vae: VaeSection,
    combination: Combination,
    /// In axis order.
    scalars: Vec<Scalar>,
}

/// Reads the tables of all combinations; `None` if anything is wrong with one.
fn parts(
    root: &Section<'_>,
    sweep: &Sweep,
    source: Option<Source>,
    combinations: Vec<Combination>,
) -> Option<Vec<Parts>> {
    let mut systems = source.map(|source| match source {
        Source::Model => Group::new(&["model", "sampling"], root, sweep, read_model),
        Source::Recording => Group::new(&["recording"], root, sweep, read_recording),
    });
    let mut vaes = Group::new(&["vae"], root, sweep, read_vae);
    let report = root.report;
    let mut all = Some(Vec::new());
    for combination in combinations {
        let system = systems.as_mut().and_then(|it| it.at(report, &combination));
        let vae = vaes.at(report, &combination);
        match (&mut all, system, vae) {
            (Some(all), Some(system), Some(vae)) => {
                let mut scalars = [system.scalars, vae.scalars].concat();
                scalars.sort_by_key(|(axis, _)| *axis);
                all.push(Parts {
                    system: system.value,
                    vae: vae.value,
                    combination,
                    scalars: scalars.into_iter().map(|(_, scalar)| scalar).collect(),
                });
            }
            _ => all = None,
        }
    }
    if let Some(systems) = &systems {
        systems.check_replaced(report);
    }
    vaes.check_replaced(report);
    all
}

/// Keeps the first of equal points: a default may equal a value of the sweep.
fn once(all: &mut Vec<Parts>) {
    if all.iter().all(|part| !part.combination.contains(&None)) {
        return;
    }
    let mut seen: HashMap<String, Vec<System>> = HashMap::new();
    all.retain(|part| {
        let same_values = seen.entry(format!("{:?}", part.scalars)).or_default();
        let new = !same_values.contains(&part.system);
        if new {
            same_values.push(part.system.clone());
        }
        new
    });
}

/// Makes the values of each axis be of one kind, as a column of a table is.
fn of_one_kind(all: &mut [Parts], axes: usize) {
    for axis in 0..axes {
        let values = || all.iter().map(|part| &part.scalars[axis]);
        let numbers = |it: &Scalar| matches!(it, Scalar::Integer(_) | Scalar::Number(_));
        let any = |kind: fn(&Scalar) -> bool| values().any(kind);
        let texts = any(|it| matches!(it, Scalar::Text(_)));
        let flags = any(|it| matches!(it, Scalar::Flag(_)));
        let missing = any(|it| matches!(it, Scalar::Missing));
        let reals = any(|it| matches!(it, Scalar::Number(_)));
        let mixed = flags && (missing || values().any(numbers));
        for part in &mut *all {
            let value = &mut part.scalars[axis];
            match value {
                Scalar::Text(_) => {}
                _ if texts || mixed => *value = Scalar::Text(value.to_string()),
                Scalar::Integer(integer) if missing || reals => {
                    *value = Scalar::Number(*integer as f64);
                }
                _ => {}
            }
        }
    }
}

fn points(
    experiment: &ExperimentSection,
    analysis: &AnalysisSection,
    names: &[String],
    parts: &[Parts],
) -> Vec<Point> {
    let replicates = experiment.replicates;
    let numbered = parts
        .iter()
        .flat_map(|part| (0..replicates).map(move |r| (part, r)));
    numbered
        .enumerate()
        .map(|(index, (part, replicate))| Point {
            index,
            replicate,
            seed: experiment.seed,
            coordinates: names.iter().cloned().zip(part.scalars.clone()).collect(),
            system: part.system.clone(),
            vae: part.vae.clone(),
            analysis: analysis.clone(),
        })
        .collect()
}

/// The axes, each with the values that occur, in the order of the sweep; those that are
/// no values of the sweep come last.
fn axes(sweep: &Sweep, names: &[String], parts: &[Parts]) -> Vec<Axis> {
    let axis = |(position, swept): (usize, &sweep::SweptKey)| {
        let mut values: Vec<Option<&Scalar>> = vec![None; swept.values.len()];
        let mut further: Vec<&Scalar> = Vec::new();
        for part in parts {
            let scalar = &part.scalars[position];
            match part.combination[position] {
                Some(choice) => values[choice as usize] = Some(scalar),
                None if !further.contains(&scalar) => further.push(scalar),
                None => {}
            }
        }
        let mut values: Vec<&Scalar> = values.into_iter().flatten().collect();
        further.retain(|scalar| !values.contains(scalar));
        values.extend(further);
        Axis {
            path: swept.path.clone(),
            name: names[position].clone(),
            values: values.into_iter().cloned().collect(),
        }
    };
    sweep.axes.iter().enumerate().map(axis).collect()
}

fn check_memory(root: &Section<'_>, manifest: &Manifest, limit: Option<u64>) {
    let needed = memory::memory_estimate(manifest);
    let Some(limit) = limit.filter(|limit| needed > *limit) else {
        return;
    };
    let tables = ["sampling", "model", "recording"];
    let table = tables.iter().find_map(|table| root.find(table));
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    root.report.push(
        table.map_or(root.place, |table| table.key_place),
        Message {
            code: "manifest::memory",
            key: String::new(),
            found: format!(
                "a point that needs about {} MiB of memory",
                mebibytes(needed)
            ),
            expected: format!("at most {} MiB, which this machine has", limit >> 20),
            help: Some("use fewer samples or sites, narrower layers or a smaller batch".to_owned()),
        },
    );
}
