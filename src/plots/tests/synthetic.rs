//! Made-up tables of the shape of real ones.

use std::collections::BTreeMap;

use crate::random::{Generator, stream, uniform};
use crate::tables::{Cell, Table, TableSchema, schema};

/// All tables of a made-up Hopfield sweep: twelve temperatures, two replicates.
pub(crate) fn sweep() -> BTreeMap<String, Table> {
    let mut all = BTreeMap::new();
    for point in 0..12_u32 {
        let temperature = f64::from(4 + point) / 10.0;
        for replicate in 0..2_u32 {
            let names = [point.to_string(), replicate.to_string()];
            let mut generator = stream("synthetic", &[&names[0], &names[1]]);
            let leading = || {
                let value = |name: &str, cell: Cell| (name.to_owned(), cell);
                vec![
                    value("point", point.into()),
                    value("replicate", replicate.into()),
                    value("seed", "7".into()),
                    value("temperature", temperature.into()),
                ]
            };
            for table in hopfield(temperature, &mut generator) {
                join(&mut all, &table.with_leading(leading()).unwrap());
            }
        }
    }
    all
}

/// All tables of a made-up recording: one point, one replicate.
pub(crate) fn recording() -> BTreeMap<String, Table> {
    let mut all = BTreeMap::new();
    let mut generator = stream("synthetic", &["recording"]);
    let leading = |name: &str, cell: Cell| (name.to_owned(), cell);
    for table in population(&mut generator) {
        let lead = vec![
            leading("point", 0_u32.into()),
            leading("replicate", 0_u32.into()),
        ];
        join(&mut all, &table.with_leading(lead).unwrap());
    }
    all
}

pub(super) fn join(all: &mut BTreeMap<String, Table>, table: &Table) {
    match all.get_mut(table.name()) {
        Some(known) => known.append(table).unwrap(),
        None => {
            all.insert(table.name().to_owned(), table.clone());
        }
    }
}

pub(super) fn table<const N: usize>(
    schema: &'static TableSchema,
    rows: impl IntoIterator<Item = [Cell; N]>,
) -> Table {
    let mut table = Table::new(schema);
    for row in rows {
        table.push(row).unwrap();
    }
    table
}

/// About normal: mean 0, deviation 1.
pub(super) fn noise(generator: &mut Generator) -> f64 {
    (0..12).map(|_| uniform(generator)).sum::<f64>() - 6.0
}

fn hopfield(temperature: f64, generator: &mut Generator) -> Vec<Table> {
    let mut patterns = Vec::new();
    let mut sites = Vec::new();
    for pattern in 0..3_u32 {
        for method in ["vae", "correlations"] {
            let wrong = (0.02 * uniform(generator) * temperature).max(0.0);
            let cells: [Cell; 6] = [
                pattern.into(),
                method.into(),
                (1.0 - 2.0 * wrong).into(),
                wrong.into(),
                0.01.into(),
                "".into(),
            ];
            patterns.push(cells);
        }
        for site in 0..100_u32 {
            let truth = if uniform(generator) < 0.5 { -1.0 } else { 1.0 };
            let flipped = |chance: f64| if chance < 0.03 { -truth } else { truth };
            let (vae, correlations) = (flipped(uniform(generator)), flipped(uniform(generator)));
            let cells: [Cell; 5] = [
                pattern.into(),
                site.into(),
                truth.into(),
                vae.into(),
                correlations.into(),
            ];
            sites.push(cells);
        }
    }
    vec![
        table(&schema::PATTERNS, patterns),
        table(&schema::PATTERN_SITES, sites),
        likelihood(temperature, generator),
        training(temperature, generator),
        spectrum(temperature),
    ]
}

fn likelihood(temperature: f64, generator: &mut Generator) -> Table {
    let gap = 0.05 / temperature + 0.01 * noise(generator);
    let rate = 3.0 / temperature;
    let value = -69.0 + 20.0 / temperature;
    let mut row: Vec<Cell> = Vec::new();
    for column in schema::LIKELIHOOD.columns {
        row.push(match column.name {
            "paired_gap_nats" => gap.into(),
            "rate_nats" => rate.into(),
            "paired_gap_method" => "quadrature".into(),
            "warning" => "".into(),
            name if name.ends_with("_se") => 0.012.into(),
            name if name.ends_with("_nats") => value.into(),
            _ => 10_000_u32.into(),
        });
    }
    let mut table = Table::new(&schema::LIKELIHOOD);
    table.push(row).unwrap();
    table
}

