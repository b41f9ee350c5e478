//! The figures that analyses draw by themselves.

use super::{
    Drawing, FigureInput, PlotError, curves, heat, information, patterns, population, render,
    sweeps, theory,
};

/// A figure: its name, what it needs, and how it is built.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// Name of the figure, and of its file.
    pub name: &'static str,
    /// What it shows, for an index of the results.
    pub title: &'static str,
    /// Tables it reads, the first of which it cannot do without.
    pub tables: &'static [&'static str],
    build: fn(&FigureInput) -> Result<Option<Drawing>, PlotError>,
}

impl Figure {
    /// Builds the figure as plain data. `None` if the tables lack the rows it
    /// needs.
    ///
    /// # Errors
    ///
    /// [`PlotError::Table`] if a table lacks a column or has one of another kind.
    pub fn build(&self, input: &FigureInput) -> Result<Option<Drawing>, PlotError> {
        (self.build)(input)
    }

    /// Draws the figure as PNG bytes, 1200 x 800 pixels. `None` if the tables
    /// lack the rows it needs.
    ///
    /// # Errors
    ///
    /// As [`Figure::build`] and [`render`].
    pub fn draw(&self, input: &FigureInput) -> Result<Option<Vec<u8>>, PlotError> {
        self.build(input)?.as_ref().map(render).transpose()
    }
}

const FIGURES: &[Figure] = &[
    Figure {
        name: "overlap",
        title: "overlap of the recovered patterns",
        tables: &["patterns"],
        build: sweeps::overlap,
    },
    Figure {
        name: "gap",
        title: "gap between exact and learned log-likelihood",
        tables: &["likelihood"],
        build: sweeps::gap,
    },
    Figure {
        name: "rate",
        title: "rate of the latent channel",
        tables: &["likelihood"],
        build: sweeps::rate,
    },
    Figure {
        name: "thermodynamics",
        title: "averages of data and network, beside exact ones",
        tables: &["thermodynamics"],
        build: theory::thermodynamics,
    },
    Figure {
        name: "couplings",
        title: "couplings read off, over the true ones",
        tables: &["couplings"],
        build: theory::couplings,
    },
    Figure {
        name: "field",
        title: "distribution of the mean field, learned and exact",
        tables: &["field"],
        build: theory::field,
    },
    Figure {
        name: "information",
        title: "what latents carry and parts of the data share",
        tables: &["information"],
        build: information::information,
    },
    Figure {
        name: "information_size",
        title: "information against the number of sites",
        tables: &["information"],
        build: information::information_size,
    },
    Figure {
        name: "bound_slack",
        title: "slack of the certified inequality",
        tables: &["information"],
        build: information::bound_slack,
    },
    Figure {
        name: "verdict",
        title: "verdict over the sweep",
        tables: &["verdict"],
        build: information::verdict,
    },
    Figure {
        name: "overlap_map",
        title: "overlap of the recovered patterns over two swept parameters",
        tables: &["patterns"],
        build: heat::overlap_map,
    },
    Figure {
        name: "spectrum",
        title: "singular values of the half-logits",
        tables: &["spectrum"],
        build: curves::spectrum,
    },
    Figure {
        name: "learning_curves",
        title: "learning curves",
        tables: &["training"],
        build: curves::learning_curves,
    },
    Figure {
        name: "patterns",
        title: "true and recovered patterns",
        tables: &["pattern_sites"],
        build: patterns::patterns,
    },
    Figure {
        name: "active_count",
        title: "number of active sites",
        tables: &["active_count"],
        build: population::active_count,
    },
    Figure {
        name: "correlations",
        title: "pair correlations, models against data",
        tables: &["correlations", "statistics"],
        build: population::correlations,
    },
    Figure {
        name: "triplets",
        title: "triplet moments, models against data",
        tables: &["triplets", "statistics"],
        build: population::triplets,
    },
    Figure {
        name: "rates",
        title: "rates of the sites, models against data",
        tables: &["rates"],
        build: population::rates,
    },
    Figure {
        name: "latent_map",
        title: "where the encoder puts the test data",
        tables: &["latent_map"],
        build: heat::latent_map,
    },
];

/// All figures that are drawn without being asked for.
#[must_use]
pub fn figures() -> &'static [Figure] {
    FIGURES
}
