//! `schema`: the JSON Schema of a manifest, for editors.

use clap::Args;

use super::Outcome;
use super::diagnostic::put;
use crate::manifest;

#[derive(Debug, Args)]
pub(super) struct SchemaArguments {}

pub(super) fn main(_: &SchemaArguments) -> Outcome {
    put(&format!("{:#}", manifest::schema()));
    Outcome::Done
}
