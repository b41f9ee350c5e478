//! Forward and backward passes through a chain of dense layers.

use super::architecture::{Activation, Layer};
use super::kernel::{self, Operand, Target};

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

/// Runs `rows` inputs (`rows x inputs`, row-major) through the chain.
///
/// # Panics
///
/// Panics if `rows` exceeds the capacity of `outputs` or `input` has another shape.
pub(super) fn forward(
    layers: &[Layer],
    parameters: &[f32],
    rows: usize,
    input: &[f32],
    outputs: &mut Outputs,
) {
    assert!(rows <= outputs.capacity, "rows <= capacity");
    for (index, layer) in layers.iter().enumerate() {
        let (before, after) = outputs.layers.split_at_mut(index);
        let input = match before.last() {
            None => input,
            Some(previous) => &previous[..rows * layer.inputs],
        };
        let output = &mut after[0][..rows * layer.outputs];
        kernel::product(
            [rows, layer.inputs, layer.outputs],
            (input, Operand::Plain),
            (&parameters[layer.weight.clone()], Operand::Plain),
            (output, Target::Set),
        );
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
    /// Room for `capacity` rows of the widest layer, inputs included.
    pub(super) fn new(chains: &[&[Layer]], capacity: usize) -> Self {
        let width = chains
            .iter()
            .flat_map(|layers| layers.iter())
            .map(|layer| layer.inputs.max(layer.outputs))
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
/// On entry `deltas` holds the derivative of the loss to the last output; on
/// return, the derivative to the chain's input, unless the chain starts at the
/// data (`input_wanted` is [`InputGradient::Skip`]). Derivatives to weights and
/// biases are written (not added) into `gradient`.
pub(super) fn backward(
    layers: &[Layer],
    parameters: &[f32],
    (rows, input): (usize, &[f32]),
    outputs: &Outputs,
    deltas: &mut Deltas,
    gradient: &mut [f32],
    input_wanted: InputGradient,
) {
    for (index, layer) in layers.iter().enumerate().rev() {
        let output = &outputs.layers[index][..rows * layer.outputs];
        let input = match index.checked_sub(1) {
            None => input,
            Some(previous) => &outputs.layers[previous][..rows * layer.inputs],
        };
        let delta = &mut deltas.current[..rows * layer.outputs];
        match layer.activation {
            Activation::Tanh => kernel::back_tanh(delta, output),
            Activation::Relu => kernel::back_relu(delta, output),
            Activation::Softplus => kernel::back_softplus(delta, output),
            Activation::Identity => {}
        }
        kernel::product(
            [layer.inputs, rows, layer.outputs],
            (input, Operand::Transposed),
            (delta, Operand::Plain),
            (&mut gradient[layer.weight.clone()], Target::Set),
        );
        kernel::column_sums(delta, &mut gradient[layer.bias.clone()]);
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
