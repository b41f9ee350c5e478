//! What all solvable models share: a field, sites that are independent in it.

use rand_distr::{Distribution, StandardNormal};

use crate::configurations::Configurations;
use crate::random::{Generator, uniform};

/// A model `p(x) ∝ exp(β |Y(x)|² / 2N - β E₁(x))` with `Y(x) = Σ_i y_i(x_i)` in K
/// dimensions and an external energy `E₁(x) = Σ_i e_i(x_i)`, which is mostly zero.
///
/// With a field `z` in K dimensions,
///
/// ```text
/// exp(β |Y|² / 2N) = E_{z ~ N(0, I)} exp(√(β/N) z·Y)
/// z | x ~ Normal(√(β/N) Y(x), I)
/// p(x_i | z) ∝ exp(h·y_i(x_i) - β e_i(x_i)),   h = √(β/N) z
/// ```
///
/// so a model says only how its sites are drawn in a field `h`.
pub trait MeanField: Sync {
    /// One configuration, with whatever memory drawing it needs.
    type Sites: Send;
    /// One configuration as it is kept.
    type Record: Send;

    /// The number of sites, N.
    fn sites(&self) -> usize;

    /// The dimension of the total feature, K.
    fn dimension(&self) -> usize;

    /// `ln Z` at `β = 0`, in nats: the log measure of all configurations.
    fn log_measure(&self) -> f64;

    /// A `β` at or below which the disordered phase is stable.
    fn ordering_beta(&self) -> f64;

    /// Memory for one configuration; its content is arbitrary.
    fn blank(&self) -> Self::Sites;

    /// Draws all sites independently from `exp(h·y_i(x_i) - β e_i(x_i))` times their
    /// measure.
    ///
    /// `field` is `h`, K numbers; `beta` counts in an external field only. The total feature `Y` of the new configuration
    /// is written to `total`, K numbers.
    fn draw_sites(
        &self,
        beta: f64,
        field: &[f32],
        sites: &mut Self::Sites,
        total: &mut [f64],
        generator: &mut Generator,
    );

    /// The external energy `E₁` of a configuration, in units of `J`.
    fn external_energy(&self, _sites: &Self::Sites) -> f64 {
        0.0
    }

    /// The external energy of the last proposal of [`MeanField::propose_jump`].
    fn proposed_external_energy(&self, _sites: &Self::Sites) -> f64 {
        0.0
    }

    /// Proposes a far-reaching move and writes the total feature it would give.
    ///
    /// A proposal and its reverse must be equally probable. Returns whether there
    /// is one; models without such a move need not say anything.
    fn propose_jump(
        &self,
        _sites: &mut Self::Sites,
        _total: &[f64],
        _proposed: &mut [f64],
        _generator: &mut Generator,
    ) -> bool {
        false
    }

    /// Makes the last proposal the configuration.
    fn accept_jump(&self, _sites: &mut Self::Sites) {}

    /// The configuration as it is kept.
    fn record(&self, sites: &Self::Sites) -> Self::Record;

    /// All configurations that were kept, one a row.
    fn collect(&self, records: Vec<Self::Record>) -> Configurations;
}

/// Field in which every site is all but certain to take its preferred state.
const ORDERING_FIELD: f32 = 50.0;

/// One configuration on its way through a Markov chain.
#[derive(Debug, Clone)]
pub struct Replica<S> {
    sites: S,
    total: Vec<f64>,
    proposed: Vec<f64>,
    field: Vec<f32>,
}

impl<S> Replica<S> {
    /// Draws a configuration at infinite temperature.
    pub fn random<M>(model: &M, generator: &mut Generator) -> Self
    where
        M: MeanField<Sites = S>,
    {
        let mut replica = Self::blank(model);
        replica.sweep(model, 0.0, generator);
        replica
    }

    /// Draws a configuration in a very strong field along one component of the total
    /// feature: all sites aligned with each other.
    ///
    /// # Panics
    ///
    /// Panics if there is no such component.
    #[track_caller]
    pub fn ordered<M>(model: &M, component: usize, generator: &mut Generator) -> Self
    where
        M: MeanField<Sites = S>,
    {
        let mut replica = Self::blank(model);
        replica.field[component] = ORDERING_FIELD;
        let (sites, total) = (&mut replica.sites, &mut replica.total);
        model.draw_sites(0.0, &replica.field, sites, total, generator);
        replica
    }

    fn blank<M>(model: &M) -> Self
    where
        M: MeanField<Sites = S>,
    {
        Self {
            sites: model.blank(),
            total: vec![0.0; model.dimension()],
            proposed: vec![0.0; model.dimension()],
            field: vec![0.0; model.dimension()],
        }
    }

    /// Draws the field given the sites, then all sites given the field.
    ///
    /// Leaves `exp(β |Y|² / 2N - β E₁)` invariant. `beta` is in units of `1/J`.
    pub fn sweep<M>(&mut self, model: &M, beta: f64, generator: &mut Generator)
    where
        M: MeanField<Sites = S>,
    {
        let coupling = beta / model.sites() as f64;
        let spread = coupling.sqrt();
        for (field, total) in self.field.iter_mut().zip(&self.total) {
            let noise: f64 = StandardNormal.sample(generator);
            *field = (coupling * total + spread * noise) as f32;
        }
        let (sites, total) = (&mut self.sites, &mut self.total);
        model.draw_sites(beta, &self.field, sites, total, generator);
    }

    /// Tries the model's far-reaching move, accepted by the Metropolis rule.
    pub fn jump<M>(&mut self, model: &M, beta: f64, generator: &mut Generator)
    where
        M: MeanField<Sites = S>,
    {
        if !model.propose_jump(&mut self.sites, &self.total, &mut self.proposed, generator) {
            return;
        }
        let gain = square(&self.proposed) - square(&self.total);
        let external =
            model.proposed_external_energy(&self.sites) - model.external_energy(&self.sites);
        let log_ratio = beta * (gain / (2.0 * model.sites() as f64) - external);
        if uniform(generator) < log_ratio.exp() {
            model.accept_jump(&mut self.sites);
            std::mem::swap(&mut self.total, &mut self.proposed);
        }
    }

    /// The energy `-|Y|² / 2N + E₁`, in units of `J`.
    pub fn energy<M>(&self, model: &M) -> f64
    where
        M: MeanField<Sites = S>,
    {
        model.external_energy(&self.sites) - square(&self.total) / (2.0 * model.sites() as f64)
    }

    /// The total feature `Y`, K numbers.
    #[must_use]
    pub fn total(&self) -> &[f64] {
        &self.total
    }

    /// The configuration.
    #[must_use]
    pub fn sites(&self) -> &S {
        &self.sites
    }
}

fn square(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum()
}
