//! `man`: the manual pages, one a command.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::Outcome;
use super::args::Arguments;
use super::diagnostic::{self, put, say, written};

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Existing folder to write one page a command into; without it the page of the program goes
    /// to stdout
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn main(arguments: &ManArguments) -> Outcome {
    let command = Arguments::command();
    let Some(folder) = &arguments.output else {
        let mut page = Vec::new();
        return match clap_mangen::Man::new(command).render(&mut page) {
            Ok(()) => written(&page),
            Err(error) => failed(&error),
        };
    };
    if !folder.is_dir() {
        say(&format!(
            "error: `--output`: found `{}`, expected an existing folder",
            folder.display()
        ));
        return Outcome::Wrong;
    }
    match clap_mangen::generate_to(command, folder) {
        Ok(()) => {
            put(&folder.display().to_string());
            Outcome::Done
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &std::io::Error) -> Outcome {
    diagnostic::error(error);
    Outcome::Failed
}
