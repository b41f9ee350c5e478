//! Made-up tables of a recording: models side by side, an effective theory, its
//! landscape and a repeated movie, for one to four latents.

use std::collections::BTreeMap;

use super::synthetic::{join, noise, table};
use crate::random::{Generator, stream};
use crate::tables::{Cell, Table, schema};

/// Sites of the made-up recording.
pub(crate) const SITES: u32 = 60;

/// Models without latents that are the same at all points.
const OTHERS: [(&str, u32, &str, f64); 8] = [
    ("independent", 0, "fitted here", -9.2),
    ("pairwise", 0, "fitted here", -8.62),
    ("k_pairwise", 0, "samples read", f64::NAN),
    ("latent_trait", 1, "fitted here", -8.8),
    ("hopfield", 3, "fitted here", -8.66),
    ("generalised_hopfield", 3, "fitted here", -8.58),
    ("stimulus", 0, "fitted here", -8.9),
    ("train", 0, "data", f64::NAN),
];

/// The tables at one to four latents, `replicates` of each.
pub(crate) fn recorded(replicates: u32) -> BTreeMap<String, Table> {
    let mut all = BTreeMap::new();
    for latents in 1..=4_u32 {
        for replicate in 0..replicates {
            let names = [latents.to_string(), replicate.to_string()];
            let mut generator = stream("recorded", &[&names[0], &names[1]]);
            let lead = |name: &str, cell: Cell| (name.to_owned(), cell);
            let point = (latents - 1) * replicates + replicate;
            for table in tables(latents, &mut generator) {
                let leading = vec![
                    lead("point", point.into()),
                    lead("replicate", replicate.into()),
                    lead("seed", "7".into()),
                    lead("latent", latents.into()),
                ];
                join(&mut all, &table.with_leading(leading).unwrap());
            }
        }
    }
    all
}

fn tables(latents: u32, generator: &mut Generator) -> Vec<Table> {
    let mut tables = side_by_side(latents);
    tables.extend(likelihoods(latents, generator));
    tables.extend(effective(latents, generator));
    tables.extend(basins(generator));
    tables.extend(movie(generator));
    tables
}

/// Log-likelihood of a network of so many latents: the third one gains nothing.
pub(crate) fn network_nats(latents: u32) -> f64 {
    [-8.9, -8.6, -8.599, -8.5985][latents as usize - 1]
}

fn side_by_side(latents: u32) -> Vec<Table> {
    let vae = ("vae", latents, "fitted here", network_nats(latents));
    let (mut models, mut counts, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (name, fields, origin, nats)) in OTHERS.into_iter().chain([vae]).enumerate() {
        let closeness = 1.0 - 0.2 / (1.0 + number as f64);
        models.push(model_row(name, fields, origin, nats, closeness));
        counts.extend(count_rows(name, fields, 3.0 + closeness));
        pairs.extend(pair_rows(name, fields, closeness));
    }
    counts.extend(count_rows("data", 0, 4.0));
    vec![
        table(&schema::MODELS, models),
        table(&schema::MODEL_COUNTS, counts),
        table(&schema::MODEL_CORRELATIONS, pairs),
    ]
}

fn model_row(name: &str, fields: u32, origin: &str, nats: f64, closeness: f64) -> [Cell; 21] {
    let gap = 1.0 - closeness;
    let warning = if name == "latent_trait" {
        "the fit has not converged"
    } else {
        ""
    };
    [
        name.into(),
        fields.into(),
        origin.into(),
        600.0.into(),
        nats.into(),
        0.03.into(),
        (nats + 9.2).into(),
        0.01.into(),
        None.into(),
        None.into(),
        closeness.into(),
        (0.1 * gap).into(),
        (0.02 * gap).into(),
        (0.002 * gap).into(),
        (closeness - 0.1).into(),
        0.03.into(),
        (0.1 * gap * gap).into(),
        (0.09 * gap * gap).into(),
        0.01.into(),
        0.001.into(),
        warning.into(),
    ]
}

