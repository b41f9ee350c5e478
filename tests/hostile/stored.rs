//! What is read through files and Parquet: tables, configurations, recordings, saved
//! models, images of patterns, entries of the store.

use std::collections::BTreeMap;
use std::path::Path;

use latentfield::bits::BitMatrix;
use latentfield::configurations::Configurations;
use latentfield::engine::Store;
use latentfield::manifest::{self, Point, Sources};
use latentfield::plan::canonical_json;
use latentfield::tables::{self, Cell, Column, Kind, Table};
use latentfield::{recording, stages};
use png::{BitDepth, ColorType};

use super::targets::{self, Answer};
use super::{MIB, Run, Target};

/// A stage and a key of the entry that is broken.
const STAGE: &str = "train";
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn answer<T, E: std::fmt::Display>(found: Result<T, E>) -> Answer {
    let accepted = match found {
        Ok(_) => true,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    };
    Answer {
        accepted,
        points: 0,
    }
}

pub(super) fn targets() -> Vec<Target> {
    let target = |name, corpus, run, weight, c, k| Target {
        name,
        corpus,
        run,
        weight,
        c,
        k,
        q: 0,
    };
    // Run-length encoded pages hold many values in a few bytes. The reader counts them
    // before it decodes, and refuses more than 2^28 values; pages of a small file that say
    // they hold more than its bytes allow are refused too. What is left is the decoder's own.
    let (c, k) = (2_000, 64 * MIB);
    let parquet = &stages::parquet_recording;
    vec![
        target(
            "table",
            stored_tables(),
            Box::new(|b| answer(tables::from_bytes(b))),
            2,
            c,
            k,
        ),
        target(
            "configurations",
            configurations(),
            Box::new(|b| answer(tables::configurations_from_bytes(b))),
            2,
            c,
            k,
        ),
        target(
            "parquet",
            configurations(),
            Box::new(|b| targets::binned(b, "parquet", parquet)),
            2,
            c,
            k,
        ),
        target(
            "parquet spikes",
            spikes(),
            Box::new(|b| targets::spikes(b, "parquet", Some(10.0), parquet)),
            1,
            c,
            k,
        ),
        // Text of numbers: two bytes make eight, held twice while it is checked.
        target("model.json", models(), model(), 5, 200, MIB),
        // An image has at most 2^20 pixels of four channels of 16 bits; the decoder's own
        // limit is 64 MiB.
        target("png", images(), image(), 5, 20, 80 * MIB),
        target("entry.json", entries(), entry(), 5, 200, MIB),
    ]
}

fn stored_tables() -> Vec<Vec<u8>> {
    let cell = |kind| match kind {
        Kind::Integer => Cell::Integer(3),
        Kind::Number => Cell::Number(Some(0.25)),
        Kind::Text => Cell::Text("a".to_owned()),
        Kind::Flag => Cell::Flag(true),
    };
    let small = tables::catalogue().iter().take(3);
    let stored = small.map(|schema| {
        let mut table = Table::new(schema);
        for _ in 0..5 {
            let row: Vec<Cell> = schema.columns.iter().map(|it| cell(it.kind)).collect();
            table.push(row).expect("a row of the schema");
        }
        tables::to_bytes(&table, &BTreeMap::new()).expect("a table")
    });
    stored.collect()
}

/// Spikes of three cells.
fn spikes() -> Vec<Vec<u8>> {
    let cells = Column::Integer(vec![0, 1, 0, 2]);
    let times = [0.1, 0.5, 1.5, 2.5].map(Some).to_vec();
    let columns = vec![
        ("cell".to_owned(), cells),
        ("time".to_owned(), Column::Number(times)),
    ];
    let table = Table::from_columns("spikes", columns).expect("a table");
    vec![tables::to_bytes(&table, &BTreeMap::new()).expect("Parquet")]
}

/// As many configurations as an even number, of few sites, so that the words are flags.
fn configurations() -> Vec<Vec<u8>> {
    let mut bits = BitMatrix::zeros(12, 1);
    for row in 0..6 {
        bits.set(2 * row, 0, true);
    }
    let configurations = Configurations::Spins(bits);
    let blocks: Vec<u32> = (0..12).map(|row| row % 2).collect();
    [None, Some(&blocks[..])]
        .map(|blocks| {
            tables::configurations_to_bytes(&configurations, blocks, &BTreeMap::new())
                .expect("configurations")
        })
        .to_vec()
}

