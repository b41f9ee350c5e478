//! What keys and sections ask of each other.

use std::path::{Path, PathBuf};

use super::*;

use super::ranges::{FIELDS, SAVED, SPIKES};

#[test]
fn defaults_are_those_of_the_documentation() {
    let point = &good(&sources(MODEL)).points[0];
    assert_eq!(point.vae.hidden, [64, 64]);
    assert_eq!(point.vae.encoder_hidden, [64, 64]);
    assert_eq!(point.vae.training.batch, 512);
    let System::Model { sampling, .. } = &point.system else {
        panic!("{:?}", point.system);
    };
    assert_eq!((sampling.samples, sampling.test_samples), (1000, 10_000));
    assert_eq!(sampling.method, SamplingMethod::Auto);
    assert_eq!(point.analysis, AnalysisSection::default());
}

#[test]
fn keys_of_one_decoder_or_prior_are_refused_beside_another() {
    let problem = only(&with_sets(MODEL, &["vae.fields=4"]));
    assert_eq!(
        (problem.code, &*problem.key),
        ("manifest::conflict", "vae.fields")
    );
    let problem = only(&with_sets(MODEL, &["vae.components=4"]));
    assert_eq!(
        (problem.code, &*problem.key),
        ("manifest::conflict", "vae.components")
    );

    let manifest = good(&with_sets(MODEL, &["vae.decoder=bottleneck"]));
    assert_eq!(
        manifest.points[0].vae.fields,
        Some(3),
        "the latents by default"
    );
    let manifest = good(&with_sets(
        MODEL,
        &["vae.decoder=bottleneck", "vae.fields=9"],
    ));
    assert_eq!(manifest.points[0].vae.fields, Some(9));
}

#[test]
fn components_of_the_mixture_follow_their_rule() {
    // max(8, 3 latents), unless given.
    for (sets, components) in [
        (vec!["vae.latent=2", "vae.prior=mixture"], Some(8)),
        (vec!["vae.latent=3", "vae.prior=mixture"], Some(9)),
        (vec!["vae.prior=mixture", "vae.components=2"], Some(2)),
        (vec![], None),
    ] {
        let manifest = good(&with_sets(MODEL, &sets));
        assert_eq!(
            manifest.points[0].vae.mixture_components(),
            components,
            "{sets:?}"
        );
    }
}

#[test]
fn the_default_warm_up_is_shorter_than_the_training() {
    for (epochs, warmup) in [(1, 0), (3, 2), (6, 5), (100, 5)] {
        let set = format!("vae.training.epochs={epochs}");
        let training = &good(&with_sets(MODEL, &[&set])).points[0].vae.training;
        assert_eq!(training.kl_warmup_epochs, warmup);
    }
}

#[test]
fn recordings_have_repeats_from_an_axis_or_a_key_but_not_both() {
    let axis = r#"recording.axes=["repeat", "cell", "bin"]"#;
    assert_eq!(
        only(&with_sets(RECORDING, &[axis])).key,
        "recording.repeats"
    );
    let counted = RECORDING.replace("repeats = 12\n", "");
    good(&with_sets(&counted, &[axis]));
    let problem = only(&sources(&counted));
    assert_eq!(
        (problem.code, &*problem.key),
        ("manifest::missing_key", "recording.repeats")
    );
    assert_eq!(line(&problem), 5, "the line of `[recording]`");
}

#[test]
fn keys_of_spikes_and_of_bins_exclude_each_other() {
    for set in [
        "recording.columns=[\"cell\", \"time\"]",
        "recording.time_unit=s",
        "recording.start_s=0",
        "recording.duration_s=1",
    ] {
        let problem = only(&with_sets(RECORDING, &[set]));
        assert_eq!(problem.code, "manifest::conflict", "{problem}");
        assert!(problem.expected.contains("spike_times"), "{problem}");
        good(&with_sets(SPIKES, &[set]));
    }
    let axes = r#"recording.axes=["bin", "cell"]"#;
    let problem = only(&with_sets(SPIKES, &[axes]));
    assert_eq!(
        (problem.code, &*problem.key),
        ("manifest::conflict", "recording.axes")
    );
    let problem = only(&sources(&SPIKES.replace("bin_ms = 20\n", "")));
    assert_eq!(
        (problem.code, &*problem.key),
        ("manifest::missing_key", "recording.bin_ms")
    );
}

#[test]
fn spikes_have_repeats_from_a_column_or_are_cut_into_several() {
    let column = r#"recording.columns=["time", "cell", "repeat:trial"]"#;
    let counted = SPIKES.replace("repeats = 12\n", "");
    good(&with_sets(&counted, &[column]));
    assert_eq!(only(&with_sets(SPIKES, &[column])).key, "recording.repeats");
    assert_eq!(
        only(&sources(&counted)).code,
        "manifest::missing_key",
        "neither"
    );
    let one = only(&with_sets(SPIKES, &["recording.repeats=1"]));
    let help = one.help.as_deref().unwrap_or_default();
    assert!(
        help.starts_with("whole repeats are kept for testing"),
        "{one}"
    );
}

