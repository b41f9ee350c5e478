//! The kernel against `f64` and against definitions.

use super::*;

fn grid() -> impl Iterator<Item = f32> {
    (-20_000..=20_000).map(|i| i as f32 * 0.002)
}

fn assert_accurate<const FUSED: bool>() {
    for x in grid() {
        let exact = f64::from(x);
        let error =
            |value: f32, exact: f64| (f64::from(value) - exact).abs() / exact.abs().max(1.0);
        assert!(
            (f64::from(exp::<FUSED>(x)) / exact.exp() - 1.0).abs() < 3e-7,
            "exp({x})"
        );
        assert!(error(tanh::<FUSED>(x), exact.tanh()) < 3e-7, "tanh({x})");
        let soft = exact.max(0.0) + (-exact.abs()).exp().ln_1p();
        assert!(error(softplus::<FUSED>(x), soft) < 3e-7, "softplus({x})");
        assert!(
            error(sigmoid::<FUSED>(x), 1.0 / (1.0 + (-exact).exp())) < 3e-7,
            "sigmoid({x})"
        );
    }
}

#[test]
fn functions_keep_their_stated_accuracy_fused_or_not() {
    assert_accurate::<false>();
    assert_accurate::<true>();
}

fn assert_finite<const FUSED: bool>() {
    for x in [-1e30_f32, -200.0, 200.0, 1e30] {
        assert!(exp::<FUSED>(x).is_finite());
        assert!(tanh::<FUSED>(x).is_finite() && softplus::<FUSED>(x).is_finite());
    }
    assert!(exp::<FUSED>(f32::NAN).is_nan());
}

#[test]
fn extreme_arguments_stay_finite_fused_or_not() {
    assert_finite::<false>();
    assert_finite::<true>();
}

/// Checks `target = left * right`, or `+=`, in every orientation.
#[track_caller]
fn check_products([rows, inner, columns]: [usize; 3], mode: Target) {
    let (before, sum) = match mode {
        Target::Set => (f32::NAN, 0.0),
        Target::Add => (1.0, 1.0),
    };
    // At most `inner + 1` terms of magnitude one, each rounded as a product and as a sum.
    let tolerance = f64::from(f32::EPSILON) * (inner as f64 + 1.0).powi(2);
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
            let mut target = vec![before; rows * columns];
            product(
                [rows, inner, columns],
                (&l, left_operand),
                (&r, right_operand),
                (&mut target, mode),
            );
            for row in 0..rows {
                for column in 0..columns {
                    let terms = (0..inner).map(|k| {
                        f64::from(left[row * inner + k]) * f64::from(right[k * columns + column])
                    });
                    let exact = sum + terms.sum::<f64>();
                    let error = (f64::from(target[row * columns + column]) - exact).abs();
                    assert!(error < tolerance, "{rows} x {inner} x {columns}: {error}");
                }
            }
        }
    }
}

#[test]
fn products_agree_with_the_definition_in_every_orientation() {
    for mode in [Target::Set, Target::Add] {
        check_products([3, 4, 5], mode);
        for columns in 1..=20 {
            check_products([17, 40, columns], mode);
            check_products([columns, 33, 18], mode);
        }
        // Beyond the room for thin products, in rows and in inner length.
        check_products([1100, 3, 2], mode);
        check_products([2, 2100, 3], mode);
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
fn a_logit_that_is_no_number_is_seen_in_every_sum() {
    for (length, place) in [(16, 3), (37, 36), (1500, 1300)] {
        let mut logits = vec![0.5; length];
        let signs = vec![-1.0; length];
        logits[place] = f32::NAN;
        assert!(softplus_sum(&logits).is_nan());
        assert!(bernoulli_cost(&logits, &signs).is_nan());
        let cost = bernoulli_cost_and_gradient(&mut logits, &signs, 1.0);
        assert!(cost.is_nan() && logits[place].is_nan());
    }
}

#[test]
fn costs_agree_with_f64_where_logits_are_small_or_huge() {
    // More than one stretch, and logarithms of products at both ends: factors of 2
    // throughout, and of 1.
    for logit in [0.0_f32, 1e-3, 30.0, -30.0, 200.0, -200.0] {
        let length = 2100;
        let (mut logits, signs) = (vec![logit; length], vec![1.0; length]);
        let x = -f64::from(logit);
        let exact = length as f64 * (x.max(0.0) + (-x.abs()).exp().ln_1p());
        // Each `1 + exp(-|x|)` rounds by up to 2^-24, and so does each product; 80
        // additions in sequence, of lanes and then over them, round by 5e-6 of the sum.
        let tolerance = 1e-5 * exact + 2.0 * length as f64 * 2.0_f64.powi(-24);
        let cost = f64::from(bernoulli_cost(&logits, &signs));
        assert!((cost - exact).abs() < tolerance, "{logit}: {cost}, {exact}");
        let cost = bernoulli_cost_and_gradient(&mut logits, &signs, 1.0);
        assert!((cost - exact).abs() < tolerance, "{logit}: {cost}, {exact}");
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
