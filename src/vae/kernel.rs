//! The inner loops of the network: matrix products and vectorised functions.
//!
//! Everything here works on plain slices, allocates nothing and runs on the
//! calling thread. Matrix products come from the `gemm` crate, which picks the
//! widest vectors of the machine at run time; the element-wise loops are compiled
//! once per instruction set and picked at run time too. Shapes are checked
//! before any pointer is made: this is the crate's one reviewed kernel.
//!
//! Accuracy, tested in this file against `f64`: `exp` 3e-7 relative, `tanh`,
//! `softplus` and `sigmoid` 3e-7 absolute (relative to `max(1, |result|)`).

use multiversion::multiversion;

/// How an operand of [`product`] is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    /// As it lies: row-major, rows by columns.
    Plain,
    /// Transposed: the slice holds columns by rows.
    Transposed,
}

/// What happens to the target of [`product`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// It is overwritten.
    Set,
    /// The product is added to it.
    Add,
}

/// `target (rows x columns) = or += left (rows x inner) * right (inner x columns)`.
///
/// All matrices are row-major and dense; an operand marked
/// [`Operand::Transposed`] lies in memory as its transpose.
///
/// # Panics
///
/// Panics if a slice does not have the length of its shape.
#[track_caller]
pub(super) fn product(
    [rows, inner, columns]: [usize; 3],
    (left, left_operand): (&[f32], Operand),
    (right, right_operand): (&[f32], Operand),
    (target, mode): (&mut [f32], Target),
) {
    assert_eq!(left.len(), rows * inner, "left.len() == rows * inner");
    assert_eq!(
        right.len(),
        inner * columns,
        "right.len() == inner * columns"
    );
    assert_eq!(
        target.len(),
        rows * columns,
        "target.len() == rows * columns"
    );
    let strides = |operand: Operand, across: usize, down: usize| match operand {
        Operand::Plain => (1, across as isize),
        Operand::Transposed => (down as isize, 1),
    };
    let (left_column, left_row) = strides(left_operand, inner, rows);
    let (right_column, right_row) = strides(right_operand, columns, inner);
    let add = mode == Target::Add;
    // SAFETY: the three slices were just checked to hold every element that
    // these shapes and strides reach, and `target` is borrowed mutably, so it
    // overlaps neither operand.
    #[expect(unsafe_code, reason = "the matrix product takes raw pointers")]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            target.as_mut_ptr(),
            1,
            columns as isize,
            add,
            left.as_ptr(),
            left_column,
            left_row,
            right.as_ptr(),
            right_column,
            right_row,
            if add { 1.0 } else { 0.0 },
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// `exp(x)` for `x` clamped to `[-87, 88]`, in operations that vectorise.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, the Taylor series of `exp(r)` to
/// seventh order (remainder below 6e-9), and `2^n` put into the exponent bits.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut series = 1.0 / 5040.0;
    series = series * r + 1.0 / 720.0;
    series = series * r + 1.0 / 120.0;
    series = series * r + 1.0 / 24.0;
    series = series * r + 1.0 / 6.0;
    series = series * r + 0.5;
    series = series * r + 1.0;
    series = series * r + 1.0;
    // The low bits of `shifted` hold n in two's complement.
    let power = (shifted.to_bits() << 23).wrapping_add(0x3f80_0000);
    series * f32::from_bits(power)
}

/// `ln(1 + e)` for `e` in `[0, 1]`: `2 artanh(s)` with `s = e / (2 + e) <= 1/3`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn ln_1p(e: f32) -> f32 {
    let s = e / (2.0 + e);
    let t = s * s;
    let mut series = 2.0 / 13.0;
    series = series * t + 2.0 / 11.0;
    series = series * t + 2.0 / 9.0;
    series = series * t + 2.0 / 7.0;
    series = series * t + 2.0 / 5.0;
    series = series * t + 2.0 / 3.0;
    series = series * t + 2.0;
    series * s
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn tanh(x: f32) -> f32 {
    let e = exp(-2.0 * x.abs());
    ((1.0 - e) / (1.0 + e)).copysign(x)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn softplus(x: f32) -> f32 {
    x.max(0.0) + ln_1p(exp(-x.abs()))
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// Sums in sixteen partial sums, a fixed order that vectorises.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn sum_of(length: usize, term: impl Fn(usize) -> f32) -> f32 {
    let mut partial = [0.0_f32; 16];
    let whole = length - length % 16;
    for start in (0..whole).step_by(16) {
        for (lane, sum) in partial.iter_mut().enumerate() {
            *sum += term(start + lane);
        }
    }
    let mut total: f32 = partial.iter().sum();
    for index in whole..length {
        total += term(index);
    }
    total
}

macro_rules! vectorised {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$doc])*
        #[multiversion(targets(
            "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma",
            "x86_64+avx2+fma",
            "aarch64+neon",
        ))]
        $visibility fn $name($($argument: $kind),*) $(-> $result)? $body
    };
}

