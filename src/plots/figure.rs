//! The figures that analyses draw by themselves.

use super::{
    Drawing, FigureInput, PlotError, curves, dimension, effective, heat, information, landscape,
    models, movie, patterns, population, render, sweeps, theory,
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
    Figure {
        name: "models",
        title: "models of the data side by side",
        tables: &["models"],
        build: models::models_figure,
    },
    Figure {
        name: "model_counts",
        title: "number of active sites, models and data",
        tables: &["model_counts"],
        build: models::model_counts,
    },
    Figure {
        name: "model_correlations",
        title: "pair correlations, a panel a model",
        tables: &["model_correlations", "models"],
        build: models::model_correlations,
    },
    Figure {
        name: "latents",
        title: "how many latents the data ask for",
        tables: &["likelihood", "statistics", "likelihood_blocks"],
        build: dimension::latents,
    },
    Figure {
        name: "collective_variables",
        title: "how many collective variables are needed",
        tables: &["collective_variables"],
        build: dimension::collective_variables,
    },
    Figure {
        name: "effective_patterns",
        title: "patterns of the effective model",
        tables: &["effective_sites", "effective_patterns"],
        build: effective::effective_patterns,
    },
    Figure {
        name: "collective_potential",
        title: "collective potential along each pattern",
        tables: &["collective_potential"],
        build: effective::collective_potential,
    },
    Figure {
        name: "landscape",
        title: "energy landscape and its basins",
        tables: &["landscape", "basins"],
        build: landscape::landscape,
    },
    Figure {
        name: "basin_patterns",
        title: "activity of the sites in the basins",
        tables: &["basin_sites", "basins"],
        build: landscape::basin_patterns,
    },
    Figure {
        name: "movie",
        title: "basins and collective variables along the movie",
        tables: &["movie"],
        build: movie::movie,
    },
    Figure {
        name: "stimulus",
        title: "what the stimulus explains",
        tables: &["stimulus"],
        build: movie::stimulus,
    },
];

/// All figures that are drawn without being asked for.
#[must_use]
pub fn figures() -> &'static [Figure] {
    FIGURES
}
