//! Whole runs of toy stages.

mod caching;
mod caring;
mod estimating;
mod explaining;
mod failing;
mod predicting;
mod reporting;
mod sharing;
mod threads;
mod trust;