vectorised! {
    /// `values[r, c] = tanh(values[r, c] + bias[c])`, rows of `bias.len()`.
    pub(super) fn add_bias_tanh(values: &mut [f32], bias: &[f32]) {
        for row in values.chunks_exact_mut(bias.len()) {
            for (value, b) in row.iter_mut().zip(bias) {
                *value = tanh(*value + b);
            }
        }
    }
}

vectorised! {
    /// `values[r, c] = max(0, values[r, c] + bias[c])`.
    pub(super) fn add_bias_relu(values: &mut [f32], bias: &[f32]) {
        for row in values.chunks_exact_mut(bias.len()) {
            for (value, b) in row.iter_mut().zip(bias) {
                *value = (*value + b).max(0.0);
            }
        }
    }
}

vectorised! {
    /// `values[r, c] = ln(1 + exp(values[r, c] + bias[c]))`.
    pub(super) fn add_bias_softplus(values: &mut [f32], bias: &[f32]) {
        for row in values.chunks_exact_mut(bias.len()) {
            for (value, b) in row.iter_mut().zip(bias) {
                *value = softplus(*value + b);
            }
        }
    }
}

vectorised! {
    /// `values[r, c] += bias[c]`.
    pub(super) fn add_bias(values: &mut [f32], bias: &[f32]) {
        for row in values.chunks_exact_mut(bias.len()) {
            for (value, b) in row.iter_mut().zip(bias) {
                *value += b;
            }
        }
    }
}

vectorised! {
    /// `gradient *= 1 - output^2`: back through tanh, from its output.
    pub(super) fn back_tanh(gradient: &mut [f32], output: &[f32]) {
        for (g, y) in gradient.iter_mut().zip(output) {
            *g *= 1.0 - y * y;
        }
    }
}

vectorised! {
    /// Back through `max(0, x)`, from its output.
    pub(super) fn back_relu(gradient: &mut [f32], output: &[f32]) {
        for (g, y) in gradient.iter_mut().zip(output) {
            *g = if *y > 0.0 { *g } else { 0.0 };
        }
    }
}

vectorised! {
    /// `gradient *= 1 - exp(-output)`: back through softplus, from its output.
    pub(super) fn back_softplus(gradient: &mut [f32], output: &[f32]) {
        for (g, y) in gradient.iter_mut().zip(output) {
            *g *= 1.0 - exp(-y);
        }
    }
}

vectorised! {
    /// `sums[c] = sum over rows of values[r, c]`, rows of `sums.len()`.
    pub(super) fn column_sums(values: &[f32], sums: &mut [f32]) {
        sums.fill(0.0);
        for row in values.chunks_exact(sums.len()) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
    }
}

vectorised! {
    /// `-ln p(signs | logits)` of one configuration of independent units, nats:
    /// `sum of softplus(-sign * logit)`.
    pub(super) fn bernoulli_cost(logits: &[f32], signs: &[f32]) -> f32 {
        let signs = &signs[..logits.len()];
        sum_of(logits.len(), |i| softplus(-signs[i] * logits[i]))
    }
}

vectorised! {
    /// The same, and replaces each logit by the cost's derivative to it,
    /// times `weight`.
    pub(super) fn bernoulli_cost_and_gradient(logits: &mut [f32], signs: &[f32], weight: f32) -> f32 {
        let signs = &signs[..logits.len()];
        let cost = sum_of(logits.len(), |i| softplus(-signs[i] * logits[i]));
        for (logit, sign) in logits.iter_mut().zip(signs) {
            *logit = -weight * sign * sigmoid(-sign * *logit);
        }
        cost
    }
}

vectorised! {
    /// Sum of `softplus(logit)`: the normaliser of independent units, nats.
    pub(super) fn softplus_sum(logits: &[f32]) -> f32 {
        sum_of(logits.len(), |i| softplus(logits[i]))
    }
}

vectorised! {
    /// Replaces each value by the probability `1 / (1 + exp(-value))`.
    pub(super) fn sigmoid_in_place(values: &mut [f32]) {
        for value in values {
            *value = sigmoid(*value);
        }
    }
}

vectorised! {
    /// Replaces each value by its exponential.
    pub(super) fn exp_in_place(values: &mut [f32]) {
        for value in values {
            *value = exp(*value);
        }
    }
}

vectorised! {
    /// Largest value, and the sum of `exp(value - largest)`.
    pub(super) fn max_and_exp_sum(values: &[f32]) -> (f32, f32) {
        let mut lanes = [f32::NEG_INFINITY; 16];
        for chunk in values.chunks(16) {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane = if *value > *lane { *value } else { *lane };
            }
        }
        let largest = lanes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        (largest, sum_of(values.len(), |i| exp(values[i] - largest)))
    }
}

/// Constants of one Adam step, bias corrections included.
#[derive(Debug, Clone, Copy)]
pub(super) struct AdamStep {
    /// Learning rate over the first moment's bias correction.
    pub(super) rate: f32,
    /// One over the second moment's bias correction.
    pub(super) second_correction: f32,
    /// Factor on the gradient (clipping).
    pub(super) gradient_scale: f32,
}

