//! What machine this is, for the record of a run.

use std::num::NonZero;

use super::memory;
use crate::engine::Machine;

/// The machine, without its name.
pub(super) fn machine() -> Machine {
    let cpu = std::fs::read_to_string("/proc/cpuinfo");
    Machine {
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpu: cpu.ok().and_then(|text| model_name(&text)),
        vector_instructions: vector_instructions(),
        cores: std::thread::available_parallelism().map_or(1, NonZero::get),
        memory_bytes: memory::limit(),
    }
}

/// `model name` of the first processor in `/proc/cpuinfo`.
fn model_name(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Those among which the vectorised loops, the matrix products and the system's
/// elementary functions choose.
#[cfg(target_arch = "x86_64")]
fn vector_instructions() -> Vec<String> {
    let known = [
        ("avx", std::is_x86_feature_detected!("avx")),
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ("avx512dq", std::is_x86_feature_detected!("avx512dq")),
        ("avx512vl", std::is_x86_feature_detected!("avx512vl")),
        ("avx512bw", std::is_x86_feature_detected!("avx512bw")),
    ];
    let there = known.into_iter().filter(|&(_, there)| there);
    there.map(|(name, _)| name.to_owned()).collect()
}

/// The same on every machine of another kind that this program runs on.
#[cfg(not(target_arch = "x86_64"))]
fn vector_instructions() -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::model_name;

    #[test]
    fn the_name_of_the_first_processor_is_read() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(model_name(text).as_deref(), Some("Some CPU @ 2.0GHz"));
        // Machines of other kinds have no such line, or an empty one.
        assert_eq!(model_name("processor\t: 0\n"), None);
        assert_eq!(model_name("model name\t:\n"), None);
    }
}
