//! Numbers that carry their first and second derivative with them.

use std::ops::{Add, Mul, Sub};

/// A function's value with its first and second derivative in one variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Jet {
    pub(super) value: f64,
    pub(super) first: f64,
    pub(super) second: f64,
}

impl Jet {
    pub(super) const ZERO: Self = Self::constant(0.0);

    /// The variable itself.
    pub(super) const fn variable(value: f64) -> Self {
        Self {
            value,
            first: 1.0,
            second: 0.0,
        }
    }

    pub(super) const fn constant(value: f64) -> Self {
        Self {
            value,
            first: 0.0,
            second: 0.0,
        }
    }

    /// A function of this, from the function's value and derivatives here.
    fn chain(self, value: f64, first: f64, second: f64) -> Self {
        Self {
            value,
            first: first * self.first,
            second: second * self.first.powi(2) + first * self.second,
        }
    }

    pub(super) fn scale(self, factor: f64) -> Self {
        Self {
            value: factor * self.value,
            first: factor * self.first,
            second: factor * self.second,
        }
    }

    pub(super) fn exp(self) -> Self {
        let value = self.value.exp();
        self.chain(value, value, value)
    }

    pub(super) fn exp_m1(self) -> Self {
        let slope = self.value.exp();
        self.chain(self.value.exp_m1(), slope, slope)
    }

    pub(super) fn ln(self) -> Self {
        let slope = self.value.recip();
        self.chain(self.value.ln(), slope, -slope * slope)
    }

    pub(super) fn ln_1p(self) -> Self {
        let slope = (1.0 + self.value).recip();
        self.chain(self.value.ln_1p(), slope, -slope * slope)
    }

    pub(super) fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        let slope = 0.5 / root;
        self.chain(root, slope, -0.5 * slope / self.value)
    }

    pub(super) fn sinh(self) -> Self {
        let (sinh, cosh) = (self.value.sinh(), self.value.cosh());
        self.chain(sinh, cosh, sinh)
    }
}

impl Add for Jet {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            value: self.value + other.value,
            first: self.first + other.first,
            second: self.second + other.second,
        }
    }
}

impl Sub for Jet {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + other.scale(-1.0)
    }
}

impl Mul for Jet {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self {
            value: self.value * other.value,
            first: self.first * other.value + self.value * other.first,
            second: self.second * other.value
                + 2.0 * self.first * other.first
                + self.value * other.second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_the_limits_of_differences() {
        let formula = |x: Jet| {
            let inner = (x.sinh() * x + Jet::constant(2.0)).sqrt();
            inner.ln() * x.exp() - (x * x).ln_1p() + x.scale(0.5).exp_m1()
        };
        let value = |x: f64| formula(Jet::constant(x)).value;
        for x in [0.2, 0.9, 1.7] {
            let step = 1e-4;
            let found = formula(Jet::variable(x));
            let first = (value(x + step) - value(x - step)) / (2.0 * step);
            let second = (value(x + step) - 2.0 * value(x) + value(x - step)) / (step * step);
            // Differences err by the step squared, and by rounding over the step squared.
            assert!((found.first - first).abs() < 1e-6, "{found:?}, {first}");
            assert!((found.second - second).abs() < 1e-5, "{found:?}, {second}");
        }
    }
}
