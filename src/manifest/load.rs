//! Loads a manifest: layers, sections, sweep, points.

use std::path::PathBuf;

use super::analysis::{self, AnalysisSection};
use super::catalogue::TOP_KEYS;
use super::experiment::{self, ExperimentSection};
use super::group::{Group, read_model, read_recording, read_vae};
use super::layers::Layers;
use super::node::{Node, Place, Value, quoted};
use super::plot::{self, Catalogue, LEADING_COLUMNS};
use super::problem::Problems;
use super::report::{Layer, Message, Report};
use super::section::Section;
use super::sources::Sources;
use super::spec::{Axis, Machine, Manifest, Point, Scalar, System};
use super::sweep::Sweep;
use super::vae::VaeSection;
use super::{between, expanded, memory, overrides, parse, points, sweep};

/// Layer number of the manifest's own text.
const MANIFEST: usize = 0;

/// Keys that belong to the machine, not to the experiment.
const MACHINE_KEYS: [&str; 2] = ["threads", "store"];

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
    report.add_layer(Layer::File {
        path: &sources.path,
        text: &sources.text,
    });
    let user_layer = sources
        .user_file
        .as_ref()
        .map(|(path, text)| (report.add_layer(Layer::File { path, text }), text));
    let overrides = overrides::read(sources, &mut report);
    let user = user_layer.and_then(|(layer, text)| {
        let node = parse::document(text, layer, &report)?;
        Some(machine_keys_only(node, &report))
    });
    let Some(manifest) = parse::document(&sources.text, MANIFEST, &report) else {
        return Err(report.finish());
    };
    let layers = Layers {
        files: user.into_iter().chain([manifest]).collect(),
        overrides,
    };
    let merged = layers.merge();
    match assemble(&report, &merged, sources, catalogue) {
        Some(manifest) if report.len() == 0 => Ok(take(manifest, &merged, &report)),
        _ => Err(report.finish()),
    }
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
                    expected: "`threads` or `store.path`, which belong to the machine".to_owned(),
                    help: Some("everything else belongs into the manifest".to_owned()),
                };
                report.push(entry.key_place, message);
            }
            allowed
        });
    }
    user
}

fn assemble(
    report: &Report<'_>,
    merged: &Node,
    sources: &Sources,
    catalogue: Catalogue<'_>,
) -> Option<Manifest> {
    let root = Section::root(report, merged);
    let known: Vec<&str> = TOP_KEYS.iter().chain(&MACHINE_KEYS).copied().collect();
    root.allow_only(&known);
    let machine = machine(&root);
    let experiment = experiment::read(&root.table_or_empty("experiment"));
    let sweep = sweep::read(&root);
    let names = axis_names(&sweep, catalogue);
    let source = source(&root, &sweep);
    let analysis = analysis::read(&root.table_or_empty("analysis"));
    let plots = plot::read(&root, catalogue, &names);
    let replicates = experiment.as_ref().map_or(1, |it| it.replicates);
    let combinations = points::combinations(&root, &sweep, replicates as usize);
    let expanded = combinations.is_some();
    let combinations = combinations.unwrap_or_else(|| points::one_at_a_time(&sweep));
    let parts = parts(&root, &sweep, source, &combinations);
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
    let parts = parts?;
    let mut manifest = Manifest {
        path: sources.path.clone(),
        axes: axes(&sweep, &names, &combinations, &parts),
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

fn machine(root: &Section<'_>) -> Machine {
    let threads = root.count("threads", 1..=4096);
    let store = root.table_or_empty("store");
    store.allow_only(&["path"]);
    for (section, key) in [(root, "threads"), (&store, "path")] {
        let misplaced = section
            .find(key)
            .filter(|entry| entry.node.place.layer == MANIFEST);
        if let Some(entry) = misplaced {
            let help = "set it in `latentfield.toml` of the user's configuration folder, in the \
                        environment (`LATENTFIELD_THREADS`, `LATENTFIELD_STORE__PATH`) or by `--set`";
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
    Machine {
        threads,
        store_path: store_path.filter(|path| *path != PathBuf::new()),
    }
}

/// Names of the axes' columns: the last key, or the full path where that is taken.
fn axis_names(sweep: &Sweep<'_>, catalogue: Catalogue<'_>) -> Vec<String> {
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
fn source(root: &Section<'_>, sweep: &Sweep<'_>) -> Option<Source> {
    let place = |table: &str| -> Option<Place> {
        let prefix = format!("{table}.");
        let mut swept = sweep.axes.iter();
        let swept = swept.find(|axis| axis.path.starts_with(&prefix));
        let written = root.find(table).map(|entry| entry.key_place);
        written.or(swept.map(|axis| axis.written.place))
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
    /// In axis order.
    scalars: Vec<Scalar>,
}

/// Reads the tables of all combinations; `None` if anything is wrong with one.
fn parts(
    root: &Section<'_>,
    sweep: &Sweep<'_>,
    source: Option<Source>,
    combinations: &[Vec<usize>],
) -> Option<Vec<Parts>> {
    let mut systems = source.map(|source| match source {
        Source::Model => Group::new(&["model", "sampling"], root, sweep, read_model),
        Source::Recording => Group::new(&["recording"], root, sweep, read_recording),
    });
    let mut vaes = Group::new(&["vae"], root, sweep, read_vae);
    let report = root.report;
    let mut all = Some(Vec::new());
    for combination in combinations {
        let system = systems.as_mut().and_then(|it| it.at(report, combination));
        let vae = vaes.at(report, combination);
        match (&mut all, system, vae) {
            (Some(all), Some(system), Some(vae)) => {
                let mut scalars = [system.scalars, vae.scalars].concat();
                scalars.sort_by_key(|(axis, _)| *axis);
                all.push(Parts {
                    system: system.value,
                    vae: vae.value,
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

/// The axes, each with the values that occur, in the order of the sweep.
fn axes(
    sweep: &Sweep<'_>,
    names: &[String],
    combinations: &[Vec<usize>],
    parts: &[Parts],
) -> Vec<Axis> {
    let axis = |(position, swept): (usize, &sweep::SweptKey<'_>)| {
        let mut values: Vec<Option<&Scalar>> = vec![None; swept.values.len()];
        for (combination, part) in combinations.iter().zip(parts) {
            values[combination[position]] = Some(&part.scalars[position]);
        }
        Axis {
            path: swept.path.clone(),
            name: names[position].clone(),
            values: values.into_iter().flatten().cloned().collect(),
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
