//! The inner loops of the network: matrix products and vectorised functions.
//!
//! Everything here works on plain slices, allocates nothing and runs on the
//! calling thread. Matrix products come from the `gemm` crate, which picks the
//! widest vectors of the machine at run time; the element-wise loops are compiled
//! once per instruction set and picked at run time too. Products with a matrix of
//! signs look their sums up instead ([`SignMatrix`]). Shapes are checked
//! before any pointer is made: this is the crate's one reviewed kernel.
//!
//! Accuracy, tested against `f64`: `exp` 3e-7 relative, `tanh`,
//! `softplus` and `sigmoid` 3e-7 absolute (relative to `max(1, |result|)`), `ln`
//! of the unit interval 1e-6 absolute, `cos` and `sin` 5e-7 absolute. The heads of
//! directors, `von_mises` and `bingham`, state theirs.

mod directional;
#[cfg(test)]
mod tests;

use crate::elementary::{cos_sin, exp, ln, ln_or_nan, sigmoid, softplus, tanh};

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
    let steps = |operand: Operand, across: usize, down: usize| match operand {
        Operand::Plain => [1, across],
        Operand::Transposed => [down, 1],
    };
    let left = (left, steps(left_operand, inner, rows));
    let right_steps = steps(right_operand, columns, inner);
    if (2..=4).contains(&columns) && left_operand == Operand::Plain && inner <= ROOM {
        // Column by column: each is a product of whole rows with a vector.
        let mut room = [0.0; ROOM];
        for column in 0..columns {
            let place = |k: usize| column * right_steps[0] + k * right_steps[1];
            let vector = &mut room[..inner];
            for (k, value) in vector.iter_mut().enumerate() {
                *value = right[place(k)];
            }
            let target = (&mut target[column..], [1, columns]);
            strided_product([rows, inner, 1], left, (vector, [inner, 1]), target, mode);
        }
        return;
    }
    let (shape, right) = ([rows, inner, columns], (right, right_steps));
    let fits = rows * columns <= ROOM && mode == Target::Set;
    if (2..=8).contains(&columns) && left_operand == Operand::Transposed && fits {
        // Columns first, for vectors along them; then turned over.
        let mut room = [0.0; ROOM];
        strided_product(shape, left, right, (&mut room, [rows, 1]), mode);
        for (row, target) in target.chunks_exact_mut(columns).enumerate() {
            for (column, target) in target.iter_mut().enumerate() {
                *target = room[column * rows + row];
            }
        }
        return;
    }
    strided_product(shape, left, right, (target, [1, columns]), mode);
}

/// Values of a thin product that are kept aside; longer ones go the general way.
const ROOM: usize = 2048;

/// [`product`] of matrices that lie in any order, given by the steps from column to
/// column and from row to row.
#[track_caller]
fn strided_product(
    [rows, inner, columns]: [usize; 3],
    (left, [left_column, left_row]): (&[f32], [usize; 2]),
    (right, [right_column, right_row]): (&[f32], [usize; 2]),
    (target, [target_column, target_row]): (&mut [f32], [usize; 2]),
    mode: Target,
) {
    // One more than the last element's place.
    let end = |rows: usize, columns: usize, column: usize, row: usize| match (rows, columns) {
        (0, _) | (_, 0) => 0,
        _ => (rows - 1) * row + (columns - 1) * column + 1,
    };
    assert!(end(rows, inner, left_column, left_row) <= left.len());
    assert!(end(inner, columns, right_column, right_row) <= right.len());
    assert!(end(rows, columns, target_column, target_row) <= target.len());
    let add = mode == Target::Add;
    // SAFETY: the three slices were just checked to hold every element that these
    // shapes and steps reach, and `target` is borrowed mutably, so it overlaps neither
    // operand.
    #[expect(unsafe_code, reason = "the matrix product takes raw pointers")]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            target.as_mut_ptr(),
            target_column as isize,
            target_row as isize,
            add,
            left.as_ptr(),
            left_column as isize,
            left_row as isize,
            right.as_ptr(),
            right_column as isize,
            right_row as isize,
            if add { 1.0 } else { 0.0 },
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Values that are worked on side by side: one AVX-512 register, two of AVX2.
const LANES: usize = 16;
/// `softplus` and `exp` of it are zero in single precision, next to anything.
const NOTHING: f32 = -200.0;

/// Up to [`LANES`] values of a slice, filled up with `padding`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn padded(values: &[f32], padding: f32) -> [f32; LANES] {
    let mut lanes = [padding; LANES];
    lanes[..values.len()].copy_from_slice(values);
    lanes
}

/// Sum of `term` over a slice, in [`LANES`] partial sums: a fixed order that
/// vectorises. The end is filled up with `padding`, whose term must be zero.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
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
        #[multiversion::multiversion(targets(
            "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma",
            "x86_64+avx2+fma",
            "aarch64+neon",
        ))]
        $visibility fn $name($($argument: $kind),*) $(-> $result)? {
            /// Whether one instruction multiplies and adds.
            #[allow(dead_code, reason = "not every function has something to fuse")]
            const FUSED: bool = cfg!(target_arch = "aarch64")
                || multiversion::target::target_cfg_f!(target_feature = "fma");
            $body
        }
    };
}