fn training(temperature: f64, generator: &mut Generator) -> Table {
    let rows = (1..=30_u32).map(|epoch| {
        let last = -69.0 + 12.0 / temperature;
        let elbo = last - 8.0 * (-f64::from(epoch) / 5.0).exp() + 0.02 * noise(generator);
        let cells: [Cell; 10] = [
            epoch.into(),
            elbo.into(),
            3.0.into(),
            (-elbo - 3.0).into(),
            (elbo - 0.3).into(),
            3.0.into(),
            2e-3.into(),
            1.0.into(),
            0.5.into(),
            (epoch == 28).into(),
        ];
        cells
    });
    table(&schema::TRAINING, rows)
}

fn spectrum(temperature: f64) -> Table {
    let sources = [("prior", 1.0), ("encoded", 1.3)];
    let rows = sources.into_iter().flat_map(|(source, factor)| {
        (0..100_u32).map(move |component| {
            let effective = component < 3;
            let size = if effective {
                12.0 - f64::from(component)
            } else {
                0.4
            };
            let value = factor * size / temperature * (-0.1 * f64::from(component)).exp();
            let cells: [Cell; 5] = [
                component.into(),
                source.into(),
                value.into(),
                effective.into(),
                15.0.into(),
            ];
            cells
        })
    });
    table(&schema::SPECTRUM, rows)
}

fn population(generator: &mut Generator) -> Vec<Table> {
    let mut tables = single_sites(generator);
    tables.extend(pairs_and_triplets(generator));
    tables.extend([statistics(), latent_map(generator)]);
    tables
}

fn single_sites(generator: &mut Generator) -> Vec<Table> {
    let mut counts: Vec<[Cell; 4]> = Vec::new();
    let mut rates: Vec<[Cell; 4]> = Vec::new();
    for (source, width) in [("data", 4.0), ("vae", 3.9), ("independent", 2.4)] {
        for k in 0..22_u32 {
            let value = (-f64::from(k) / width).exp() / width;
            counts.push([
                source.into(),
                k.into(),
                value.into(),
                (value / 2000.0).sqrt().into(),
            ]);
        }
        for site in 0..50_u32 {
            let rate = 0.01 + f64::from(site) / 300.0 + 0.002 * noise(generator);
            rates.push([source.into(), site.into(), rate.into(), 0.003.into()]);
        }
    }
    vec![
        table(&schema::ACTIVE_COUNT, counts),
        table(&schema::RATES, rates),
    ]
}

fn pairs_and_triplets(generator: &mut Generator) -> Vec<Table> {
    let mut pairs: Vec<[Cell; 6]> = Vec::new();
    for i in 0..50_u32 {
        for j in i + 1..50 {
            let data = 0.1 * uniform(generator).powi(2);
            let vae = 0.9 * data + 0.008 * noise(generator);
            let free = 0.003 * noise(generator);
            pairs.push([
                i.into(),
                j.into(),
                data.into(),
                0.004.into(),
                vae.into(),
                free.into(),
            ]);
        }
    }
    let triplets = pairs.iter().map(|pair| {
        let [i, j, data, se, vae, free] = pair.clone();
        [i, j.clone(), j, data, se, vae, free]
    });
    let triplets = table(&schema::TRIPLETS, triplets);
    vec![table(&schema::CORRELATIONS, pairs), triplets]
}

fn statistics() -> Table {
    let mut table = Table::new(&schema::STATISTICS);
    for (source, r) in [("train", 0.99), ("vae", 0.93), ("independent", 0.02)] {
        let row = schema::STATISTICS
            .columns
            .iter()
            .map(|column| match column.name {
                "source" => Cell::from(source),
                "correlation_r" | "triplet_r" => r.into(),
                _ => 0.012.into(),
            });
        table.push(row.collect::<Vec<_>>()).unwrap();
    }
    table
}

fn latent_map(generator: &mut Generator) -> Table {
    let mut bins: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    for _ in 0..20_000 {
        let (x, y) = (noise(generator), noise(generator));
        let bin = (
            (x * 10.0).floor() as i64,
            ((0.6 * y + 0.3 * x * x) * 10.0).floor() as i64,
        );
        *bins.entry(bin).or_default() += 1;
    }
    let rows = bins.into_iter().map(|((x, y), samples)| {
        let centre = |bin: i64| (bin as f64 + 0.5) / 10.0;
        let cells: [Cell; 4] = [
            centre(x).into(),
            centre(y).into(),
            samples.into(),
            2.0.into(),
        ];
        cells
    });
    table(&schema::LATENT_MAP, rows)
}
