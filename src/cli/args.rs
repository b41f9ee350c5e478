//! The words of the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::completions;

/// Is there a mean-field theory behind these samples, and which one?
#[derive(Debug, Parser)]
#[command(name = "latentfield", version, about, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 a stage failed, a check that was asked for did not hold, or a cluster \
refused or gave no answer, 2 manifest or command line wrong, 3 store in use or damaged, 130 interrupted."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run what a manifest asks for and is not there yet; write tables and plots
    Run(RunArguments),
    /// Say what `run` would do, and why, without doing it
    Plan(PlanArguments),
    /// Validate a manifest: every problem at once
    Check(CheckArguments),
    /// Show what is in a recording
    Data(DataArguments),
    /// Print a table in the terminal
    Show(super::show::ShowArguments),
    /// Say what differs between the tables of results folders
    Compare(super::compare::CompareArguments),
    /// Care for the store: list it, verify it, remove what nobody needs
    Cache(super::cache::CacheArguments),
    /// Send the missing work of a manifest to a cluster
    Submit(super::cluster::SubmitArguments),
    /// Say what each point is at that was sent to a cluster
    Status(super::cluster::StatusArguments),
    /// End what was sent to a cluster
    Cancel(super::cluster::CancelArguments),
    /// Do a share of the work, as a job of a cluster does
    Work(super::cluster::WorkArguments),
    /// Show every value that a manifest comes to, and where it came from
    ShowConfig(super::show_config::ShowConfigArguments),
    /// Print the JSON Schema of a manifest, for editors
    Schema(super::schema::SchemaArguments),
    /// Print the completions of a shell
    Completions(completions::CompletionsArguments),
    /// Print or write the manual pages
    Man(super::man::ManArguments),
    /// Keep the small tables of a run for others to compare with
    #[command(hide = true)]
    Reference(super::reference::ReferenceArguments),
}

/// A manifest and what is changed in it.
#[derive(Debug, Args)]
pub(super) struct ManifestArguments {
    /// The manifest, a TOML file
    #[arg(add = completions::manifests())]
    pub(super) manifest: PathBuf,
    /// Replace one value, as in `vae.latent=4`; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", add = completions::keys())]
    pub(super) sets: Vec<String>,
}

/// Where results lie and what is asked for.
#[derive(Debug, Args)]
pub(super) struct SelectionArguments {
    /// Folder of the results
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(super) results: PathBuf,
    /// Make only these tasks and what they need: `train`, `train[temperature=0.4]`, …
    #[arg(long, value_name = "SELECTOR", add = completions::selectors())]
    pub(super) only: Vec<String>,
    /// Run these tasks again, and all that depends on them
    #[arg(long, value_name = "SELECTOR", add = completions::selectors())]
    pub(super) force: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) manifest: ManifestArguments,
    #[command(flatten)]
    pub(super) selection: SelectionArguments,
    /// Tasks that run side by side at most [default: the machine's cores]
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(super) threads: Option<u16>,
    /// Go on with what does not depend on a failed task
    #[arg(long)]
    pub(super) keep_going: bool,
    /// Seconds that running tasks have to write checkpoints once the run is asked to stop
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(super) grace: u32,
    /// Fail if anything would have to run
    #[arg(long)]
    pub(super) expect_cached: bool,
}

#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    pub(super) manifest: ManifestArguments,
    #[command(flatten)]
    pub(super) selection: SelectionArguments,
    /// Say why tasks run: what changed since the nearest stored result, and where it began
    #[arg(long)]
    pub(super) explain: bool,
    /// How to write the plan
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: PlanFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanFormat {
    /// For people
    Text,
    /// For programs: points, tasks, keys, statuses, causes, estimates
    Json,
    /// For Graphviz
    Dot,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) manifest: ManifestArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
pub(super) struct DataArguments {
    /// The recording: .mat (version 5 to 7), .npy, .csv, .tsv, .txt, .parquet
    pub(super) file: PathBuf,
    /// Variable of a MATLAB file
    #[arg(long)]
    pub(super) variable: Option<String>,
    /// Axes of the stored array, in order: `bin,cell` or `repeat,cell,bin`
    #[arg(long, value_delimiter = ',', default_value = "bin,cell")]
    pub(super) axes: Vec<String>,
    /// Number of repeats, if no axis counts them
    #[arg(long)]
    pub(super) repeats: Option<usize>,
    /// The file has a row a spike, which are binned
    #[arg(long, requires = "bin_ms", conflicts_with = "axes")]
    pub(super) spike_times: bool,
    /// Width of a bin of spikes in milliseconds
    #[arg(long, requires = "spike_times")]
    pub(super) bin_ms: Option<f64>,
    /// Columns of spikes, in order or by name: `cell,time,repeat`, `time:t,cell:unit`
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "cell,time",
        requires = "spike_times",
        allow_hyphen_values = true
    )]
    pub(super) columns: Vec<String>,
    /// Unit of the times of spikes: `s` or `ms`
    #[arg(long, default_value = "s", requires = "spike_times")]
    pub(super) time_unit: String,
    /// Where the first bin of spikes begins, in seconds
    #[arg(long, requires = "spike_times", allow_negative_numbers = true)]
    pub(super) start_s: Option<f64>,
    /// Length of a recording of spikes, or of each of its repeats, in seconds
    #[arg(long, requires = "spike_times")]
    pub(super) duration_s: Option<f64>,
    /// How to write the summary
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: OutputFormat,
}
