//! The command line: arguments, progress, reports, exit codes.
//!
//! What comes in: the words of the command line. What goes out: data on stdout,
//! everything else on stderr, and an [`ExitCode`]. Each subcommand is one file
//! that wires `manifest`, `plan`, `engine` and `stages` together; nothing here
//! computes. This is the only folder that prints, and the only one that names
//! clap, miette, indicatif and comfy-table.

mod args;
mod cache;
mod check;
mod cluster;
mod compare;
mod completions;
mod data;
mod diagnostic;
mod explaining;
mod machine;
mod man;
mod memory;
mod plan;
mod prepare;
mod progress;
mod quantity;
mod reference;
mod run;
mod schema;
mod show;
mod show_config;
mod stop;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

/// What a command came to; the number is the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Outcome {
    /// All that was asked for is done.
    Done = 0,
    /// A stage failed.
    Failed = 1,
    /// The manifest or the command line is wrong.
    Wrong = 2,
    /// The store is in use or damaged, or cannot be used.
    Store = 3,
    /// Stopped by SIGINT or SIGTERM.
    Interrupted = 130,
}

/// Runs the program with the words of the command line.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(outcome) = completions::answer() {
        return ExitCode::from(outcome as u8);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no mistakes.
            let outcome = if error.use_stderr() {
                Outcome::Wrong
            } else {
                Outcome::Done
            };
            // A closed pipe is no reason to fail.
            let _ = error.print();
            return ExitCode::from(outcome as u8);
        }
    };
    let outcome = match &arguments.command {
        Command::Run(arguments) => run::main(arguments),
        Command::Plan(arguments) => plan::main(arguments),
        Command::Check(arguments) => check::main(arguments),
        Command::Data(arguments) => data::main(arguments),
        Command::Show(arguments) => show::main(arguments),
        Command::Cache(arguments) => cache::main(arguments),
        Command::Compare(arguments) => compare::main(arguments),
        Command::Reference(arguments) => reference::main(arguments),
        Command::Submit(arguments) => cluster::submit(arguments),
        Command::Status(arguments) => cluster::status(arguments),
        Command::Cancel(arguments) => cluster::cancel(arguments),
        Command::Work(arguments) => cluster::work(arguments),
        Command::ShowConfig(arguments) => show_config::main(arguments),
        Command::Schema(arguments) => schema::main(arguments),
        Command::Completions(arguments) => completions::main(arguments),
        Command::Man(arguments) => man::main(arguments),
    };
    ExitCode::from(diagnostic::told(outcome) as u8)
}
