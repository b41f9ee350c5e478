//! The program on a real Slurm: one controller and two nodes on this machine.
//!
//! These tests run if `LATENTFIELD_TEST_SLURM` is set, as `just test-slurm` does after it has
//! installed Debian's packages; else they say that they are skipped.

mod cluster;
mod faults;
mod machines;
mod others;
mod queues;
mod sweeps;