fn count_rows(name: &str, fields: u32, width: f64) -> impl Iterator<Item = [Cell; 5]> {
    (0..24_u32).map(move |k| {
        let value = (-f64::from(k) / width).exp() / width;
        let error = (value / 5000.0).sqrt();
        [
            name.into(),
            fields.into(),
            k.into(),
            value.into(),
            error.into(),
        ]
    })
}

fn pair_rows(name: &str, fields: u32, closeness: f64) -> impl Iterator<Item = [Cell; 7]> {
    let mut generator = stream("pairs", &[name, &fields.to_string()]);
    let pairs = (0..SITES).flat_map(|i| (i + 1..SITES).map(move |j| (i, j)));
    pairs.map(move |(i, j)| {
        let data = 0.01 * f64::from((i * 7 + j * 13) % 23) - 0.04;
        let value = closeness * data + 0.006 * noise(&mut generator);
        [
            name.into(),
            fields.into(),
            i.into(),
            j.into(),
            data.into(),
            0.004.into(),
            value.into(),
        ]
    })
}

fn likelihoods(latents: u32, generator: &mut Generator) -> Vec<Table> {
    let nats = network_nats(latents);
    let mut likelihood = Table::new(&schema::LIKELIHOOD);
    let row = schema::LIKELIHOOD
        .columns
        .iter()
        .map(|column| match column.name {
            "paired_gap_method" | "warning" => "".into(),
            "quadrature_nats" if latents > 3 => None.into(),
            name if name.ends_with("_se") => 0.02.into(),
            name if name.ends_with("_nats") => nats.into(),
            _ => 10_000_u32.into(),
        });
    likelihood.push(row.collect::<Vec<_>>()).unwrap();
    let mut statistics = Table::new(&schema::STATISTICS);
    let row = schema::STATISTICS
        .columns
        .iter()
        .map(|column| match column.name {
            "source" => "vae".into(),
            name if name.ends_with("_se") => 0.01.into(),
            _ => (1.0 - 0.2 / f64::from(latents)).into(),
        });
    statistics.push(row.collect::<Vec<_>>()).unwrap();
    let method = if latents > 3 {
        "importance_weighted"
    } else {
        "quadrature"
    };
    let blocks = (0..30_u32).map(|block| {
        let level = 0.1 * f64::from(block % 7);
        let value = nats - level + 0.002 * noise(generator);
        [block.into(), 950_u32.into(), value.into(), method.into()]
    });
    let blocks = table(&schema::LIKELIHOOD_BLOCKS, blocks.collect::<Vec<_>>());
    vec![likelihood, statistics, blocks]
}

fn effective(latents: u32, generator: &mut Generator) -> Vec<Table> {
    let components = (1..=8_u32).map(|component| {
        let counts = component <= 2;
        let size = if counts { 6.0 } else { 0.3 } / f64::from(component);
        let loss = 0.4 * (-1.5 * f64::from(component)).exp() - 0.0004;
        [
            component.into(),
            size.into(),
            0.1.into(),
            counts.into(),
            (-8.6 - loss).into(),
            0.02.into(),
            loss.into(),
            0.003.into(),
        ]
    });
    let (mut sites, mut patterns, mut potential) = (Vec::new(), Vec::new(), Vec::new());
    for pattern in 1..=latents.min(2) {
        for site in 0..SITES {
            let truth = (f64::from(site * pattern) * 0.7).sin();
            let found = truth + 0.1 * noise(generator);
            let name = format!("pattern_{pattern}");
            let cells: [Cell; 5] = [
                name.into(),
                site.into(),
                found.into(),
                0.1.into(),
                truth.into(),
            ];
            sites.push(cells);
        }
        let firm: [Cell; 6] = [
            pattern.into(),
            5.0.into(),
            if pattern == 1 { 0.98 } else { 0.4 }.into(),
            1.0.into(),
            (pattern == 1).into(),
            0.97.into(),
        ];
        patterns.push(firm);
        for step in -40..=40_i32 {
            let u = f64::from(step) / 10.0;
            let cells: [Cell; 5] = [
                pattern.into(),
                u.into(),
                (0.4 * u * u + 0.3 * u - 0.01 * u.powi(4)).into(),
                (0.35 * u * u + 0.3 * u).into(),
                ((-0.5 * u * u).exp() / 2.5).into(),
            ];
            potential.push(cells);
        }
    }
    vec![
        table(&schema::COLLECTIVE_VARIABLES, components),
        table(&schema::EFFECTIVE_SITES, sites),
        table(&schema::EFFECTIVE_PATTERNS, patterns),
        table(&schema::COLLECTIVE_POTENTIAL, potential),
    ]
}

