//! The code on which each stage depends, as the build script found it.

use crate::plan::Code;

/// For each file of this folder the parts of the code on which it depends, each with
/// its digest: see `build/code.rs`.
const CODE: &[(&str, Code)] = include!(concat!(env!("OUT_DIR"), "/code.rs"));

/// The code on which the stage in `module` depends, as `module_path!()` names it.
pub(super) fn code_of(module: &str) -> Code {
    let below = module.split("::stages::").nth(1).unwrap_or_default();
    let file = below.split("::").next().unwrap_or_default();
    let found = CODE.iter().find(|(known, _)| *known == file);
    found.map_or(&[], |(_, code)| code)
}
