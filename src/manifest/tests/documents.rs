//! The expanded text, the experiments and the examples of the manual load.

use super::*;

/// Everything but the text itself, the paths and the machine must come back.
fn assert_round_trip(original: &Sources) {
    let manifest = good(original);
    // The text is kept in another folder, without the overrides.
    let again = Sources {
        path: "/elsewhere/results/manifest.toml".into(),
        text: manifest.expanded.clone(),
        current_dir: "/".into(),
        ..Sources::default()
    };
    let second = good(&again);
    assert_eq!(second.points, manifest.points, "{}", manifest.expanded);
    assert_eq!(second.axes, manifest.axes);
    assert_eq!(second.experiment, manifest.experiment);
    assert_eq!(second.plots, manifest.plots);
    assert_eq!(second.expanded, manifest.expanded, "expansion is final");
}

#[test]
fn the_expanded_text_loads_to_the_same_points() {
    let plot = "[[plot]]\nname = \"p\"\ntable = \"patterns\"\nx = \"point\"\ny = \"overlap\"\n";
    let sweeps = [
        "",
        "[sweep]\nmodel.temperature = { start = 0.4, stop = 1.5, step = 0.1 }\n",
        "[sweep]\nvae.hidden = [[3], [4, 5]]\nmodel.sites = [9, 8]\nvae.latent = [2, 1]\n",
        "[sweep]\nvae.training.epochs = [2, 90]\nvae.decoder = [\"bottleneck\", \"mlp\"]\n",
        "[sweep]\nmodel.sites = [6, 7]\nvae.latent = [1, 2]\n\
         zip = [[\"model.sites\", \"vae.latent\"]]\nexclude = [{ \"model.sites\" = 6 }]\n",
        "[sweep]\nmodel.patterns = [1, [[1, -1, 1, -1, 1, -1]]]\n",
    ];
    for sweep in sweeps {
        assert_round_trip(&sources(&format!("{MODEL}{sweep}{plot}")));
    }
    let sets = [
        "vae.prior=mixture",
        "experiment.replicates=2",
        "experiment.title=a \"title\" \\ with\tsigns",
        "analysis.likelihood={}",
        "sweep.vae.latent=[4, 5]",
    ];
    assert_round_trip(&with_sets(MODEL, &sets));
    for text in [ranges::FIELDS, ranges::SAVED] {
        assert_round_trip(&sources(text));
    }
    let strengths = "[sweep]\nmodel.strength = [0.5, 1]\nmodel.law = [\"normal\", \"states\"]\n";
    assert_round_trip(&sources(&format!("{}{strengths}", ranges::FIELDS)));
}

#[test]
fn the_expanded_text_of_a_recording_names_its_file_in_full() {
    assert_round_trip(&sources(RECORDING));
    let sets = [
        "recording.split.every=4",
        "recording.sites=[3, 1]",
        "recording.bin_ms=20",
    ];
    assert_round_trip(&with_sets(RECORDING, &sets));
    for set in [
        "recording.sites=random:3:1",
        "sweep.recording.sites=[\"random:3\", \"first:2\", [4, 0]]",
        "sweep.recording.bins=[\"0:10\", \"10:20\"]",
    ] {
        assert_round_trip(&with_sets(RECORDING, &[set]));
    }
    let spikes = RECORDING.replace("repeats = 12", "format = \"spike_times\"\nbin_ms = 20");
    let columns = "recording.columns=[\"time\", \"-\", \"cell:u\", \"repeat\"]";
    for sets in [
        [
            "recording.repeats=3",
            "recording.start_s=-1",
            "recording.bin_ms=5",
        ],
        [
            columns,
            "recording.duration_s=2.5",
            "recording.time_unit=ms",
        ],
        [
            "recording.repeats=3",
            "sweep.recording.bin_ms=[10, 20]",
            "recording.bins=3:4",
        ],
    ] {
        assert_round_trip(&with_sets(&spikes, &sets));
    }
    let both = [
        "recording.bin_ms=5",
        "sweep.recording.format=[\"binned\", \"spike_times\"]",
    ];
    assert_round_trip(&with_sets(RECORDING, &both));
    let manifest = good(&sources(RECORDING));
    assert!(
        manifest
            .expanded
            .contains("/home/someone/runs/data/cells.npy")
    );

    let swept = format!("{RECORDING}[sweep]\nrecording.path = [\"a.npy\", \"b.npy\"]\n");
    let manifest = good(&sources(&swept));
    assert_eq!(
        manifest.axes[0].values[0],
        Scalar::Text("a.npy".to_owned()),
        "as typed"
    );
    assert!(
        manifest.expanded.contains("\"/home/someone/runs/a.npy\""),
        "{}",
        manifest.expanded
    );
}

