//! Directors on a graph, and the two ways in which they move.

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::physics::lattice_chains::Start;
use crate::random::{Generator, uniform};

/// Sites and their neighbours, as many for each.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    degree: usize,
    neighbours: Vec<u32>,
}

impl Graph {
    /// A graph from the neighbours of each site in turn; a bond appears at both ends.
    pub(super) fn new(degree: usize, neighbours: Vec<u32>) -> Self {
        Self { degree, neighbours }
    }

    /// The simple cubic lattice of `side³` sites with periodic boundaries.
    pub(super) fn cubic(side: usize) -> Self {
        let area = side * side;
        let neighbours = (0..side * area).flat_map(|site| {
            let (x, y, z) = (site % side, site / side % side, site / area);
            let (next, last) = (|a| (a + 1) % side, |a| (a + side - 1) % side);
            let at = move |x: usize, y: usize, z: usize| (z * area + y * side + x) as u32;
            [
                at(next(x), y, z),
                at(last(x), y, z),
                at(x, next(y), z),
                at(x, last(y), z),
                at(x, y, next(z)),
                at(x, y, last(z)),
            ]
        });
        Self::new(6, neighbours.collect())
    }

    pub(super) fn sites(&self) -> usize {
        self.neighbours.len() / self.degree
    }

    pub(super) fn around(&self, site: usize) -> &[u32] {
        &self.neighbours[site * self.degree..][..self.degree]
    }
}

/// Directors in equilibrium with `H = -Σ_<ij> P_2(u_i·u_j)`.
#[derive(Debug, Clone)]
pub(super) struct Directors {
    graph: Graph,
    beta: f64,
    units: Vec<[f64; 3]>,
    /// Sites of a growing cluster, and the same as one flag a site.
    members: Vec<u32>,
    inside: Vec<bool>,
    generator: Generator,
}

impl Directors {
    pub(super) fn new(graph: Graph, beta: f64, start: Start, mut generator: Generator) -> Self {
        let sites = graph.sites();
        let units = (0..sites)
            .map(|_| match start {
                Start::Ordered => [0.0, 0.0, 1.0],
                Start::Disordered => random_director(&mut generator),
            })
            .collect();
        Self {
            graph,
            beta,
            units,
            members: Vec::with_capacity(sites),
            inside: vec![false; sites],
            generator,
        }
    }

    pub(super) fn units(&self) -> &[[f64; 3]] {
        &self.units
    }

    /// In units of `J`.
    pub(super) fn energy(&self) -> f64 {
        let mut energy = 0.0;
        for (site, &unit) in self.units.iter().enumerate() {
            // Every bond stands at both of its ends and counts at the first.
            for &neighbour in self.graph.around(site) {
                if neighbour as usize > site {
                    energy += bond_energy(unit, self.units[neighbour as usize]);
                }
            }
        }
        energy
    }

    /// Energy of the bonds of a site if it pointed along `unit`.
    fn site_energy(&self, site: usize, unit: [f64; 3]) -> f64 {
        let around = self.graph.around(site).iter();
        around
            .map(|&neighbour| bond_energy(unit, self.units[neighbour as usize]))
            .sum()
    }

    /// Tries a step at every site in turn; returns the share that was accepted.
    ///
    /// A step adds a point of the ball of radius `step` and goes back to the sphere.
    /// It depends on the angle alone, so that a step and its reverse are equally
    /// probable.
    pub(super) fn metropolis(&mut self, step: f64) -> f64 {
        let sites = self.units.len();
        let mut accepted = 0_u32;
        for site in 0..sites {
            let old = self.units[site];
            let noise = random_in_ball(&mut self.generator);
            let moved: [f64; 3] = std::array::from_fn(|k| old[k] + step * noise[k]);
            let length = dot(moved, moved).sqrt();
            if length < 1e-9 {
                continue;
            }
            let new = moved.map(|x| x / length);
            let change = self.site_energy(site, new) - self.site_energy(site, old);
            if change <= 0.0 || uniform(&mut self.generator) < (-self.beta * change).exp() {
                self.units[site] = new;
                accepted += 1;
            }
        }
        f64::from(accepted) / sites as f64
    }

