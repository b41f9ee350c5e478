//! What can go wrong with a cluster.

use std::io;

use thiserror::Error;

/// Why the scheduler did not do what it was asked for.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// A program of the scheduler is not there.
    #[error(
        "cannot start `{program}`, expected Slurm's programs on the PATH; is this a login node of the cluster?"
    )]
    NoProgram {
        /// The program.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The scheduler refused.
    #[error("`{program}` refused: {said}")]
    Refused {
        /// The program.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// The scheduler did not answer.
    #[error("`{program}` has not answered within {seconds} s")]
    TimedOut {
        /// The program.
        program: &'static str,
        /// How long it was waited for, in seconds.
        seconds: u64,
    },
    /// An answer of the scheduler is not understood.
    #[error("`{program}` said `{found}`, expected {expected}")]
    Answer {
        /// The program.
        program: &'static str,
        /// What it said.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
}

impl ClusterError {
    /// Whether the request may have been accepted all the same.
    #[must_use]
    pub fn leaves_open(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Answer { .. } => true,
            // A program that was killed says nothing, and a lost answer looks like a refusal.
            Self::Refused { said, .. } => {
                let lost = [
                    "timed out",
                    "contact",
                    "onnect",
                    "transmitted",
                    "essage",
                    "ommunication",
                ];
                said.is_empty() || lost.iter().any(|word| said.contains(word))
            }
            Self::NoProgram { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_slurm_refuses_for_a_reason_is_certain_not_to_be_queued() {
        let refused = |said: &str| ClusterError::Refused {
            program: "sbatch",
            said: said.to_owned(),
        };
        let lost = [
            "",
            "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
            "sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received",
            "sbatch: error: Batch job submission failed: Unexpected message received",
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
        ];
        for said in lost {
            assert!(refused(said).leaves_open(), "{said}");
        }
        let certain = [
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
            "sbatch: error: invalid partition specified: night",
            "sbatch: unrecognized option '--nice-try'",
        ];
        for said in certain {
            assert!(!refused(said).leaves_open(), "{said}");
        }
    }
}
