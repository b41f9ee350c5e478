//! Whole runs of toy stages.

mod caching;
mod failing;
mod provenance;
mod reporting;
mod sharing;
mod threads;
