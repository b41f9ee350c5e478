//! `model_…`: other models of the same data, beside the network.
//!
//! Each model is a stage of its own, so that models are fitted side by side and a
//! further one costs no other: `model_data` (the training data as the ceiling),
//! `model_<rival>` (fitted to the training data), `model_samples` (files with samples of
//! models that others fitted), `model_vae` (the network of the point), `model_effective`
//! (what was read off it). All are held
//! against the same test data, and write rows of the tables `models`, `model_counts`
//! and `model_correlations`.

mod effective;
mod network;
mod rivals;
mod samples;
mod yardstick;

pub(super) use samples::read_request;

use super::data::{self, DataSet};
use super::recording::RecordingDigest;
use super::report;
use crate::engine::Stage;
use crate::manifest::Point;
use crate::plan::Request;

/// The tables that all of them write.
const TABLES: &[&str] = &["models", "model_counts", "model_correlations"];

/// All stages of this file's folder.
pub(super) fn stages(digests: Vec<RecordingDigest>) -> Vec<Box<dyn Stage>> {
    let mut stages: Vec<Box<dyn Stage>> = vec![Box::new(samples::Ceiling)];
    for fit in rivals::ALL {
        stages.push(Box::new(fit));
    }
    stages.push(Box::new(samples::Samples::new(digests)));
    stages.push(Box::new(network::Network));
    stages.push(Box::new(effective::Effective));
    stages
}

/// A request that needs the point's data and nothing else.
fn of_data<T: serde::Serialize>(point: &Point, parameters: &T) -> Request {
    data::needing_data(Request::new(super::json(parameters)), point)
}
