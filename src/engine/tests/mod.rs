//! Whole runs of toy stages.

mod caching;
mod caring;
mod estimating;
mod explaining;
mod failing;
mod growth;
mod predicting;
mod provenance;
mod reporting;
mod sharing;
mod threads;
mod trust;