#[test]
fn a_manifest_has_a_model_or_a_recording() {
    let neither = "[experiment]\nname = \"x\"\n";
    assert_eq!(only(&sources(neither)).code, "manifest::missing_key");
    let both = format!("{MODEL}[recording]\npath = \"x.npy\"\nrepeats = 3\n");
    let problems = bad(&sources(&both));
    let keys: Vec<&str> = problems.iter().map(|problem| &*problem.key).collect();
    assert_eq!(keys, ["model", "sampling"]);
    assert!(
        problems
            .iter()
            .all(|problem| problem.code == "manifest::conflict")
    );
}

#[test]
fn patterns_are_read_off_models_only() {
    good(&sources(&format!("{MODEL}[analysis]\npatterns = {{}}\n")));
    let text = format!("{RECORDING}[analysis]\nstatistics = {{}}\npatterns = {{}}\n");
    let problem = only(&sources(&text));
    assert_eq!(problem.key, "analysis.patterns");
    assert_eq!(line(&problem), 10);
}

#[test]
fn relative_paths_count_from_the_manifest_or_from_the_current_folder() {
    let path = |sources: &Sources| match &good(sources).points[0].system {
        System::Recording(recording) => recording.path.clone(),
        System::Model { .. } => panic!("a recording"),
    };
    let written = sources(RECORDING);
    assert_eq!(
        path(&written),
        PathBuf::from("/home/someone/runs/data/cells.npy")
    );
    let set = with_sets(RECORDING, &["recording.path=data/cells.npy"]);
    assert_eq!(path(&set), PathBuf::from("/home/someone/data/cells.npy"));
    let absolute = with_sets(RECORDING, &["recording.path=/data/cells.npy"]);
    assert_eq!(path(&absolute), PathBuf::from("/data/cells.npy"));
}

#[test]
fn a_whole_number_is_a_real_number_too() {
    let as_integer = good(&with_sets(MODEL, &["model.temperature=1"]));
    let as_number = good(&with_sets(MODEL, &["model.temperature=1.0"]));
    assert_eq!(as_integer.points, as_number.points);
}

#[test]
fn memory_follows_its_formula_and_is_limited() {
    let sets = [
        "sampling.samples=1000",
        "sampling.test_samples=24",
        "vae.latent=2",
        "vae.hidden=[5]",
        "vae.training.batch=10",
    ];
    let mut sources = with_sets(MODEL, &sets);
    // 1024 configurations of 6 sites take one word each. Encoder 6-5-4: 7*5 + 6*4
    // parameters; decoder 2-5-6: 3*5 + 6*6; widths 6+5+4+2+5+6 = 28.
    let bits = 1024 * 8;
    let network = (35 + 24 + 15 + 36) * 4 * 4;
    let activations = 10 * 28 * 2 * 4;
    let expected = bits + network + activations;
    assert_eq!(memory_estimate(&good(&sources)), expected);

    sources.memory_limit = Some(expected);
    good(&sources);
    sources.memory_limit = Some(expected - 1);
    assert_eq!(only(&sources).code, "manifest::memory");
}

#[test]
fn plots_name_known_tables_and_columns_once() {
    let plot =
        "[[plot]]\nname = \"p\"\ntable = \"patterns\"\nx = \"temperature\"\ny = \"overlap\"\n";
    let text = format!("{MODEL}[sweep]\nmodel.temperature = [0.5, 1]\n{plot}");
    let manifest = good(&sources(&text));
    assert_eq!(manifest.plots[0].x, "temperature");
    assert_eq!(manifest.plots[0].series, None);

    for (from, to, key, help) in [
        (
            "\"patterns\"",
            "\"pattern\"",
            "plot[0].table",
            Some("did you mean `patterns`?"),
        ),
        (
            "\"overlap\"",
            "\"overlop\"",
            "plot[0].y",
            Some("did you mean `overlap`?"),
        ),
        (
            "x = \"temperature\"",
            "x = \"elbo_nats\"",
            "plot[0].x",
            None,
        ),
        ("name = \"p\"", "name = \"../p\"", "plot[0].name", None),
    ] {
        let problem = only(&sources(&text.replace(from, to)));
        assert_eq!(problem.key, key);
        assert!(
            help.is_none() || problem.help.as_deref() == help,
            "{problem}"
        );
    }
    let problem = only(&sources(&format!("{text}{plot}")));
    assert_eq!(
        (problem.code, &*problem.key),
        ("manifest::duplicate", "plot[1].name")
    );
    let unswept = format!("{MODEL}{plot}");
    assert_eq!(only(&sources(&unswept)).code, "manifest::unknown_column");
}

/// A manifest of a model of another kind.
pub(super) fn of_kind(kind: &str, keys: &str) -> String {
    format!("[experiment]\nname = \"m\"\n[model]\nkind = \"{kind}\"\ntemperature = 1.0\n{keys}\n")
}

