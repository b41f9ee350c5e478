//! `data`: what is in a recording.

use super::Outcome;
use super::args::{DataArguments, OutputFormat};
use super::diagnostic::{self, put, say};
use crate::recording::{self, Axis, ReadRequest, RecordingError, SpikeTimes, Summary};
use crate::stages;

pub(super) fn main(arguments: &DataArguments) -> Outcome {
    match summarise(arguments) {
        Ok(()) => Outcome::Done,
        Err(error) => {
            diagnostic::error(&error);
            Outcome::Wrong
        }
    }
}

fn summarise(arguments: &DataArguments) -> Result<(), RecordingError> {
    let axes: Result<Vec<Axis>, _> = arguments.axes.iter().map(|axis| axis.parse()).collect();
    let request = ReadRequest {
        path: arguments.file.clone(),
        variable: arguments.variable.clone(),
        axes: axes?,
        repeats: arguments.repeats,
        spikes: spike_times(arguments)?,
        ..ReadRequest::default()
    };
    let recording = recording::read(&request, &stages::parquet_recording)?;
    for warning in recording.warnings() {
        say(&format!("warning: {warning}"));
    }
    let summary = recording::summary(&recording);
    match arguments.format {
        OutputFormat::Text => text(&summary),
        OutputFormat::Json => json(&summary),
    }
    Ok(())
}

/// How spikes are binned, if the file holds spikes.
fn spike_times(arguments: &DataArguments) -> Result<Option<SpikeTimes>, RecordingError> {
    let Some(bin_ms) = arguments.bin_ms.filter(|_| arguments.spike_times) else {
        return Ok(None);
    };
    let columns: Result<_, _> = arguments.columns.iter().map(|c| c.parse()).collect();
    Ok(Some(SpikeTimes {
        columns: columns?,
        time_unit: arguments.time_unit.parse()?,
        bin_ms,
        start_s: arguments.start_s,
        duration_s: arguments.duration_s,
    }))
}

fn text(summary: &Summary) {
    put(&format!(
        "{} time bins of {} cells; {} repeats of {} bins",
        summary.bins, summary.cells, summary.repeats, summary.bins_per_repeat
    ));
    put(&format!(
        "rate per bin: mean {:.6}, lowest {:.5}, median {:.5}, highest {:.5}",
        summary.mean_rate, summary.lowest_rate, summary.median_rate, summary.highest_rate
    ));
    put(&format!(
        "active cells K per bin: mean {:.4}, sd {:.4}, most {}; {} distinct words",
        summary.mean_active, summary.sd_active, summary.most_active, summary.distinct_words
    ));
    let correlation = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
    put(&format!(
        "autocorrelation of K: {} at the next bin, {} at the same bin of the next repeat",
        correlation(summary.next_bin_correlation),
        correlation(summary.next_repeat_correlation)
    ));
    if let Some([first, second]) = summary.halves {
        let sd = summary.sd_of_repeats;
        let what = sd.map_or("bins", |_| "repeats");
        let sd = sd.map_or(String::new(), |sd| {
            format!("; sd of a repeat's mean {sd:.4}")
        });
        put(&format!(
            "mean K: {first:.4} in the first half of the {what}, {second:.4} in the second{sd}"
        ));
    }
    put("   K  P(K)");
    for (k, probability) in summary.active_count.iter().enumerate() {
        if *probability > 0.0 {
            put(&format!("{k:>4}  {probability:.6}"));
        }
    }
}

fn json(summary: &Summary) {
    let value = serde_json::json!({
        "bins": summary.bins,
        "cells": summary.cells,
        "repeats": summary.repeats,
        "bins_per_repeat": summary.bins_per_repeat,
        "mean_rate": summary.mean_rate,
        "lowest_rate": summary.lowest_rate,
        "median_rate": summary.median_rate,
        "highest_rate": summary.highest_rate,
        "active_count": summary.active_count,
        "mean_active": summary.mean_active,
        "sd_active": summary.sd_active,
        "most_active": summary.most_active,
        "distinct_words": summary.distinct_words,
        "next_bin_correlation": summary.next_bin_correlation,
        "next_repeat_correlation": summary.next_repeat_correlation,
        "halves_mean_active": summary.halves,
        "sd_of_repeats": summary.sd_of_repeats,
    });
    put(&format!("{value:#}"));
}