/// The only point of a manifest.
fn point(text: &str) -> Point {
    let sources = Sources {
        text: format!("[experiment]\nname = \"x\"\n[model]\n{text}"),
        ..Sources::default()
    };
    let manifest = manifest::load(&sources, &[]).unwrap_or_else(|error| panic!("{error}"));
    manifest.points[0].clone()
}

fn models() -> Vec<Vec<u8>> {
    let text = r#"{"format": "latentfield generalised Hopfield model", "version": 1,
        "sites": 3, "fields": 1, "biases": [-0.5, -0.5, -1.0],
        "patterns": [[0.5], [0.5], [-0.25]],
        "field_values": [[0.0], [1.0], [-1.0]], "field_weights": [0.5, 0.25, 0.25]}"#;
    vec![text.as_bytes().to_vec()]
}

/// A folder for the files that are read, in memory where the system has such a place: a disk
/// would take longer than the readers.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a folder")
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(folder.join(name), bytes).expect("a file in a folder of the test");
}

fn model() -> Run {
    let folder = folder();
    let path = folder.path().join("model.json");
    let text = format!(
        "kind = \"generalised_hopfield\"\nsites = 3\nfile = '{}'\n",
        path.display()
    );
    let point = point(&text);
    Box::new(move |bytes| {
        write(folder.path(), "model.json", bytes);
        let read = stages::read_named_files(&mut [point.clone()]);
        answer(read.map_err(|errors| errors.iter().map(ToString::to_string).collect::<String>()))
    })
}

fn images() -> Vec<Vec<u8>> {
    let image = |colour, depth, data: &[u8]| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 4, 2);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(data).expect("pixels");
        drop(writer);
        bytes
    };
    vec![
        image(
            ColorType::Grayscale,
            BitDepth::Eight,
            &[0, 255, 0, 255, 255, 0, 1, 2],
        ),
        image(ColorType::Rgba, BitDepth::Eight, &[7; 32]),
        image(ColorType::Grayscale, BitDepth::One, &[0x50, 0xa0]),
    ]
}

fn image() -> Run {
    let folder = folder();
    Box::new(move |bytes| {
        write(folder.path(), "a.png", bytes);
        answer(recording::read_patterns(
            folder.path(),
            &targets::no_parquet,
        ))
    })
}

/// An entry of an even number of bytes and one of an odd number; their digests do not fit.
fn entries() -> Vec<Vec<u8>> {
    let text = |host: &str| {
        format!(
            r#"{{"format": 1, "key": "{KEY}", "key_parts": {{"format": 1, "stage": "train",
        "stage_version": 3, "parameters": {{"latent": 2, "rate": 0.5}}, "needs": {{}}}},
        "files": {{"model.json": {{"bytes": 3, "blake3": "{KEY}"}}}}, "label": "train",
        "warnings": [], "host": "{host}", "program_version": "0.1.0", "started_unix": 1.5,
        "finished_unix": 2.5, "seconds": 1.0, "digest": "{KEY}"}}"#
        )
    };
    vec![text("h").into_bytes(), text("hh").into_bytes()]
}

/// The same JSON with a digest that fits, if it is a table: so that what comes after the
/// digest is reached.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    value
        .as_object_mut()?
        .insert("digest".to_owned(), "".into());
    let digest = blake3::hash(canonical_json(&value).as_bytes());
    value["digest"] = digest.to_hex().as_str().into();
    Some(value.to_string().into_bytes())
}

fn entry() -> Run {
    let folder = folder();
    let store = Store::open(folder.path()).expect("a store");
    let entry = folder.path().join("v1").join(STAGE).join(KEY);
    std::fs::create_dir_all(&entry).expect("a folder of an entry");
    Box::new(move |bytes| {
        let sealed = sealed(bytes).filter(|_| bytes.len() % 2 == 0);
        write(&entry, "entry.json", sealed.as_deref().unwrap_or(bytes));
        let found = store.entries(STAGE).expect("a folder of the store");
        // A broken file passes for what was once written only if somebody made its digest.
        assert!(found.is_empty() || sealed.is_some(), "{found:?}");
        for entry in &found {
            assert!(!entry.core_seconds().is_nan(), "{entry:?}");
        }
        let _keep = &folder;
        Answer {
            accepted: !found.is_empty(),
            points: 0,
        }
    })
}
