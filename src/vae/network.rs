//! Forward and backward passes through a chain of dense layers.

use super::architecture::{Activation, Layer};
use super::kernel::{self, Operand, SignMatrix, Target};
use crate::configurations::Unit;

/// What enters a chain: one batch.
#[derive(Debug, Clone, Copy)]
pub(super) enum Input<'a> {
    /// Any numbers: `rows x inputs`, row-major.
    Values(&'a [f32]),
    /// Numbers that are +1 or -1.
    Signs(&'a SignMatrix),
}

impl Input<'_> {
    /// `target (rows x outputs) = input (rows x inputs) * weight`.
    fn product(self, rows: usize, layer: &Layer, weight: &[f32], target: &mut [f32]) {
        match self {
            Self::Values(values) => kernel::product(
                [rows, layer.inputs, layer.outputs],
                (values, Operand::Plain),
                (weight, Operand::Plain),
                (target, Target::Set),
            ),
            Self::Signs(signs) => signs.product(weight, layer.outputs, target),
        }
    }

    /// `target (inputs x outputs) = input^T * delta (rows x outputs)`.
    fn transposed_product(self, rows: usize, layer: &Layer, delta: &[f32], target: &mut [f32]) {
        match self {
            Self::Values(values) => kernel::product(
                [layer.inputs, rows, layer.outputs],
                (values, Operand::Transposed),
                (delta, Operand::Plain),
                (target, Target::Set),
            ),
            Self::Signs(signs) => signs.transposed_product(delta, layer.outputs, target),
        }
    }
}

/// Takes the features of a batch to the encoder: those of spins are packed, the
/// others pass.
#[derive(Debug, Clone)]
pub(super) struct Intake {
    signs: Option<SignMatrix>,
}

impl Intake {
    /// Room for up to `capacity` rows of so many features of `unit`.
    #[must_use]
    pub(super) fn new(unit: Unit, capacity: usize, features: usize) -> Self {
        Self {
            signs: (unit == Unit::Spin).then(|| SignMatrix::new(capacity, features)),
        }
    }

    /// Takes in a batch: `rows x features`, row-major.
    ///
    /// # Panics
    ///
    /// Panics if there are more rows of spins than the capacity.
    pub(super) fn load(&mut self, rows: usize, features: &[f32]) {
        if let Some(signs) = &mut self.signs {
            signs.load(rows, features);
        }
    }

    /// The batch that was taken in last, whose `features` these are.
    #[must_use]
    pub(super) fn input<'a>(&'a self, features: &'a [f32]) -> Input<'a> {
        match &self.signs {
            Some(signs) => Input::Signs(signs),
            None => Input::Values(features),
        }
    }
}

/// Outputs of every layer of a chain for one batch; reused between batches.
#[derive(Debug, Clone)]
pub(super) struct Outputs {
    layers: Vec<Vec<f32>>,
    capacity: usize,
}

impl Outputs {
    /// Room for `capacity` rows through `layers`.
    #[must_use]
    pub(super) fn new(layers: &[Layer], capacity: usize) -> Self {
        Self {
            layers: layers
                .iter()
                .map(|layer| vec![0.0; capacity * layer.outputs])
                .collect(),
            capacity,
        }
    }

    /// Output of the last layer: `rows x outputs`, row-major.
    #[must_use]
    pub(super) fn last(&mut self, rows: usize) -> &mut [f32] {
        match self.layers.last_mut() {
            Some(values) => {
                let width = values.len() / self.capacity.max(1);
                &mut values[..rows * width]
            }
            None => &mut [],
        }
    }
}

