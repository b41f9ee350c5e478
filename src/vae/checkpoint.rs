//! Parameters and the state of a training as `safetensors`.
//!
//! Two kinds of file, both with a format number in their metadata: a *model*
//! (architecture and parameters) and a *training state* (current parameters,
//! Adam's moments, best parameters, history), from which a training goes on bit
//! for bit. Anything that is not such a file is an error, never a panic.

use std::collections::HashMap;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::architecture::Architecture;
use super::error::VaeError;
use super::optimiser::Adam;
use super::training::{EpochRecord, TrainingState};

/// Version of both file formats.
const FORMAT: &str = "latentfield-checkpoint-2";

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn values_of(name: &str, file: &SafeTensors<'_>) -> Result<Vec<f32>, VaeError> {
    let view = file
        .tensor(name)
        .map_err(|error| VaeError::checkpoint(format!("tensor `{name}`: {error}")))?;
    if view.dtype() != Dtype::F32 {
        return Err(VaeError::checkpoint(format!(
            "tensor `{name}` is {:?}, expected F32",
            view.dtype()
        )));
    }
    Ok(view
        .data()
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect())
}

/// Writes the named pieces of one or more parameter vectors.
fn write(
    architecture: &Architecture,
    vectors: &[(&str, &[f32])],
    mut metadata: HashMap<String, String>,
) -> Result<Vec<u8>, VaeError> {
    let layout = architecture.layout();
    let mut pieces = Vec::new();
    for (prefix, values) in vectors {
        for piece in &layout.pieces {
            pieces.push((
                format!("{prefix}{}", piece.name),
                piece.shape.clone(),
                bytes_of(&values[piece.range.clone()]),
            ));
        }
    }
    let described = serde_json::to_string(architecture)
        .map_err(|error| VaeError::checkpoint(error.to_string()))?;
    metadata.insert("format".into(), FORMAT.into());
    metadata.insert("architecture".into(), described);
    let views: Vec<(String, TensorView<'_>)> = pieces
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(Dtype::F32, shape.clone(), bytes)
                .map(|view| (name.clone(), view))
                .map_err(|error| VaeError::checkpoint(error.to_string()))
        })
        .collect::<Result<_, _>>()?;
    // One metadata pair only: the crate keeps them in a hash map, whose order
    // would make equal checkpoints differ in their bytes.
    let packed: std::collections::BTreeMap<_, _> = metadata.into_iter().collect();
    let packed =
        serde_json::to_string(&packed).map_err(|error| VaeError::checkpoint(error.to_string()))?;
    serialize(views, Some(HashMap::from([("latentfield".into(), packed)])))
        .map_err(|error| VaeError::checkpoint(error.to_string()))
}

/// Reads the metadata and checks the format.
fn open(bytes: &[u8]) -> Result<(SafeTensors<'_>, HashMap<String, String>), VaeError> {
    let problem = |error: String| VaeError::checkpoint(error);
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|error| problem(error.to_string()))?;
    let packed = header
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get("latentfield"))
        .ok_or_else(|| problem("no `latentfield` metadata".into()))?;
    let metadata: HashMap<String, String> =
        serde_json::from_str(packed).map_err(|error| problem(error.to_string()))?;
    match metadata.get("format").map(String::as_str) {
        Some(FORMAT) => {}
        found => {
            return Err(problem(format!(
                "format {found:?}, expected `{FORMAT}`; it was written by another version"
            )));
        }
    }
    let file = SafeTensors::deserialize(bytes).map_err(|error| problem(error.to_string()))?;
    Ok((file, metadata))
}

fn architecture_of(metadata: &HashMap<String, String>) -> Result<Architecture, VaeError> {
    let described = metadata
        .get("architecture")
        .ok_or_else(|| VaeError::checkpoint("no architecture"))?;
    serde_json::from_str(described).map_err(|error| VaeError::checkpoint(error.to_string()))
}

/// Reads one parameter vector back, piece by piece.
fn read(
    architecture: &Architecture,
    prefix: &str,
    file: &SafeTensors<'_>,
) -> Result<Vec<f32>, VaeError> {
    let layout = architecture.layout();
    let mut values = Vec::with_capacity(layout.length.min(file.len().saturating_mul(1 << 20)));
    for piece in &layout.pieces {
        let name = format!("{prefix}{}", piece.name);
        let read = values_of(&name, file)?;
        if read.len() != piece.range.len() {
            return Err(VaeError::checkpoint(format!(
                "tensor `{name}` has {} values, expected {}",
                read.len(),
                piece.range.len()
            )));
        }
        values.extend(read);
    }
    Ok(values)
}

/// A model as `safetensors` bytes.
///
/// # Errors
///
/// [`VaeError::Checkpoint`] if the library refuses the tensors.
pub fn model_to_bytes(
    architecture: &Architecture,
    parameters: &[f32],
) -> Result<Vec<u8>, VaeError> {
    write(architecture, &[("", parameters)], HashMap::new())
}