/// Minima of the made-up landscape.
pub(crate) const MINIMA: [(f64, f64); 3] = [(-1.05, 0.05), (1.25, 1.05), (0.75, -1.25)];

fn basins(generator: &mut Generator) -> Vec<Table> {
    let mut cells = Vec::new();
    for i in -30..30_i32 {
        for j in -30..30_i32 {
            let place = |index: i32| (f64::from(index) + 0.5) / 10.0;
            let (x, y) = (place(i), place(j));
            let bumps = MINIMA.iter().enumerate().map(|(index, (a, b))| {
                let square = (x - a).powi(2) + (y - b).powi(2);
                (-2.0 * square - index as f64).exp()
            });
            let density: f64 = bumps.sum();
            let energy = Some(-density.ln()).filter(|energy| *energy < 9.0);
            let row: [Cell; 5] = [
                x.into(),
                y.into(),
                density.into(),
                energy.into(),
                u32::from(energy.is_some()).into(),
            ];
            cells.push(row);
        }
    }
    let (mut minima, mut sites) = (Vec::new(), Vec::new());
    for (basin, (x, y)) in (1_u32..).zip(MINIMA) {
        let row: [Cell; 8] = [
            basin.into(),
            x.into(),
            y.into(),
            (f64::from(basin) - 1.0).into(),
            1.0.into(),
            (0.6 / f64::from(basin)).into(),
            0.01.into(),
            2.0.into(),
        ];
        minima.push(row);
        for site in 0..SITES {
            let overall = 0.03 + 0.0005 * f64::from(site);
            let factor = if site % 3 + 1 == basin { 4.0 } else { 0.6 };
            let rate = (overall * factor + 0.004 * noise(generator)).max(0.0);
            let row: [Cell; 5] = [
                basin.into(),
                site.into(),
                rate.into(),
                0.005.into(),
                overall.into(),
            ];
            sites.push(row);
        }
    }
    vec![
        table(&schema::LANDSCAPE, cells),
        table(&schema::BASINS, minima),
        table(&schema::BASIN_SITES, sites),
    ]
}

/// Time bins of the made-up movie, 20 ms each.
pub(crate) const BINS: u32 = 300;

fn movie(generator: &mut Generator) -> Vec<Table> {
    let names = [
        "collective_1",
        "collective_2",
        "basin_1",
        "basin_2",
        "basin_3",
        "active_count",
    ];
    let (mut rows, mut explained) = (Vec::new(), Vec::new());
    for (number, name) in (1_u32..).zip(names) {
        for bin in 0..BINS {
            let phase = f64::from(bin * number) / 25.0;
            let wave = 0.5 + 0.4 * phase.sin() + 0.02 * noise(generator);
            let row: [Cell; 5] = [
                name.into(),
                bin.into(),
                (20.0 * f64::from(bin)).into(),
                wave.clamp(0.0, 1.0).into(),
                0.04.into(),
            ];
            rows.push(row);
        }
        let share = 0.6 / f64::from(number);
        let row: [Cell; 7] = [
            name.into(),
            1.0.into(),
            share.into(),
            (1.0 - share).into(),
            share.into(),
            0.03.into(),
            0.01.into(),
        ];
        explained.push(row);
    }
    vec![
        table(&schema::MOVIE, rows),
        table(&schema::STIMULUS, explained),
    ]
}