/// Runs `rows` inputs through the chain.
///
/// # Panics
///
/// Panics if `rows` exceeds the capacity of `outputs` or `input` has another shape.
pub(super) fn forward(
    layers: &[Layer],
    parameters: &[f32],
    rows: usize,
    input: Input<'_>,
    outputs: &mut Outputs,
) {
    assert!(rows <= outputs.capacity, "rows <= capacity");
    for (index, layer) in layers.iter().enumerate() {
        let (before, after) = outputs.layers.split_at_mut(index);
        let input = match before.last() {
            None => input,
            Some(previous) => Input::Values(&previous[..rows * layer.inputs]),
        };
        let output = &mut after[0][..rows * layer.outputs];
        input.product(rows, layer, &parameters[layer.weight.clone()], output);
        let bias = &parameters[layer.bias.clone()];
        match layer.activation {
            Activation::Tanh => kernel::add_bias_tanh(output, bias),
            Activation::Relu => kernel::add_bias_relu(output, bias),
            Activation::Softplus => kernel::add_bias_softplus(output, bias),
            Activation::Identity => kernel::add_bias(output, bias),
        }
    }
}

/// Two buffers that hold derivatives to the layers' outputs, turn by turn.
#[derive(Debug, Clone)]
pub(super) struct Deltas {
    current: Vec<f32>,
    next: Vec<f32>,
}

impl Deltas {
    /// Room for `capacity` rows of the widest input of a layer.
    pub(super) fn new(chains: &[&[Layer]], capacity: usize) -> Self {
        let width = chains
            .iter()
            .flat_map(|layers| layers.iter())
            .map(|layer| layer.inputs)
            .max()
            .unwrap_or(0);
        Self {
            current: vec![0.0; capacity * width],
            next: vec![0.0; capacity * width],
        }
    }

    /// The derivatives in hand: `length` values.
    pub(super) fn current(&mut self, length: usize) -> &mut [f32] {
        &mut self.current[..length]
    }
}

/// Carries derivatives back through the chain.
///
/// On entry the last of `outputs` has been replaced by the derivative of the loss to
/// it, the last layer's sums (its activation is [`Activation::Identity`]). On return
/// `deltas` holds the derivative to the chain's input, unless the chain starts at the
/// data (`input_wanted` is [`InputGradient::Skip`]). Derivatives to weights and
/// biases are written (not added) into `gradient`.
pub(super) fn backward(
    layers: &[Layer],
    parameters: &[f32],
    (rows, input): (usize, Input<'_>),
    outputs: &mut Outputs,
    deltas: &mut Deltas,
    gradient: &mut [f32],
    input_wanted: InputGradient,
) {
    for (index, layer) in layers.iter().enumerate().rev() {
        let (before, after) = outputs.layers.split_at_mut(index);
        let output = &mut after[0][..rows * layer.outputs];
        let bias = &mut gradient[layer.bias.clone()];
        let delta = if index + 1 == layers.len() {
            kernel::column_sums(output, bias);
            output
        } else {
            let delta = &mut deltas.current[..rows * layer.outputs];
            match layer.activation {
                Activation::Tanh => kernel::back_tanh(delta, output, bias),
                Activation::Relu => kernel::back_relu(delta, output, bias),
                Activation::Softplus => kernel::back_softplus(delta, output, bias),
                Activation::Identity => kernel::column_sums(delta, bias),
            }
            delta
        };
        let input = match before.last() {
            None => input,
            Some(previous) => Input::Values(&previous[..rows * layer.inputs]),
        };
        input.transposed_product(rows, layer, delta, &mut gradient[layer.weight.clone()]);
        if index > 0 || input_wanted == InputGradient::Compute {
            kernel::product(
                [rows, layer.outputs, layer.inputs],
                (delta, Operand::Plain),
                (&parameters[layer.weight.clone()], Operand::Transposed),
                (&mut deltas.next[..rows * layer.inputs], Target::Set),
            );
            std::mem::swap(&mut deltas.current, &mut deltas.next);
        }
    }
}

/// Whether [`backward`] goes on to the derivative to the chain's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputGradient {
    /// The input is another part of the network.
    Compute,
    /// The input is data.
    Skip,
}
