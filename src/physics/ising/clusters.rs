//! Cluster updates of one lattice: single clusters, and all of them at once.

use rand::Rng;

use crate::physics::lattice_chains::Start;
use crate::random::Generator;

/// One lattice that moves by clusters.
///
/// Aligned neighbours are joined with probability `1 - e^{-2β}`, rounded to a
/// multiple of 2⁻³²: detailed balance is exact at an inverse temperature that
/// differs from `β` by less than `2⁻³³ e^{2β}`.
#[derive(Debug, Clone)]
pub(super) struct Clusters {
    side: usize,
    /// 1 is up.
    spins: Vec<u8>,
    /// Right, left, below, above.
    neighbours: Vec<[u32; 4]>,
    /// A bond is joined if 32 random bits are below.
    threshold: u64,
    /// Members of a growing cluster, or the way to the root of each site.
    links: Vec<u32>,
    generator: Generator,
}

impl Clusters {
    pub(super) fn new(side: usize, beta: f64, start: Start, mut generator: Generator) -> Self {
        let sites = side * side;
        let spins = (0..sites)
            .map(|_| match start {
                Start::Ordered => 1,
                Start::Disordered => (generator.next_u64() >> 63) as u8,
            })
            .collect();
        let joined = -(-2.0 * beta).exp_m1();
        Self {
            side,
            spins,
            neighbours: (0..sites).map(|site| neighbours(site, side)).collect(),
            threshold: (joined * 2.0_f64.powi(32)).round() as u64,
            links: vec![0; sites + 4],
            generator,
        }
    }

    /// Flips one cluster that grows from a random site (Wolff); returns its size.
    pub(super) fn flip_one(&mut self) -> usize {
        let sites = self.spins.len() as u64;
        let (spins, links) = (&mut self.spins[..], &mut self.links[..]);
        let seed = (u128::from(self.generator.next_u64()) * u128::from(sites)) >> 64;
        let old = spins[seed as usize];
        spins[seed as usize] ^= 1;
        links[0] = seed as u32;
        let (mut done, mut size) = (0, 1);
        // A queue, not a stack: what is looked at next is known long before.
        while done < size {
            let around = self.neighbours[links[done] as usize];
            done += 1;
            let draws = [self.generator.next_u64(), self.generator.next_u64()];
            for (bond, neighbour) in around.into_iter().enumerate() {
                let draw = draws[bond / 2] >> (32 * (bond % 2)) & 0xffff_ffff;
                let spin = &mut spins[neighbour as usize];
                let joins = *spin == old && draw < self.threshold;
                *spin ^= u8::from(joins);
                links[size] = neighbour;
                size += usize::from(joins);
            }
        }
        size
    }

    /// Joins all aligned neighbours and turns each cluster over with probability
    /// 1/2 (Swendsen and Wang).
    pub(super) fn flip_all(&mut self) {
        let sites = self.spins.len();
        for (site, link) in (0..).zip(&mut self.links[..sites]) {
            *link = site;
        }
        for site in 0..sites {
            let draws = self.generator.next_u64();
            let [right, _, below, _] = self.neighbours[site];
            let joins = |neighbour: u32, draw: u64| {
                self.spins[neighbour as usize] == self.spins[site] && draw < self.threshold
            };
            let joined = [joins(right, draws >> 32), joins(below, draws & 0xffff_ffff)];
            for (neighbour, joined) in [right, below].into_iter().zip(joined) {
                if joined {
                    unite(&mut self.links, site as u32, neighbour);
                }
            }
        }
        // A root is the first site of its cluster, so it is met before the others.
        for site in 0..sites {
            let root = self.links[self.links[site] as usize];
            self.links[site] = root;
            self.spins[site] = if root as usize == site {
                (self.generator.next_u64() >> 63) as u8
            } else {
                self.spins[root as usize]
            };
        }
    }

    /// Turns all spins over with probability 1/2, an exact symmetry.
    pub(super) fn turn_over(&mut self) {
        let turned = (self.generator.next_u64() >> 63) as u8;
        self.spins.iter_mut().for_each(|spin| *spin ^= turned);
    }

    pub(super) fn sites(&self) -> usize {
        self.spins.len()
    }

    /// Energy in units of `J`, and the sum over all spins.
    pub(super) fn energy_and_sum(&self) -> (f64, f64) {
        energy_and_sum(&self.spins, self.side)
    }

    /// The lattice as the words of one row of a bit matrix.
    pub(super) fn row(&self) -> Vec<u64> {
        let words = self.spins.chunks(64);
        words
            .map(|chunk| {
                let bits = chunk.iter().enumerate();
                bits.fold(0, |word, (bit, &spin)| word | u64::from(spin) << bit)
            })
            .collect()
    }
}

/// Energy in units of `J` and sum of the spins of a torus of zeros and ones.
pub(super) fn energy_and_sum(spins: &[u8], side: usize) -> (f64, f64) {
    let sites = spins.len();
    let (mut differing, mut up) = (0_u64, 0_u64);
    for (row, line) in spins.chunks(side).enumerate() {
        let below = &spins[(row + 1) % side * side..][..side];
        let last = line[side - 1] ^ line[0];
        let right = line.windows(2).map(|pair| pair[0] ^ pair[1]);
        differing += right.map(u64::from).sum::<u64>() + u64::from(last);
        differing += line
            .iter()
            .zip(below)
            .map(|(a, b)| u64::from(a ^ b))
            .sum::<u64>();
        up += line.iter().map(|&spin| u64::from(spin)).sum::<u64>();
    }
    let energy = 2.0 * differing as f64 - 2.0 * sites as f64;
    (energy, 2.0 * up as f64 - sites as f64)
}

fn neighbours(site: usize, side: usize) -> [u32; 4] {
    let (row, column) = (site / side, site % side);
    [
        row * side + (column + 1) % side,
        row * side + (column + side - 1) % side,
        (row + 1) % side * side + column,
        (row + side - 1) % side * side + column,
    ]
    .map(|site| site as u32)
}

/// Makes one cluster of two; its root is the smaller of both.
fn unite(links: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(links, a), root(links, b));
    let (first, second) = (a.min(b), a.max(b));
    links[second as usize] = first;
}

/// The root of a site's cluster; shortens the way to it.
fn root(links: &mut [u32], mut site: u32) -> u32 {
    while links[site as usize] != site {
        let next = links[links[site as usize] as usize];
        links[site as usize] = next;
        site = next;
    }
    site
}