#[test]
fn every_kind_of_model_has_its_keys() {
    let kinds = [
        ("curie_weiss", "sites = 10\nfield = -0.1", 10),
        (
            "hopfield",
            "sites = 10\npatterns = 2\ncorrelation = 0.2",
            10,
        ),
        ("maier_saupe", "sites = 10", 10),
        ("planar_nematic", "sites = 10", 10),
        ("ising_2d", "side = 4", 16),
        ("lebwohl_lasher", "side = 4", 64),
    ];
    for (kind, keys, sites) in kinds {
        let manifest = good(&sources(&of_kind(kind, keys)));
        let System::Model { model, .. } = &manifest.points[0].system else {
            panic!("a model");
        };
        assert_eq!(model.sites(), sites, "{kind}");
    }
    for (text, drawn) in [(FIELDS, true), (SAVED, false)] {
        let manifest = good(&sources(text));
        let System::Model { model, .. } = &manifest.points[0].system else {
            panic!("a model");
        };
        let ModelSection::GeneralisedHopfield(section) = model else {
            panic!("{model:?}");
        };
        assert_eq!((model.sites(), model.is_mean_field()), (20, true));
        match &section.source {
            FieldModelSource::Drawn(found) => {
                assert!(drawn);
                assert_eq!((found.fields, found.law), (2, FieldLaw::Normal));
                // The defaults of the manual, which are read back as the same numbers.
                for (number, manual) in [
                    (found.rate, 0.1),
                    (found.strength, 0.7),
                    (found.sparseness, 0.5),
                ] {
                    assert!((number - manual).abs() <= 0.0, "{number}, {manual}");
                }
            }
            FieldModelSource::File { file } => {
                assert!(!drawn);
                assert_eq!(file, Path::new("/home/someone/runs/fits/cells.json"));
            }
            FieldModelSource::Given { .. } => panic!("nothing has been read"),
        }
    }
    for (kind, keys) in [("ising_2d", "sites = 16"), ("maier_saupe", "side = 4")] {
        assert!(!bad(&sources(&of_kind(kind, keys))).is_empty(), "{kind}");
    }
}

#[test]
fn a_saved_model_is_not_drawn_as_well() {
    let keys = "fields = 2\nrate = 0.2\nlaw = \"states\"\n";
    let problems = bad(&sources(&format!("{SAVED}{keys}")));
    let found: Vec<(&str, &str)> = problems.iter().map(|p| (p.code, &*p.key)).collect();
    let conflict = |key| ("manifest::conflict", key);
    let expected = ["model.fields", "model.rate", "model.law"].map(conflict);
    assert_eq!(found, expected, "all at once");
    let neither = FIELDS.replace("fields = 2", "");
    let problem = only(&sources(&neither));
    assert_eq!(
        (problem.code, &*problem.key),
        ("manifest::missing_key", "model.fields")
    );
    let cold = only(&sources(&format!("{FIELDS}temperature = 1.0\n")));
    assert_eq!(cold.code, "manifest::unknown_key");
}

#[test]
fn a_model_with_fields_of_its_own_has_all_analyses_but_those_of_pairs() {
    let rest = "[vae]\ntraining = { fresh_samples = true }\n[analysis]\nthermodynamics = {}\n\
                likelihood = {}\nstatistics = {}\ninformation = {}\nverdict = {}\n";
    good(&sources(&format!("{FIELDS}{rest}")));
    for analysis in ["couplings", "patterns"] {
        let text = format!("{SAVED}[analysis]\n{analysis} = {{}}\n");
        let problem = only(&sources(&text));
        assert_eq!(problem.key, format!("analysis.{analysis}"));
    }
}

#[test]
fn an_analysis_that_fits_no_such_system_is_refused() {
    let ising = of_kind("ising_2d", "side = 4");
    let nematic = of_kind("maier_saupe", "sites = 10");
    let cases = [
        (ising.as_str(), "couplings"),
        (&ising, "patterns"),
        (&nematic, "statistics"),
        (&nematic, "patterns"),
        (RECORDING, "thermodynamics"),
        (RECORDING, "couplings"),
    ];
    for (manifest, analysis) in cases {
        let text = format!("{manifest}[analysis]\n{analysis} = {{}}\n");
        let problem = only(&sources(&text));
        assert_eq!(problem.key, format!("analysis.{analysis}"));
    }
}

#[test]
fn fresh_samples_need_an_independent_sampler() {
    let fresh = "[vae]\ntraining = { fresh_samples = true }\n";
    good(&sources(&(of_kind("maier_saupe", "sites = 10") + fresh)));
    for manifest in [of_kind("ising_2d", "side = 4"), RECORDING.to_owned()] {
        let problem = only(&sources(&(manifest + fresh)));
        assert_eq!(problem.key, "vae.training.fresh_samples");
    }
}