/// Decay of the first moment (Kingma and Ba, arXiv:1412.6980, algorithm 1).
pub(super) const ADAM_BETA_1: f32 = 0.9;
/// Decay of the second moment.
pub(super) const ADAM_BETA_2: f32 = 0.999;
const ADAM_EPSILON: f32 = 1e-8;

vectorised! {
    /// One Adam step over the whole parameter vector.
    pub(super) fn adam(
        parameters: &mut [f32],
        gradient: &[f32],
        first: &mut [f32],
        second: &mut [f32],
        step: AdamStep,
    ) {
        let moments = first.iter_mut().zip(second);
        for ((p, g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
            let g = g * step.gradient_scale;
            *m = ADAM_BETA_1 * *m + (1.0 - ADAM_BETA_1) * g;
            *v = ADAM_BETA_2 * *v + (1.0 - ADAM_BETA_2) * g * g;
            *p -= step.rate * *m / ((*v * step.second_correction).sqrt() + ADAM_EPSILON);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> impl Iterator<Item = f32> {
        (-20_000..=20_000).map(|i| i as f32 * 0.002)
    }

    #[test]
    fn functions_keep_their_stated_accuracy() {
        for x in grid() {
            let exact = f64::from(x);
            let error =
                |value: f32, exact: f64| (f64::from(value) - exact).abs() / exact.abs().max(1.0);
            assert!(
                (f64::from(exp(x)) / exact.exp() - 1.0).abs() < 3e-7,
                "exp({x})"
            );
            assert!(error(tanh(x), exact.tanh()) < 3e-7, "tanh({x})");
            let soft = exact.max(0.0) + (-exact.abs()).exp().ln_1p();
            assert!(error(softplus(x), soft) < 3e-7, "softplus({x})");
            assert!(
                error(sigmoid(x), 1.0 / (1.0 + (-exact).exp())) < 3e-7,
                "sigmoid({x})"
            );
        }
    }

    #[test]
    fn extreme_arguments_stay_finite() {
        for x in [-1e30_f32, -200.0, 200.0, 1e30] {
            assert!(exp(x).is_finite() && tanh(x).is_finite() && softplus(x).is_finite());
        }
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn products_agree_with_the_definition_in_every_orientation() {
        let [rows, inner, columns] = [3, 4, 5];
        let left: Vec<f32> = (0..rows * inner).map(|i| (i as f32 * 0.7).sin()).collect();
        let right: Vec<f32> = (0..inner * columns)
            .map(|i| (i as f32 * 1.3).cos())
            .collect();
        let transpose = |m: &[f32], rows: usize, columns: usize| -> Vec<f32> {
            (0..rows * columns)
                .map(|i| m[(i % rows) * columns + i / rows])
                .collect()
        };
        for left_operand in [Operand::Plain, Operand::Transposed] {
            for right_operand in [Operand::Plain, Operand::Transposed] {
                let l = match left_operand {
                    Operand::Plain => left.clone(),
                    Operand::Transposed => transpose(&left, rows, inner),
                };
                let r = match right_operand {
                    Operand::Plain => right.clone(),
                    Operand::Transposed => transpose(&right, inner, columns),
                };
                let mut target = vec![1.0; rows * columns];
                product(
                    [rows, inner, columns],
                    (&l, left_operand),
                    (&r, right_operand),
                    (&mut target, Target::Add),
                );
                for row in 0..rows {
                    for column in 0..columns {
                        let exact: f32 = 1.0
                            + (0..inner)
                                .map(|k| left[row * inner + k] * right[k * columns + column])
                                .sum::<f32>();
                        assert!((target[row * columns + column] - exact).abs() < 1e-5);
                    }
                }
            }
        }
    }

    #[test]
    fn the_bernoulli_gradient_is_the_derivative_of_its_cost() {
        let logits: Vec<f32> = (0..37).map(|i| (i as f32 - 18.0) * 0.3).collect();
        let signs: Vec<f32> = (0..37)
            .map(|i| if i % 3 == 0 { 1.0 } else { -1.0 })
            .collect();
        let mut gradient = logits.clone();
        let cost = bernoulli_cost_and_gradient(&mut gradient, &signs, 2.0);
        assert!((cost - bernoulli_cost(&logits, &signs)).abs() < 1e-6 * cost);
        for (i, g) in gradient.iter().enumerate() {
            let x = f64::from(logits[i]);
            let s = f64::from(signs[i]);
            let exact = -2.0 * s / (1.0 + (s * x).exp());
            assert!((f64::from(*g) - exact).abs() < 1e-6);
        }
    }

    #[test]
    fn log_sum_exp_pieces_agree_with_f64() {
        let values: Vec<f32> = (0..77).map(|i| (i as f32 * 0.37).sin() * 30.0).collect();
        let (largest, sum) = max_and_exp_sum(&values);
        let exact: f64 = values.iter().map(|v| f64::from(v - largest).exp()).sum();
        assert!((f64::from(sum) / exact - 1.0).abs() < 1e-6);
    }
}
