//! The devices on which burn computes, and which of them are built in.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{self, Tensor};

use super::error::VaeError;

/// A device on which an [`AutodiffEngine`](super::AutodiffEngine) computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The processor, with burn's own kernels (`flex`).
    Cpu,
    /// The first NVIDIA GPU.
    Cuda,
    /// The GPU that Vulkan, Metal or `DirectX` names first.
    Wgpu,
    /// The processor, with the kernels of `LibTorch`.
    Libtorch,
}

impl Device {
    /// Every device, built in or not.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Cuda, Self::Wgpu, Self::Libtorch];

    /// Its word in a manifest; for all but the CPU also the cargo feature that
    /// builds it in.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Wgpu => "wgpu",
            Self::Libtorch => "libtorch",
        }
    }

    /// Whether the program was built with it; this machine may lack it all the same.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        self.in_burn().is_some()
    }

    /// The device, after a first computation on it.
    ///
    /// # Errors
    ///
    /// [`VaeError::DeviceNotBuiltIn`] if the program was built without it,
    /// [`VaeError::DeviceUnavailable`] if that computation fails.
    pub(super) fn open(self) -> Result<tensor::Device, VaeError> {
        let name = self.name();
        let device = self
            .in_burn()
            .ok_or(VaeError::DeviceNotBuiltIn { device: name })?;
        // Where a GPU or its driver is missing, burn panics.
        let attempt = catch_unwind(AssertUnwindSafe(|| two_times_three(&device)));
        let reason = match attempt {
            Ok(Some(6.0)) => return Ok(device),
            Ok(Some(wrong)) => format!("2 times 3 came out as {wrong}"),
            Ok(None) => "it gave nothing back".to_owned(),
            Err(panic) => first_line(panic.as_ref()),
        };
        Err(VaeError::DeviceUnavailable {
            device: name,
            reason,
        })
    }

    fn in_burn(self) -> Option<tensor::Device> {
        match self {
            Self::Cpu => Some(tensor::Device::flex()),
            #[cfg(feature = "cuda")]
            Self::Cuda => Some(tensor::Device::cuda(0)),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Some(tensor::Device::wgpu(tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "libtorch")]
            Self::Libtorch => Some(libtorch()),
            #[cfg(not(all(feature = "cuda", feature = "wgpu", feature = "libtorch")))]
            _ => None,
        }
    }
}

#[cfg(feature = "libtorch")]
#[expect(deprecated, reason = "offered for as long as burn has it")]
fn libtorch() -> tensor::Device {
    tensor::Device::libtorch()
}

fn two_times_three(device: &tensor::Device) -> Option<f32> {
    let factors = Tensor::<1>::from_floats([2.0, 3.0], device);
    factors.prod().into_data().iter::<f32>().next()
}

fn first_line(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    let line = text.and_then(|text| text.lines().map(str::trim).find(|line| !line.is_empty()));
    line.unwrap_or("burn did not say why").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_in_one_line() {
        let boxed: [Box<dyn Any + Send>; 3] = [
            Box::new("\n  no driver\nnote: install one".to_owned()),
            Box::new("no driver"),
            Box::new(7),
        ];
        let told = boxed.map(|panic| first_line(panic.as_ref()));
        assert_eq!(told, ["no driver", "no driver", "burn did not say why"]);
    }
}
