//! The inner loops of the network: matrix products and vectorised functions.
//!
//! Everything here works on plain slices, allocates nothing and runs on the
//! calling thread. Matrix products come from the `gemm` crate, which picks the
//! widest vectors of the machine at run time; the element-wise loops are compiled
//! once per instruction set and picked at run time too. Shapes are checked
//! before any pointer is made: this is the crate's one reviewed kernel.
//!
//! Accuracy, tested in this file against `f64`: `exp` 3e-7 relative, `tanh`,
//! `softplus` and `sigmoid` 3e-7 absolute (relative to `max(1, |result|)`), `ln`
//! of the unit interval 1e-6 absolute, `cos` and `sin` 5e-7 absolute.

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

/// `ln(x)` for normal positive `x`: exponent and mantissa apart, the mantissa by
/// `2 artanh(s)` with `s = (m - 1) / (m + 1)`, `|s| < 0.172`.
#[inline(always)]
fn ln(x: f32) -> f32 {
    // Subtracting the bits of 1/sqrt(2) puts the mantissa between it and sqrt(2).
    let shifted = x.to_bits().wrapping_sub(0x3f35_04f3);
    let exponent = (shifted.cast_signed() >> 23) as f32;
    let m = f32::from_bits((shifted & 0x007f_ffff) + 0x3f35_04f3);
    let s = (m - 1.0) / (m + 1.0);
    let t = s * s;
    let mut series = 2.0 / 9.0;
    series = series * t + 2.0 / 7.0;
    series = series * t + 2.0 / 5.0;
    series = series * t + 2.0 / 3.0;
    series = series * t + 2.0;
    exponent * std::f32::consts::LN_2 + series * s
}

/// `(cos, sin)` of `2 pi turn` for `|turn| <= 1/2`: Taylor series on an eighth of
/// a turn, then the quadrant.
#[inline(always)]
fn cos_sin(turn: f32) -> (f32, f32) {
    const ROUND: f32 = 12_582_912.0;
    let shifted = 4.0 * turn + ROUND;
    let quadrant = shifted.to_bits();
    let x = (turn - 0.25 * (shifted - ROUND)) * std::f32::consts::TAU;
    let t = x * x;
    let mut sin = 1.0 / 362_880.0;
    sin = sin * t - 1.0 / 5040.0;
    sin = sin * t + 1.0 / 120.0;
    sin = sin * t - 1.0 / 6.0;
    sin = (sin * t + 1.0) * x;
    let mut cos = 1.0 / 40320.0;
    cos = cos * t - 1.0 / 720.0;
    cos = cos * t + 1.0 / 24.0;
    cos = cos * t - 0.5;
    cos = cos * t + 1.0;
    let odd = quadrant & 1 == 1;
    let (c, s) = (if odd { sin } else { cos }, if odd { cos } else { sin });
    // cos changes sign in the quadrants 1 and 2, sin in 2 and 3.
    let cos_sign = (quadrant + 1 & 2) << 30;
    let sin_sign = (quadrant & 2) << 30;
    let flip = |value: f32, sign: u32| f32::from_bits(value.to_bits() ^ sign);
    (flip(c, cos_sign), flip(s, sin_sign))
}

/// Values that are worked on side by side: one AVX-512 register, two of AVX2.
const LANES: usize = 16;
/// `softplus` and `exp` of it are zero in single precision, next to anything.
const NOTHING: f32 = -200.0;

/// Up to [`LANES`] values of a slice, filled up with `padding`.
#[inline(always)]
fn padded(values: &[f32], padding: f32) -> [f32; LANES] {
    let mut lanes = [padding; LANES];
    lanes[..values.len()].copy_from_slice(values);
    lanes
}

/// Sum of `term` over a slice, in [`LANES`] partial sums: a fixed order that
/// vectorises. The end is filled up with `padding`, whose term must be zero.
#[inline(always)]
fn sum_of(values: &[f32], padding: f32, term: impl Fn(f32) -> f32) -> f32 {
    let mut partial = [0.0_f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, &value) in partial.iter_mut().zip(chunk) {
            *sum += term(value);
        }
    }
    if !rest.is_empty() {
        for (sum, &value) in partial.iter_mut().zip(&padded(rest, padding)) {
            *sum += term(value);
        }
    }
    partial.iter().sum()
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
        let mut partial = [0.0_f32; LANES];
        let (logits, last_logits) = logits.as_chunks::<LANES>();
        let (signs, last_signs) = signs.as_chunks::<LANES>();
        for (logits, signs) in logits.iter().zip(signs) {
            for ((sum, logit), sign) in partial.iter_mut().zip(logits).zip(signs) {
                *sum += softplus(-sign * logit);
            }
        }
        let logits = padded(last_logits, -NOTHING);
        let signs = padded(last_signs, 1.0);
        for ((sum, logit), sign) in partial.iter_mut().zip(&logits).zip(&signs) {
            *sum += softplus(-sign * logit);
        }
        partial.iter().sum()
    }
}

