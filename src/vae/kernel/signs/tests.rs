//! Sign products against the definition, in `f64`.

use super::*;
use crate::random::{Generator, stream, uniform};

fn signs(count: usize, generator: &mut Generator) -> Vec<f32> {
    let mut sign = |_| if uniform(generator) < 0.5 { -1.0 } else { 1.0 };
    (0..count).map(&mut sign).collect()
}

fn values(count: usize, generator: &mut Generator) -> Vec<f32> {
    (0..count)
        .map(|_| (2.0 * uniform(generator) - 1.0) as f32)
        .collect()
}

/// Checks `found (rows x width)` against `sum_k sign(row, k) * right[k]`.
#[track_caller]
fn assert_sums(
    found: &[f32],
    [rows, inner, width]: [usize; 3],
    sign: impl Fn(usize, usize) -> f32,
    right: &[f32],
) {
    // Each addition rounds by half of 2^-23 of a partial sum, and no partial sum
    // exceeds the sum of the magnitudes, at most `inner`. Terms pass two additions in
    // their table, and one for each group of four.
    let additions = 2.0 + inner.div_ceil(GROUP) as f64;
    let tolerance = additions * 0.5 * f64::from(f32::EPSILON) * inner as f64;
    for row in 0..rows {
        for column in 0..width {
            let exact: f64 = (0..inner)
                .map(|k| f64::from(sign(row, k)) * f64::from(right[k * width + column]))
                .sum();
            let error = (f64::from(found[row * width + column]) - exact).abs();
            assert!(
                error <= tolerance,
                "[{row}, {column}] of {rows} x {inner} x {width}: {error}"
            );
        }
    }
}

/// Both products of one random sign matrix, in a matrix with room for more.
fn check(matrix: &mut SignMatrix, [rows, columns, width]: [usize; 3], generator: &mut Generator) {
    let signs = signs(rows * columns, generator);
    matrix.load(rows, &signs);
    let right = values(columns * width, generator);
    let mut target = vec![f32::NAN; rows * width];
    matrix.product(&right, width, &mut target);
    let sign = |row, k| signs[row * columns + k];
    assert_sums(&target, [rows, columns, width], sign, &right);

    let right = values(rows * width, generator);
    let mut target = vec![f32::NAN; columns * width];
    matrix.transposed_product(&right, width, &mut target);
    let sign = |column, k| signs[k * columns + column];
    assert_sums(&target, [columns, rows, width], sign, &right);
}

#[test]
fn sign_products_agree_with_the_definition_at_every_remainder() {
    let mut generator = stream("signs", &["every remainder"]);
    for extent in 1..=70 {
        for shape in [[extent, 5, 3], [6, extent, 17], [9, 7, extent]] {
            check(
                &mut SignMatrix::new(shape[0], shape[1]),
                shape,
                &mut generator,
            );
        }
    }
}

#[test]
fn sign_products_agree_with_the_definition_on_random_shapes() {
    let mut generator = stream("signs", &["random shapes"]);
    let mut extent = || 1 + (70.0 * uniform(&mut generator)) as usize;
    let shapes: Vec<[usize; 3]> = (0..200).map(|_| [extent(), extent(), extent()]).collect();
    for shape in shapes {
        check(
            &mut SignMatrix::new(shape[0], shape[1]),
            shape,
            &mut generator,
        );
    }
}

#[test]
fn products_of_many_stretches_of_tables_agree_with_the_definition() {
    let mut generator = stream("signs", &["stretches"]);
    // 80 signs fill the tables once.
    for inner in [79, 80, 81, 160, 163, 400] {
        let shape = [33, inner, 40];
        check(&mut SignMatrix::new(33, inner), shape, &mut generator);
    }
}

#[test]
fn a_matrix_forgets_what_it_held_before() {
    let mut generator = stream("signs", &["again"]);
    let mut matrix = SignMatrix::new(30, 21);
    for rows in [30, 3, 17, 0, 30, 1] {
        check(&mut matrix, [rows, 21, 18], &mut generator);
    }
}

#[test]
fn every_code_turns_over() {
    for code in 0..=u16::MAX {
        let bit = |code: u16, row: u32, column: u32| code >> (4 * row + column) & 1;
        for (row, column) in (0..4).flat_map(|row| (0..4).map(move |column| (row, column))) {
            assert_eq!(bit(transpose(code), row, column), bit(code, column, row));
        }
    }
}