    /// Reflects one cluster at a random plane; returns its size.
    ///
    /// The reflection `R` keeps the energy if it is applied to all sites. A neighbour
    /// `j` of a site `i` of the cluster joins with probability
    /// `1 - exp(-β max(0, E(Ru_i, u_j) - E(u_i, u_j)))`, which is the same for the
    /// reverse move; bonds at the edge that did not join give the ratio of Boltzmann
    /// weights, as in Wolff's cluster move for vectors.
    pub(super) fn reflect_one(&mut self) -> usize {
        let normal = random_director(&mut self.generator);
        let sites = self.units.len() as u64;
        let seed = (u128::from(self.generator.next_u64()) * u128::from(sites)) >> 64;
        self.join(seed as u32, normal);
        let mut done = 0;
        while done < self.members.len() {
            let site = self.members[done] as usize;
            done += 1;
            let after = self.units[site];
            let before = reflect(after, normal);
            for bond in 0..self.graph.degree {
                let neighbour = self.graph.around(site)[bond];
                if self.inside[neighbour as usize] {
                    continue;
                }
                let other = self.units[neighbour as usize];
                let change = bond_energy(after, other) - bond_energy(before, other);
                if change > 0.0 && uniform(&mut self.generator) >= (-self.beta * change).exp() {
                    self.join(neighbour, normal);
                }
            }
        }
        for &member in &self.members {
            self.inside[member as usize] = false;
        }
        self.members.clear();
        done
    }

    fn join(&mut self, site: u32, normal: [f64; 3]) {
        let unit = &mut self.units[site as usize];
        *unit = reflect(*unit, normal);
        self.inside[site as usize] = true;
        self.members.push(site);
    }

    /// All directors after one random rotation, an exact symmetry.
    pub(super) fn rotated(&mut self) -> Vec<[f64; 3]> {
        let rotation = random_rotation(&mut self.generator);
        let rotate = |unit: &[f64; 3]| rotation.map(|row| dot(row, *unit));
        self.units.iter().map(rotate).collect()
    }
}

/// `-P_2(u·v)`.
fn bond_energy(u: [f64; 3], v: [f64; 3]) -> f64 {
    let cosine = dot(u, v);
    0.5 - 1.5 * cosine * cosine
}

fn dot(u: [f64; 3], v: [f64; 3]) -> f64 {
    u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
}

/// Mirrors at the plane with this normal; twice is nothing.
fn reflect(unit: [f64; 3], normal: [f64; 3]) -> [f64; 3] {
    let along = 2.0 * dot(unit, normal);
    std::array::from_fn(|k| unit[k] - along * normal[k])
}

/// A point of the unit ball, uniform.
fn random_in_ball(generator: &mut Generator) -> [f64; 3] {
    loop {
        let point = [(); 3].map(|()| 2.0 * uniform(generator) - 1.0);
        if dot(point, point) <= 1.0 {
            return point;
        }
    }
}

/// A point of the unit sphere, uniform.
pub(super) fn random_director(generator: &mut Generator) -> [f64; 3] {
    loop {
        let point = random_in_ball(generator);
        let length = dot(point, point).sqrt();
        if length > 1e-3 {
            return point.map(|x| x / length);
        }
    }
}

/// A rotation, uniform: the matrix of a unit quaternion that is uniform.
fn random_rotation(generator: &mut Generator) -> [[f64; 3]; 3] {
    let normal: [f64; 4] = [(); 4].map(|()| StandardNormal.sample(generator));
    let length = normal.iter().map(|x| x * x).sum::<f64>().sqrt();
    let [w, x, y, z] = normal.map(|component| component / length);
    [
        [
            1.0 - 2.0 * (y * y + z * z),
            2.0 * (x * y - w * z),
            2.0 * (x * z + w * y),
        ],
        [
            2.0 * (x * y + w * z),
            1.0 - 2.0 * (x * x + z * z),
            2.0 * (y * z - w * x),
        ],
        [
            2.0 * (x * z - w * y),
            2.0 * (y * z + w * x),
            1.0 - 2.0 * (x * x + y * y),
        ],
    ]
}
