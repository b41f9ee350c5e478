//! Whole runs of toy stages.

mod caching;
mod failing;
mod reporting;
mod sharing;
mod threads;
mod trust;