/// `softplus(-sign * logit)`, and replaces the logit by the derivative to it,
/// times `weight`.
#[inline(always)]
fn cost_and_slope(logit: &mut f32, sign: f32, weight: f32) -> f32 {
    let margin = -sign * *logit;
    let e = exp(-margin.abs());
    let sigmoid = (if margin < 0.0 { e } else { 1.0 }) / (1.0 + e);
    *logit = -weight * sign * sigmoid;
    margin.max(0.0) + ln_1p(e)
}

vectorised! {
    /// Sum of [`bernoulli_cost`] over a batch, nats; replaces each logit by the
    /// sum's derivative to it, times `weight`.
    pub(super) fn bernoulli_cost_and_gradient(
        logits: &mut [f32],
        signs: &[f32],
        weight: f32,
    ) -> f64 {
        /// Terms that are summed in single precision.
        const STRETCH: usize = 64 * LANES;
        let mut total = 0.0;
        for (logits, signs) in logits.chunks_mut(STRETCH).zip(signs.chunks(STRETCH)) {
            let mut partial = [0.0_f32; LANES];
            let (logits, last_logits) = logits.as_chunks_mut::<LANES>();
            let (signs, last_signs) = signs.as_chunks::<LANES>();
            for (logits, signs) in logits.iter_mut().zip(signs) {
                for ((sum, logit), &sign) in partial.iter_mut().zip(logits).zip(signs) {
                    *sum += cost_and_slope(logit, sign, weight);
                }
            }
            for (logit, &sign) in last_logits.iter_mut().zip(last_signs) {
                partial[0] += cost_and_slope(logit, sign, weight);
            }
            total += f64::from(partial.iter().sum::<f32>());
        }
        total
    }
}

vectorised! {
    /// Sum of `softplus(logit)`: the normaliser of independent units, nats.
    pub(super) fn softplus_sum(logits: &[f32]) -> f32 {
        sum_of(logits, NOTHING, softplus)
    }
}

vectorised! {
    /// Sum of the squares.
    pub(super) fn square_sum(values: &[f32]) -> f64 {
        /// Terms that are summed in single precision.
        const STRETCH: usize = 64 * LANES;
        let parts = values.chunks(STRETCH);
        parts.map(|part| f64::from(sum_of(part, 0.0, |v| v * v))).sum()
    }
}

vectorised! {
    /// Turns uniform 32-bit numbers into pairs of independent standard normals
    /// (Box and Muller, Ann. Math. Stat. 29, 610 (1958)): `radius` and `angle`
    /// into `first` and `second`, all of equal length.
    ///
    /// The largest value is `sqrt(2 ln 2^33) = 6.76`; what lies beyond has a
    /// probability of 1e-11.
    pub(super) fn normals(radius: &[u32], angle: &[u32], first: &mut [f32], second: &mut [f32]) {
        const UNIT: f32 = 1.0 / 4_294_967_296.0;
        let numbers = radius.iter().zip(angle);
        let targets = first.iter_mut().zip(second);
        for ((&radius, &angle), (first, second)) in numbers.zip(targets) {
            let uniform = (radius as f32 + 0.5) * UNIT;
            let length = (-2.0 * ln(uniform)).max(0.0).sqrt();
            let (cos, sin) = cos_sin(angle.cast_signed() as f32 * UNIT);
            *first = length * cos;
            *second = length * sin;
        }
    }
}