#[test]
fn swept_paths_of_models_and_patterns_are_written_in_full() {
    let saved = format!(
        "{}[sweep]\nmodel.file = [\"a.json\", \"/b.json\"]\n",
        ranges::SAVED
    );
    let patterns = format!("{MODEL}[sweep]\nmodel.patterns = [\"a.csv\", 2]\n");
    for (text, expected) in [
        (saved, "[\"/home/someone/runs/a.json\", \"/b.json\"]"),
        (patterns, "[\"/home/someone/runs/a.csv\", 2]"),
    ] {
        let manifest = good(&sources(&text));
        assert!(
            manifest.expanded.contains(expected),
            "{}",
            manifest.expanded
        );
    }
}

#[test]
fn the_expanded_text_writes_every_default() {
    let expanded = good(&sources(MODEL)).expanded;
    for (table, keys) in catalogue::tables() {
        let written = ["experiment", "model", "sampling", "vae", "vae.training"];
        if !written.contains(&table) {
            continue;
        }
        // Keys of another model, decoder or prior have no default here; a licence and
        // authors have none at all; `training` is a table.
        let absent = ["side", "fields", "components", "training"];
        let absent = [&absent[..], &["license", "authors"]].concat();
        let absent = [
            &absent[..],
            &["rate", "strength", "law", "sparseness", "file"],
        ]
        .concat();
        for key in keys.iter().filter(|key| !absent.contains(key)) {
            let assignment = format!("\n{key} = ");
            assert!(
                expanded.contains(&assignment),
                "no `{table}.{key}` in {expanded}"
            );
        }
    }
}

#[test]
fn the_experiments_load() {
    let columns: Catalogue<'_> = &[
        ("patterns", &["method", "overlap", "residual"]),
        ("likelihood", &["paired_gap_nats", "paired_gap_nats_se"]),
    ];
    for (text, points) in [
        (include_str!("../../../experiments/hopfield_sweep.toml"), 24),
        (
            include_str!("../../../experiments/hopfield_eight_patterns.toml"),
            2,
        ),
        (
            include_str!("../../../experiments/curie_weiss_sweep.toml"),
            16,
        ),
        (include_str!("../../../experiments/hopfield_load.toml"), 20),
        (
            include_str!("../../../experiments/maier_saupe_sweep.toml"),
            5,
        ),
        (
            include_str!("../../../experiments/planar_nematic_sweep.toml"),
            5,
        ),
        (include_str!("../../../experiments/ising_control.toml"), 30),
        (
            include_str!("../../../experiments/lebwohl_lasher_control.toml"),
            5,
        ),
        (include_str!("../../../experiments/retina.toml"), 1),
        (include_str!("../../../experiments/retina50.toml"), 1),
        (include_str!("../../../experiments/smoke/hopfield.toml"), 2),
        (include_str!("../../../experiments/smoke/recording.toml"), 1),
        (
            include_str!("../../../experiments/smoke/population.toml"),
            2,
        ),
    ] {
        let manifest = load(&sources(text), columns).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(
            manifest.points.len(),
            points,
            "{}",
            manifest.experiment.name
        );
    }
}

#[test]
fn the_examples_of_the_manual_load() {
    let manual = include_str!("../../../docs/manifest.md");
    let blocks: Vec<&str> = manual
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(blocks.len() >= 3, "{} examples", blocks.len());
    for block in blocks {
        good(&sources(block));
    }
}

#[test]
fn the_manual_names_every_key() {
    let manual = include_str!("../../../docs/manifest.md");
    for (table, keys) in catalogue::tables() {
        assert!(manual.contains(table), "no `{table}`");
        for key in keys {
            assert!(manual.contains(&format!("`{key}`")), "no `{table}.{key}`");
        }
    }
}
