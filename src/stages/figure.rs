//! `figure`: draws one figure from finished tables.
//!
//! Writes `<name>.png`, or nothing if the tables lack the rows that it needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::{Stage, StageError, TaskContext};
use crate::manifest::{Manifest, Point};
use crate::plan::{Code, FIGURE_STAGE, FigureRequest, Request, StageDefinition};
use crate::plots::{self, FigureInput, PlotRequest};
use crate::tables;

/// The stage.
pub(super) struct Draw;

/// What the plan hands over: the figure's name and what is drawn.
#[derive(Debug, Clone, Deserialize)]
struct Parameters {
    figure: String,
    drawing: Drawing,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Drawing {
    kind: Kind,
    title: String,
    axes: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// A figure that its analysis draws by itself.
    Own,
    /// A figure that the manifest asks for.
    Asked {
        title: Option<String>,
        table: String,
        x: String,
        y: String,
        series: Option<String>,
        error: Option<String>,
    },
}

/// The figures of a manifest: each analysis's own, and those of `[[plot]]`.
///
/// The plan leaves out those whose tables are not made.
#[must_use]
pub fn figure_requests(manifest: &Manifest) -> Vec<FigureRequest> {
    let request = |name: &str, tables: Vec<String>, kind: Kind| FigureRequest {
        name: name.to_owned(),
        tables,
        parameters: super::json(&Drawing {
            kind,
            title: manifest.experiment.title.clone(),
            axes: manifest.axes.iter().map(|axis| axis.name.clone()).collect(),
        }),
    };
    let own = plots::figures().iter().map(|figure| {
        let tables = figure.tables.iter().map(|&table| table.to_owned());
        request(figure.name, tables.collect(), Kind::Own)
    });
    let asked = manifest.plots.iter().map(|plot| {
        let kind = Kind::Asked {
            title: plot.title.clone(),
            table: plot.table.clone(),
            x: plot.x.clone(),
            y: plot.y.clone(),
            series: plot.series.clone(),
            error: plot.error.clone(),
        };
        request(&plot.name, vec![plot.table.clone()], kind)
    });
    own.chain(asked).collect()
}

impl StageDefinition for Draw {
    fn name(&self) -> &'static str {
        FIGURE_STAGE
    }

    fn version(&self) -> u32 {
        2
    }

    fn code(&self) -> Code {
        super::code_of(module_path!())
    }

    fn request(&self, _point: &Point) -> Option<Request> {
        None
    }

    fn tables(&self) -> &'static [&'static str] {
        &[]
    }
}

impl Stage for Draw {
    fn run(&self, task: &TaskContext<'_>) -> Result<(), StageError> {
        let Parameters { figure, drawing } = task.parameters()?;
        let mut read = BTreeMap::new();
        for name in task.roles() {
            let (table, _) = tables::from_bytes(&task.read(name, &format!("{name}.parquet"))?)?;
            read.insert(name.to_owned(), table);
        }
        let input = FigureInput {
            tables: &read,
            title: &drawing.title,
            axes: &drawing.axes,
        };
        match draw(&figure, drawing.kind, &input)? {
            Some(bytes) => task.write(&format!("{figure}.png"), &bytes),
            None => Ok(()),
        }
    }
}

/// The picture, or `None` if the tables lack the rows that it needs.
fn draw(name: &str, kind: Kind, input: &FigureInput<'_>) -> Result<Option<Vec<u8>>, StageError> {
    let image = match kind {
        Kind::Own => {
            let figure = plots::figures().iter().find(|figure| figure.name == name);
            figure
                .ok_or_else(|| StageError::failed(format!("no figure is called `{name}`")))?
                .draw(input)?
        }
        Kind::Asked {
            title,
            table,
            x,
            y,
            series,
            error,
        } => PlotRequest {
            name: name.to_owned(),
            title,
            table,
            x,
            y,
            series,
            error,
        }
        .draw(input)?,
    };
    Ok(image)
}