vectorised! {
    /// Writes the bits of `words`, lowest first, as -1 and +1: one a value.
    pub(super) fn signs_of_bits(words: &[u64], signs: &mut [f32]) {
        for (signs, &word) in signs.chunks_mut(64).zip(words) {
            let (low, high) = signs.split_at_mut(signs.len().min(32));
            for (half, signs) in [(word as u32, low), ((word >> 32) as u32, high)] {
                for (place, sign) in (0_u32..).zip(signs) {
                    // Bit 0 sets the sign bit of 1.0.
                    let down = !(half >> place) & 1;
                    *sign = f32::from_bits(1.0_f32.to_bits() | down << 31);
                }
            }
        }
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
        let mut lanes = [f32::NEG_INFINITY; LANES];
        let (chunks, rest) = values.as_chunks::<LANES>();
        for chunk in chunks.iter().chain([&padded(rest, f32::NEG_INFINITY)]) {
            for (lane, &value) in lanes.iter_mut().zip(chunk) {
                *lane = if value > *lane { value } else { *lane };
            }
        }
        let largest = lanes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        (largest, sum_of(values, largest + NOTHING, |value| exp(value - largest)))
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
        let exact: f64 = logits
            .iter()
            .zip(&signs)
            .map(|(&l, &s)| (-f64::from(s) * f64::from(l)).exp().ln_1p())
            .sum();
        assert!((cost - exact).abs() < 1e-6 * exact);
        let again = f64::from(bernoulli_cost(&logits, &signs));
        assert!((again - exact).abs() < 1e-6 * exact);
        for (i, g) in gradient.iter().enumerate() {
            let x = f64::from(logits[i]);
            let s = f64::from(signs[i]);
            let exact = -2.0 * s / (1.0 + (s * x).exp());
            assert!((f64::from(*g) - exact).abs() < 1e-6);
        }
    }

    #[test]
    fn sums_agree_with_f64_at_every_length() {
        for length in [1, 15, 16, 17, 50, 100, 2500] {
            let values: Vec<f32> = (0..length)
                .map(|i| (i as f32 * 0.61 + 0.5).sin() * 5.0)
                .collect();
            let squares: f64 = values.iter().map(|&v| f64::from(v).powi(2)).sum();
            // At most 64 additions in a partial sum, each rounded by 6e-8.
            assert!((square_sum(&values) / squares - 1.0).abs() < 4e-6);
            let soft: f64 = values.iter().map(|&v| f64::from(v).exp().ln_1p()).sum();
            assert!(
                (f64::from(softplus_sum(&values)) / soft - 1.0).abs() < 1e-5,
                "{length}"
            );
        }
    }

    #[test]
    fn logarithm_and_circle_keep_their_accuracy() {
        for i in 1..100_000_u32 {
            let x = i as f32 * 1e-5;
            assert!(
                (f64::from(ln(x)) - f64::from(x).ln()).abs() < 1e-6,
                "ln({x})"
            );
            let turn = x - 0.5;
            let (cos, sin) = cos_sin(turn);
            let angle = f64::from(turn) * std::f64::consts::TAU;
            assert!((f64::from(cos) - angle.cos()).abs() < 5e-7, "cos, {turn}");
            assert!((f64::from(sin) - angle.sin()).abs() < 5e-7, "sin, {turn}");
        }
    }

    #[test]
    fn normals_have_the_moments_of_the_normal_distribution() {
        use rand::Rng;
        let n = 200_000;
        let mut generator = crate::random::stream("normals", &[]);
        let mut draw = || (0..n).map(|_| generator.next_u32()).collect::<Vec<u32>>();
        let (radius, angle) = (draw(), draw());
        let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
        normals(&radius, &angle, &mut first, &mut second);
        let mean = |f: &dyn Fn(f64, f64) -> f64| {
            let pairs = first.iter().zip(&second);
            pairs.map(|(&a, &b)| f(a.into(), b.into())).sum::<f64>() / n as f64
        };
        // Moment, exact value, variance of one draw; four standard errors.
        let moments: [(f64, f64, f64); 6] = [
            (mean(&|a, _| a), 0.0, 1.0),
            (mean(&|_, b| b), 0.0, 1.0),
            (mean(&|a, _| a * a), 1.0, 2.0),
            (mean(&|_, b| b * b), 1.0, 2.0),
            (mean(&|a, _| a.powi(4)), 3.0, 96.0),
            (mean(&|a, b| a * b), 0.0, 1.0),
        ];
        for (found, exact, variance) in moments {
            let tolerance = 4.0 * (variance / n as f64).sqrt();
            assert!((found - exact).abs() < tolerance, "{found} for {exact}");
        }
    }

    #[test]
    fn extreme_uniform_numbers_give_finite_normals() {
        let (mut first, mut second) = ([0.0; 2], [0.0; 2]);
        normals(
            &[0, u32::MAX],
            &[u32::MAX, 1 << 31],
            &mut first,
            &mut second,
        );
        assert!(first.iter().chain(&second).all(|v| v.abs() < 6.8));
    }

    #[test]
    fn bits_become_signs() {
        let words = [0b1011_u64 | 1 << 40, 0b10];
        let mut signs = [0.0; 67];
        signs_of_bits(&words, &mut signs);
        let up: Vec<usize> = (0..67).filter(|&i| signs[i] > 0.0).collect();
        assert_eq!(up, [0, 1, 3, 40, 65]);
        assert!(signs.iter().all(|s| s.abs().to_bits() == 1.0_f32.to_bits()));
    }

    #[test]
    fn log_sum_exp_pieces_agree_with_f64() {
        let values: Vec<f32> = (0..77).map(|i| (i as f32 * 0.37).sin() * 30.0).collect();
        let (largest, sum) = max_and_exp_sum(&values);
        let exact: f64 = values.iter().map(|v| f64::from(v - largest).exp()).sum();
        assert!((f64::from(sum) / exact - 1.0).abs() < 1e-6);
    }
}
