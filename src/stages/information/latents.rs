//! What the latents carry.

use super::super::data::DataSet;
use crate::engine::{StageError, TaskContext};
use crate::inference::Estimate;
use crate::tables::{Table, schema};
use crate::vae::{ElboRows, Vae};

/// Rate and information of the latents on the test configurations.
pub(super) struct Latents {
    /// Terms of the ELBO of every test configuration.
    pub(super) rows: ElboRows,
    /// R, of all of them.
    pub(super) rate: Estimate,
    /// `I_q(x; z)` from below, of those that are encoded.
    pub(super) information: Estimate,
    /// The same from above.
    pub(super) upper: Estimate,
    /// KL(q(z) || p(z)) from above, of those that are encoded.
    pub(super) divergence: Estimate,
    /// Whether each latent carries something.
    active: Vec<bool>,
    mean_variances: Vec<f64>,
}

/// An upper bound that is farther from the lower one is worth a warning, nats.
const WIDE: f64 = 0.1;

impl Latents {
    pub(super) fn of(
        task: &TaskContext<'_>,
        vae: &Vae,
        test: &DataSet,
        encoded: usize,
    ) -> Result<Self, StageError> {
        let rows = vae.elbo(&test.configurations, &mut task.stream("elbo"));
        task.check_cancelled()?;
        let encoded = test.thinned(encoded);
        let codes = vae.encode(&encoded.configurations);
        let found = vae.latent_information(&codes, &mut task.stream("aggregate posterior"));
        task.check_cancelled()?;
        let terms = found.rate.iter().zip(&found.lower);
        let divergence: Vec<f64> = terms.map(|(rate, lower)| rate - lower).collect();
        let information = encoded.mean(&found.lower)?;
        let upper = encoded.mean(&found.upper)?;
        if upper.value - information.value > WIDE {
            task.warn(format!(
                "the information of the latents lies between {:.2} and {:.2} nats: raise \
                 `analysis.information.encoded`",
                information.value, upper.value
            ));
        }
        Ok(Self {
            rate: test.mean(&rows.rate)?,
            rows,
            information,
            upper,
            divergence: encoded.mean(&divergence)?,
            active: found.active(),
            mean_variances: found.mean_variances,
        })
    }

    /// Number of latents that carry something.
    pub(super) fn active_units(&self) -> usize {
        self.active.iter().filter(|&&active| active).count()
    }

    /// The table `latents`.
    pub(super) fn table(&self) -> Result<Table, StageError> {
        let mut table = Table::new(&schema::LATENTS);
        for (latent, &active) in self.active.iter().enumerate() {
            table.push([
                latent.into(),
                self.rows.latent_rates[latent].into(),
                self.mean_variances[latent].into(),
                active.into(),
            ])?;
        }
        Ok(table)
    }
}
