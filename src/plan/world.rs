//! Small points and stages for tests.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::manifest::{
    Activation, AnalysisSection, DecoderKind, Device, Engine, HopfieldSection, ModelSection,
    PatternSource, Point, PriorKind, SamplingMethod, SamplingSection, Scalar, System,
    TrainingSection, VaeSection,
};

use super::{FIGURE_STAGE, FigureRequest, Plan, Request, StageDefinition, TABLE_STAGE, build};

type Ask = Arc<dyn Fn(&Point) -> Option<Request> + Send + Sync>;

/// A stage that is nothing but its answers.
#[derive(Clone)]
pub(crate) struct Toy {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) tables: &'static [&'static str],
    pub(crate) ask: Ask,
}

impl Toy {
    pub(crate) fn new(
        name: &'static str,
        ask: impl Fn(&Point) -> Option<Request> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            version: 1,
            tables: &[],
            ask: Arc::new(ask),
        }
    }

    pub(crate) fn with_tables(self, tables: &'static [&'static str]) -> Self {
        Self { tables, ..self }
    }
}

impl StageDefinition for Toy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn request(&self, point: &Point) -> Option<Request> {
        (self.ask)(point)
    }

    fn tables(&self) -> &'static [&'static str] {
        self.tables
    }
}

/// Points over all `temperatures` and `latents`, replicates fastest.
pub(crate) fn points(temperatures: &[f64], latents: &[i64], replicates: u32) -> Vec<Point> {
    let mut points = Vec::new();
    for &temperature in temperatures {
        for &latent in latents {
            for replicate in 0..replicates {
                points.push(point(points.len(), temperature, latent, replicate));
            }
        }
    }
    points
}

fn point(index: usize, temperature: f64, latent: i64, replicate: u32) -> Point {
    Point {
        index,
        replicate,
        seed: 7,
        coordinates: vec![
            ("temperature".to_owned(), Scalar::Number(temperature)),
            ("latent".to_owned(), Scalar::Integer(latent)),
        ],
        system: System::Model {
            model: ModelSection::Hopfield(HopfieldSection {
                sites: 10,
                patterns: PatternSource::Drawn(1),
                temperature,
                field: 0.0,
                correlation: 0.0,
            }),
            sampling: SamplingSection {
                samples: 100,
                test_samples: 10,
                method: SamplingMethod::Auto,
            },
        },
        vae: vae(usize::try_from(latent).unwrap()),
        analysis: AnalysisSection::default(),
    }
}

fn vae(latent: usize) -> VaeSection {
    VaeSection {
        latent,
        hidden: vec![4],
        encoder_hidden: vec![4],
        activation: Activation::Tanh,
        decoder: DecoderKind::Mlp,
        fields: None,
        prior: PriorKind::Normal,
        components: None,
        training: TrainingSection {
            epochs: 1,
            batch: 10,
            learning_rate: 1e-3,
            final_learning_rate_fraction: 0.1,
            kl_warmup_epochs: 0,
            gradient_clip: 1.0,
            patience: 0,
            validation_fraction: 0.1,
            fresh_samples: false,
            checkpoint_epochs: 1,
            engine: Engine::Auto,
            device: Device::Cpu,
        },
    }
}

/// The value of a swept parameter of `point`.
pub(crate) fn coordinate(point: &Point, name: &str) -> Value {
    let found = point.coordinates.iter().find(|(known, _)| known == name);
    match &found.unwrap().1 {
        Scalar::Integer(value) => json!(value),
        Scalar::Number(value) => json!(value),
        Scalar::Text(value) => json!(value),
        Scalar::Flag(value) => json!(value),
        Scalar::Missing => Value::Null,
    }
}

/// `sample` reads the temperature and the replicate, `train` the latents,
/// `likelihood` nothing; then a table and a figure.
pub(crate) fn toys() -> Vec<Toy> {
    let sample = |point: &Point| {
        let temperature = coordinate(point, "temperature");
        Some(Request::new(json!({
            "temperature": temperature, "replicate": point.replicate, "seed": point.seed,
        })))
    };
    let train = |point: &Point| {
        let parameters = json!({ "latent": coordinate(point, "latent") });
        Some(Request::new(parameters).needing("samples", "sample"))
    };
    let likelihood = |_: &Point| {
        let request = Request::new(json!({})).needing("network", "train");
        Some(request.needing("samples", "sample"))
    };
    vec![
        Toy::new("sample", sample),
        Toy::new("train", train),
        Toy::new("likelihood", likelihood).with_tables(&["likelihood"]),
        Toy::new(TABLE_STAGE, |_| None),
        Toy::new(FIGURE_STAGE, |_| None),
    ]
}

/// A figure of the table `likelihood`.
pub(crate) fn figure() -> FigureRequest {
    FigureRequest {
        name: "gap".to_owned(),
        tables: vec!["likelihood".to_owned()],
        parameters: json!({ "x": "temperature" }),
    }
}

pub(crate) fn definitions(toys: &[Toy]) -> Vec<&dyn StageDefinition> {
    toys.iter().map(|toy| toy as &dyn StageDefinition).collect()
}

/// `sample → train → likelihood` for each of `count` points, then one table.
pub(crate) fn chain_plan(count: u32) -> Plan {
    build(&points(&[1.0], &[2], count), &definitions(&toys()), &[]).unwrap()
}
