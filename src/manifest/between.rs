//! Rules between sections: what asks for what.

use super::analysis::{AnalysisSection, ModelsSection, Rival};
use super::model::ModelSection;
use super::report::Message;
use super::section::Section;
use super::spec::System;
use crate::configurations::Unit;

/// What an analysis can be run on.
struct Rule {
    analysis: &'static str,
    fits: fn(&System) -> bool,
    expected: &'static str,
    help: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        analysis: "thermodynamics",
        fits: |system| matches!(system, System::Model { .. }),
        expected: "no such table without a `[model]`",
        help: "leave it out; `statistics` and `likelihood` work for recordings",
    },
    Rule {
        analysis: "couplings",
        fits: |system| match system {
            // Its patterns are not couplings of pairs: other read-outs compare them.
            System::Model { model, .. } => {
                model.is_mean_field() && !matches!(model, ModelSection::GeneralisedHopfield(_))
            }
            System::Recording(_) => false,
        },
        expected: "no such table without a mean-field `[model]` of pairs: `curie_weiss`, `hopfield`, \
                   `maier_saupe` or `planar_nematic`",
        help: "leave it out",
    },
    Rule {
        analysis: "patterns",
        fits: |system| {
            matches!(
                system,
                System::Model {
                    model: ModelSection::Hopfield(_),
                    ..
                }
            )
        },
        expected: "no such table without a `[model]` of kind `hopfield`",
        help: "leave it out; `statistics` and `likelihood` work for recordings",
    },
    Rule {
        analysis: "statistics",
        fits: has_spins,
        expected: "no such table for a model of directors",
        help: "leave it out; `thermodynamics` has the averages of directors",
    },
    Rule {
        analysis: "effective_model",
        fits: has_spins,
        expected: "no such table for a model of directors",
        help: "leave it out; `couplings` reads the theory of directors",
    },
    Rule {
        analysis: "collective_states",
        fits: has_spins,
        expected: "no such table for a model of directors",
        help: "leave it out",
    },
    Rule {
        analysis: "models",
        fits: has_spins,
        expected: "no such table for a model of directors",
        help: "leave it out; the models are those of spins and cells",
    },
];

fn has_spins(system: &System) -> bool {
    match system {
        System::Model { model, .. } => model.unit() == Unit::Spin,
        System::Recording(_) => true,
    }
}

/// Refuses analyses that one of the systems has nothing for.
pub(super) fn check_analyses(root: &Section<'_>, systems: &[&System]) {
    let Some(analysis) = root.table("analysis") else {
        return;
    };
    for rule in RULES {
        if !systems.iter().all(|system| (rule.fits)(system)) {
            analysis.conflict(rule.analysis, rule.expected, Some(rule.help));
        }
    }
}

/// Refuses a verdict without its evidence, and partitions with sites that are not there.
pub(super) fn check_information(
    root: &Section<'_>,
    analysis: &AnalysisSection,
    systems: &[&System],
) {
    let Some(section) = root.table("analysis") else {
        return;
    };
    if analysis.verdict.is_some() {
        for (missing, name) in [
            (analysis.likelihood.is_none(), "likelihood"),
            (analysis.information.is_none(), "information"),
        ] {
            if missing {
                let expected = format!("`[analysis]` with `{name}`, on which the verdict rests");
                let help = format!("add `{name} = {{}}`");
                section.conflict("verdict", &expected, Some(&help));
            }
        }
    }
    let rules = analysis
        .information
        .iter()
        .flat_map(|found| &found.partitions);
    for rule in rules {
        let sizes = systems.iter().filter_map(|system| system.known_sites());
        if let Some(sites) = sizes.into_iter().find(|&sites| !rule.fits(sites)) {
            let expected = format!("sites from 0 to {}, and some that are left out", sites - 1);
            let help = format!("`{rule}` does not cut {sites} sites in two");
            if let Some(table) = section.table("information") {
                table.conflict("partitions", &expected, Some(&help));
            }
        }
    }
}

/// Refuses an analysis without those that it rests on, and models that need what one of
/// the systems has not.
pub(super) fn check_models(root: &Section<'_>, analysis: &AnalysisSection, systems: &[&System]) {
    let Some(section) = root.table("analysis") else {
        return;
    };
    let needs = [
        (
            "effective_model",
            analysis.effective_model.is_some(),
            "likelihood",
            analysis.likelihood.is_some(),
        ),
        (
            "models",
            analysis.models.is_some(),
            "likelihood",
            analysis.likelihood.is_some(),
        ),
        (
            "collective_states",
            analysis.collective_states.is_some(),
            "effective_model",
            analysis.effective_model.is_some(),
        ),
    ];
    for (name, asked, needed, there) in needs {
        if asked && !there {
            let expected = format!("`[analysis]` with `{needed}`, on which it rests");
            let help = format!("add `{needed} = {{}}`");
            section.conflict(name, &expected, Some(&help));
        }
    }
    let asked = |models: &ModelsSection| models.rivals.contains(&Rival::Stimulus);
    let without = |system: &&System| !matches!(system, System::Recording(_));
    if analysis.models.as_ref().is_some_and(asked)
        && systems.iter().any(without)
        && let Some(table) = section.table("models")
    {
        let expected = "no `stimulus` without a `[recording]`";
        table.conflict(
            "rivals",
            expected,
            Some("leave it out: a model has no stimulus"),
        );
    }
}

/// Refuses fresh samples of systems that have no independent sampler.
///
/// A Hopfield network may have too many states for one; only its sampler knows.
pub(super) fn check_fresh_samples<'s>(
    root: &Section<'_>,
    mut systems: impl Iterator<Item = &'s System>,
) {
    let independent =
        |system: &System| matches!(system, System::Model { model, .. } if model.is_mean_field());
    if systems.all(independent) {
        return;
    }
    let place = root
        .find("vae")
        .and_then(|vae| vae.node.at("training.fresh_samples"))
        .map_or(root.place, |entry| entry.key_place);
    let message = Message {
        code: "manifest::conflict",
        key: "vae.training.fresh_samples".to_owned(),
        found: "true".to_owned(),
        expected: "false, since there is no sampler of independent configurations".to_owned(),
        help: Some("leave it out, and take more `sampling.samples`".to_owned()),
    };
    root.report.push(place, message);
}