/// A model from its bytes.
///
/// # Errors
///
/// [`VaeError::Checkpoint`] if the bytes are not a model of this format.
pub fn model_from_bytes(bytes: &[u8]) -> Result<(Architecture, Vec<f32>), VaeError> {
    let (file, metadata) = open(bytes)?;
    let architecture = architecture_of(&metadata)?;
    let parameters = read(&architecture, "", &file)?;
    Ok((architecture, parameters))
}

/// The state of a training as `safetensors` bytes.
///
/// # Errors
///
/// [`VaeError::Checkpoint`] if the library refuses the tensors.
pub fn state_to_bytes(
    architecture: &Architecture,
    state: &TrainingState,
) -> Result<Vec<u8>, VaeError> {
    let history = serde_json::to_string(&state.history)
        .map_err(|error| VaeError::checkpoint(error.to_string()))?;
    let metadata = HashMap::from([
        ("epoch".to_owned(), state.epoch.to_string()),
        ("steps".to_owned(), state.adam.steps.to_string()),
        ("best_epoch".to_owned(), state.best_epoch.to_string()),
        ("history".to_owned(), history),
    ]);
    write(
        architecture,
        &[
            ("", &state.parameters),
            ("best.", &state.best),
            ("adam.first.", &state.adam.first),
            ("adam.second.", &state.adam.second),
        ],
        metadata,
    )
}

/// The state of a training from its bytes.
///
/// # Errors
///
/// [`VaeError::Checkpoint`] if the bytes are not a state of this format for
/// `architecture`.
pub fn state_from_bytes(
    architecture: &Architecture,
    bytes: &[u8],
) -> Result<TrainingState, VaeError> {
    let (file, metadata) = open(bytes)?;
    if architecture_of(&metadata)? != *architecture {
        return Err(VaeError::checkpoint("it belongs to another architecture"));
    }
    let number = |name: &str| -> Result<u64, VaeError> {
        metadata
            .get(name)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| VaeError::checkpoint(format!("no number `{name}`")))
    };
    let history: Vec<EpochRecord> = metadata
        .get("history")
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| VaeError::checkpoint("no history"))?;
    Ok(TrainingState {
        epoch: number("epoch")? as usize,
        parameters: read(architecture, "", &file)?,
        best: read(architecture, "best.", &file)?,
        best_epoch: number("best_epoch")? as usize,
        adam: Adam {
            first: read(architecture, "adam.first.", &file)?,
            second: read(architecture, "adam.second.", &file)?,
            steps: number("steps")?,
        },
        history,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configurations::Unit;
    use crate::random::stream;
    use crate::vae::architecture::{Activation, Prior};

    fn architecture() -> Architecture {
        Architecture {
            unit: Unit::Spin,
            sites: 4,
            latent: 2,
            encoder_hidden: vec![3],
            decoder_hidden: vec![],
            fields: None,
            activation: Activation::Tanh,
            prior: Prior::Mixture { components: 2 },
        }
    }

    fn state() -> TrainingState {
        let parameters = architecture().initial_parameters(&[0.0; 4], &mut stream("1", &[]));
        TrainingState {
            epoch: 3,
            best: parameters.iter().map(|v| v * 0.5).collect(),
            best_epoch: 2,
            adam: Adam {
                first: parameters.iter().map(|v| v + 1.0).collect(),
                second: parameters.iter().map(|v| v * v).collect(),
                steps: 99,
            },
            parameters,
            history: vec![EpochRecord {
                epoch: 1,
                validation_latent_rates: vec![0.1 + 0.2, 1.0 / 3.0],
                ..EpochRecord::default()
            }],
        }
    }

    #[test]
    fn a_state_comes_back_bit_for_bit() {
        let bytes = state_to_bytes(&architecture(), &state()).unwrap();
        assert_eq!(state_from_bytes(&architecture(), &bytes).unwrap(), state());
        assert_eq!(bytes, state_to_bytes(&architecture(), &state()).unwrap());
    }

    #[test]
    fn a_model_comes_back_bit_for_bit() {
        let parameters = state().parameters;
        let bytes = model_to_bytes(&architecture(), &parameters).unwrap();
        let (architecture_again, again) = model_from_bytes(&bytes).unwrap();
        assert_eq!((architecture_again, again), (architecture(), parameters));
    }

    #[test]
    fn damaged_bytes_are_errors() {
        let bytes = state_to_bytes(&architecture(), &state()).unwrap();
        assert!(state_from_bytes(&architecture(), &bytes[..bytes.len() / 2]).is_err());
        assert!(state_from_bytes(&architecture(), b"").is_err());
        let other = Architecture {
            latent: 1,
            ..architecture()
        };
        assert!(state_from_bytes(&other, &bytes).is_err());
        for position in 0..bytes.len().min(400) {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x41;
            // Any outcome but a panic: a flipped weight is a legal weight.
            let _ = state_from_bytes(&architecture(), &damaged);
        }
    }
}
