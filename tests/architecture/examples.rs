//! Short texts that break the rules, or look as if they did.

/// Where a wrong text would lie, the text, and the line and name that are found.
pub(super) const WRONG: &[(&str, &str, usize, &str)] = &[
    (
        "plan/a.rs",
        "use crate::engine::Store;",
        2,
        "crate::engine::Store",
    ),
    (
        "plan/a.rs",
        "use crate::{manifest::Point,\n  vae::{self, Vae as V}};",
        3,
        "crate::vae::Vae",
    ),
    (
        "plan/a.rs",
        "fn f() {\n  crate::engine::run();\n}",
        3,
        "crate::engine::run",
    ),
    (
        "plan/a.rs",
        "fn f(x: &'static crate::vae::Vae) {}",
        2,
        "crate::vae::Vae",
    ),
    (
        "engine/store/a.rs",
        "use super::super::super::plots::Figure;",
        2,
        "crate::plots::Figure",
    ),
    (
        "engine/a.rs",
        "use super::super::stages::*;",
        2,
        "crate::stages::*",
    ),
    (
        "main.rs",
        "fn main() { latentfield::plan::build() }",
        2,
        "crate::plan::build",
    ),
    ("lib.rs", "pub use self::vae::Vae;", 2, "crate::vae::Vae"),
    (
        "bits.rs",
        "type T = Vec<crate::random::Generator>;",
        2,
        "crate::random::Generator",
    ),
    ("novel/mod.rs", "", 1, "novel"),
    (
        "physics/a.rs",
        "use burn::tensor::Tensor;",
        2,
        "burn::tensor::Tensor",
    ),
    (
        "stages/a.rs",
        "type F = polars_core::frame::DataFrame;",
        2,
        "polars_core::frame::DataFrame",
    ),
    (
        "manifest/a.rs",
        "\n#[derive(clap::Parser)]\nstruct A;",
        3,
        "clap::Parser",
    ),
    (
        "manifest/load.rs",
        "use ::figment::Figment;",
        2,
        "figment::Figment",
    ),
    (
        "physics/a.rs",
        "use std::{fmt, time::Instant};",
        2,
        "std::time::Instant",
    ),
    (
        "inference/a.rs",
        "fn f() { tracing::info!(\"x\") }",
        2,
        "tracing::info",
    ),
    ("vae/a.rs", "use std::fs::File;", 2, "std::fs::File"),
    (
        "cli/show.rs",
        "use std::fs;\nfn f() { fs::write(a, b); }",
        3,
        "fs::write",
    ),
    (
        "engine/log.rs",
        "use std::fs::{File, rename};",
        2,
        "std::fs::rename",
    ),
    (
        "recording/read.rs",
        "fn f() { File::create(a); }",
        2,
        "File::create",
    ),
    (
        "plots/a.rs",
        "fn f() { BitMapBackend::new(a, b); }",
        2,
        "BitMapBackend::new",
    ),
    (
        "stages/a.rs",
        "fn f() {\n  println!(\"{}\", 1);\n}",
        3,
        "println",
    ),
    ("stages/a.rs", "use std::io::stdout;", 2, "std::io::stdout"),
    (
        "vae/model.rs",
        "fn f() { let c = '\"'; unsafe { g() } }",
        2,
        "unsafe",
    ),
];

/// Where a right text would lie, and the text.
pub(super) const RIGHT: &[(&str, &str)] = &[
    (
        "plan/a.rs",
        "use crate::manifest::Point;\nuse super::key::Key;",
    ),
    (
        "plan/a.rs",
        "/// As [`crate::engine::Store`] does.\nfn f() {} // crate::vae",
    ),
    (
        "plan/a.rs",
        "/* crate::vae /* nested */ std::fs */ fn f() {}",
    ),
    ("plan/a.rs", "const A: &str = \"crate::vae \\\" println!\";"),
    (
        "plan/a.rs",
        "const A: &str = r#\"crate::vae \" println!\"#;",
    ),
    (
        "plan/a.rs",
        "const A: [char; 2] = ['\\'', '\"']; fn f<'a>(x: &'a str) {}",
    ),
    (
        "plan/a.rs",
        "#[cfg(test)]\n#[expect(a, reason = \"b\")]\nmod tests {\n use crate::vae::Vae;\n}",
    ),
    (
        "plan/a.rs",
        "#[cfg(test)]\nfn f(x: [u8; 2]) -> Vec<u8> { std::fs::read(x) }\nfn g() {}",
    ),
    ("plan/a.rs", "fn print() { plots::print() }"),
    (
        "vae/kernel.rs",
        "#[expect(unsafe_code)]\nfn f() { unsafe { g() } }",
    ),
    ("vae/model.rs", "#![expect(unsafe_code)]"),
    ("engine/store/a.rs", "fn f() { std::fs::write(a, b); }"),
    ("recording/read.rs", "fn f() { std::fs::File::open(a); }"),
    ("cli/a.rs", "fn f() { eprintln!(); std::io::stdout(); }"),
    (
        "vae/a.rs",
        "use burn::tensor::Tensor;\nuse crate::inference::LogWeights;",
    ),
];