// Below the macro that they use.
mod bingham;
mod gaussians;
mod mixture;
mod signs;
mod von_mises;

pub(super) use bingham::{bingham_cost, bingham_cost_and_gradient, bingham_log_normaliser_sum};
pub(super) use gaussians::{log_gaussians, log_sum_of_exponentials};
pub(super) use mixture::{
    Gaussians, MixtureRoom, mixture_density_and_gradient, mixture_log_density,
};
pub(super) use signs::SignMatrix;
pub(super) use von_mises::{
    von_mises_cost, von_mises_cost_and_gradient, von_mises_log_normaliser_sum,
};

vectorised! {
    /// `values[r, c] = tanh(values[r, c] + bias[c])`, rows of `bias.len()`.
    pub(super) fn add_bias_tanh(values: &mut [f32], bias: &[f32]) {
        for row in values.chunks_exact_mut(bias.len()) {
            for (value, b) in row.iter_mut().zip(bias) {
                *value = tanh::<FUSED>(*value + b);
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
                *value = softplus::<FUSED>(*value + b);
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

/// `gradient[r, c] *= slope(output[r, c])`, then `sums[c] = sum over rows of
/// gradient[r, c]`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn carry_back(gradient: &mut [f32], output: &[f32], sums: &mut [f32], slope: impl Fn(f32) -> f32) {
    sums.fill(0.0);
    let rows = gradient.chunks_exact_mut(sums.len());
    for (gradient, output) in rows.zip(output.chunks_exact(sums.len())) {
        for ((sum, g), y) in sums.iter_mut().zip(gradient).zip(output) {
            *g *= slope(*y);
            *sum += *g;
        }
    }
}

vectorised! {
    /// Back through tanh, from its output: `gradient *= 1 - output^2`, and the sums
    /// over the rows of the result.
    pub(super) fn back_tanh(gradient: &mut [f32], output: &[f32], sums: &mut [f32]) {
        carry_back(gradient, output, sums, |y| 1.0 - y * y);
    }
}

vectorised! {
    /// Back through `max(0, x)`, from its output, and the sums over the rows.
    pub(super) fn back_relu(gradient: &mut [f32], output: &[f32], sums: &mut [f32]) {
        carry_back(gradient, output, sums, |y| if y > 0.0 { 1.0 } else { 0.0 });
    }
}

vectorised! {
    /// Back through softplus, from its output: `gradient *= 1 - exp(-output)`, and the
    /// sums over the rows of the result.
    pub(super) fn back_softplus(gradient: &mut [f32], output: &[f32], sums: &mut [f32]) {
        carry_back(gradient, output, sums, |y| 1.0 - exp::<FUSED>(-y));
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

/// Terms of a lane that are summed in single precision.
const DEPTH: usize = 64;
/// Terms that are summed in single precision.
const STRETCH: usize = DEPTH * LANES;

/// Sums of `softplus(x) = max(0, x) + ln(1 + exp(-|x|))`, lane by lane.
///
/// The logarithms are one logarithm of a product: of at most [`DEPTH`] factors
/// between 1 and 2, so that it stays finite, and its relative error is that of as many
/// roundings as a sum of the logarithms would have.
struct SoftplusSums {
    linear: [f32; LANES],
    product: [f32; LANES],
}

impl SoftplusSums {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "must take the caller's vector width")]
    fn new() -> Self {
        Self {
            linear: [0.0; LANES],
            product: [1.0; LANES],
        }
    }

    /// Sum over the lanes; not a number if any term was none.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "must take the caller's vector width")]
    fn total(mut self) -> f32 {
        for (linear, product) in self.linear.iter_mut().zip(&self.product) {
            *linear += ln_or_nan(*product);
        }
        self.linear.iter().sum()
    }
}

/// Adds `softplus(x)` to a lane's sums; returns `exp(-|x|)`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn add_softplus<const FUSED: bool>(linear: &mut f32, product: &mut f32, x: f32) -> f32 {
    let e = exp::<FUSED>(-x.abs());
    *linear += x.max(0.0);
    *product *= 1.0 + e;
    e
}

vectorised! {
    /// `-ln p(signs | logits)` of one configuration of independent units, nats:
    /// `sum of softplus(-sign * logit)`.
    pub(super) fn bernoulli_cost(logits: &[f32], signs: &[f32]) -> f32 {
        let mut total = 0.0;
        for (logits, signs) in logits.chunks(STRETCH).zip(signs.chunks(STRETCH)) {
            let SoftplusSums { mut linear, mut product } = SoftplusSums::new();
            let (logits, last_logits) = logits.as_chunks::<LANES>();
            let (signs, last_signs) = signs.as_chunks::<LANES>();
            for (logits, signs) in logits.iter().zip(signs) {
                for lane in 0..LANES {
                    add_softplus::<FUSED>(&mut linear[lane], &mut product[lane], -signs[lane] * logits[lane]);
                }
            }
            if !last_logits.is_empty() {
                let (logits, signs) = (padded(last_logits, -NOTHING), padded(last_signs, 1.0));
                for lane in 0..LANES {
                    add_softplus::<FUSED>(&mut linear[lane], &mut product[lane], -signs[lane] * logits[lane]);
                }
            }
            total += SoftplusSums { linear, product }.total();
        }
        total
    }
}

/// Adds `softplus(-sign * logit)` to a lane's sums, and replaces the logit by the
/// derivative to it, times `weight`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn add_cost<const FUSED: bool>(
    linear: &mut f32,
    product: &mut f32,
    logit: &mut f32,
    sign: f32,
    weight: f32,
) {
    let margin = -sign * *logit;
    let e = add_softplus::<FUSED>(linear, product, margin);
    let sigmoid = (if margin < 0.0 { e } else { 1.0 }) / (1.0 + e);
    *logit = -weight * sign * sigmoid;
}

vectorised! {
    /// Sum of [`bernoulli_cost`] over a batch, nats; replaces each logit by the
    /// sum's derivative to it, times `weight`.
    pub(super) fn bernoulli_cost_and_gradient(
        logits: &mut [f32],
        signs: &[f32],
        weight: f32,
    ) -> f64 {
        let mut total = 0.0;
        for (logits, signs) in logits.chunks_mut(STRETCH).zip(signs.chunks(STRETCH)) {
            let SoftplusSums { mut linear, mut product } = SoftplusSums::new();
            let (logits, last_logits) = logits.as_chunks_mut::<LANES>();
            let (signs, last_signs) = signs.as_chunks::<LANES>();
            for (logits, signs) in logits.iter_mut().zip(signs) {
                for lane in 0..LANES {
                    let (linear, product) = (&mut linear[lane], &mut product[lane]);
                    add_cost::<FUSED>(linear, product, &mut logits[lane], signs[lane], weight);
                }
            }
            for (lane, (logit, &sign)) in last_logits.iter_mut().zip(last_signs).enumerate() {
                add_cost::<FUSED>(&mut linear[lane], &mut product[lane], logit, sign, weight);
            }
            total += f64::from(SoftplusSums { linear, product }.total());
        }
        total
    }
}

vectorised! {
    /// Sum of `softplus(logit)`: the normaliser of independent units, nats.
    pub(super) fn softplus_sum(logits: &[f32]) -> f32 {
        let mut total = 0.0;
        for logits in logits.chunks(STRETCH) {
            let SoftplusSums { mut linear, mut product } = SoftplusSums::new();
            let (logits, last) = logits.as_chunks::<LANES>();
            for logits in logits {
                for lane in 0..LANES {
                    add_softplus::<FUSED>(&mut linear[lane], &mut product[lane], logits[lane]);
                }
            }
            if !last.is_empty() {
                let logits = padded(last, NOTHING);
                for lane in 0..LANES {
                    add_softplus::<FUSED>(&mut linear[lane], &mut product[lane], logits[lane]);
                }
            }
            total += SoftplusSums { linear, product }.total();
        }
        total
    }
}

vectorised! {
    /// Sum of the squares.
    pub(super) fn square_sum(values: &[f32]) -> f64 {
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

/// Writes the lowest bits of `half` as -1 and +1.
#[inline(always)]
#[expect(clippy::inline_always, reason = "must take the caller's vector width")]
fn write_signs(half: u32, signs: &mut [f32]) {
    for (place, sign) in (0_u32..).zip(signs) {
        // Bit 0 sets the sign bit of 1.0.
        let down = !(half >> place) & 1;
        *sign = f32::from_bits(1.0_f32.to_bits() | down << 31);
    }
}

vectorised! {
    /// Writes the bits of `words`, lowest first, as -1 and +1: one a value.
    pub(super) fn signs_of_bits(words: &[u64], signs: &mut [f32]) {
        let halves = words.iter().flat_map(|&word| [word as u32, (word >> 32) as u32]);
        for (half, signs) in halves.zip(signs.chunks_mut(32)) {
            match signs.as_mut_array::<32>() {
                Some(signs) => write_signs(half, signs),
                None => write_signs(half, signs),
            }
        }
    }
}

vectorised! {
    /// Replaces each value by the probability `1 / (1 + exp(-value))`.
    pub(super) fn sigmoid_in_place(values: &mut [f32]) {
        for value in values {
            *value = sigmoid::<FUSED>(*value);
        }
    }
}

vectorised! {
    /// Replaces each value by its exponential.
    pub(super) fn exp_in_place(values: &mut [f32]) {
        for value in values {
            *value = exp::<FUSED>(*value);
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
        (largest, sum_of(values, largest + NOTHING, |value| exp::<FUSED>(value - largest)))
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
