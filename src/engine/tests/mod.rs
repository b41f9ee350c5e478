//! Whole runs of toy stages.

mod caching;
mod failing;
mod growth;
mod reporting;
mod sharing;
mod threads;
