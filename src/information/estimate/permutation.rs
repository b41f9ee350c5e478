//! Random orders.

use crate::random::{Generator, uniform};

/// The numbers below `count` in random order.
pub(super) fn shuffled(count: usize, generator: &mut Generator) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    shuffle(&mut order, generator);
    order
}

/// Puts a list into random order (Fisher and Yates).
pub(super) fn shuffle(order: &mut [usize], generator: &mut Generator) {
    for last in (1..order.len()).rev() {
        let other = (uniform(generator) * (last + 1) as f64) as usize;
        order.swap(last, other.min(last));
    }
}
