"""Compares the samplers with mcising and NumPy: one core, one thread, paired rounds.

In a round every contender does the same kind of work, one after the other on the
same core; ratios are formed within the round, medians over the rounds.

- Ising model, 32 x 32 sites at the critical temperature, against mcising (on PyPI):
  sites visited a second by Metropolis, flipped by Wolff, visited by Swendsen and
  Wang. Energies a site are printed as a check that both simulate the same model.
- Curie-Weiss model, exact independent configurations a second, against the fastest
  of two ways to draw them with NumPy.

Needs a Python with `mcising` and `numpy`; nothing is installed here.
"""

import argparse
import csv
import importlib.metadata
import json
import math
import os
import pathlib
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy
from mcising._core import IsingSimulation

ROOT = pathlib.Path(__file__).parents[2]
SIDE = 32
CRITICAL = 2.0 / math.log1p(math.sqrt(2.0))
# Sweeps of a round, clusters with Wolff: a second or less for either side.
SWEEPS = {
    "metropolis": {"latentfield": 20_000, "mcising": 100_000},
    "wolff": {"latentfield": 100_000, "mcising": 50_000},
    "swendsen_wang": {"latentfield": 20_000, "mcising": 20_000},
}
WARM_UP = 100
CURIE_WEISS = {"sites": 100, "temperature": 1.0, "samples": 50_000}


class Timed(NamedTuple):
    """Work done a second, and a number that shows what was simulated."""

    rate: float
    check: float


def limit_threads(core: int) -> None:
    """One core and one thread for this process and all that it starts."""
    os.sched_setaffinity(0, {core})
    os.environ |= {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}


def bench_program(name: str) -> str:
    """Builds a benchmark and finds it."""
    command = ["cargo", "bench", "--locked", "--no-run", "--bench", name]
    built = subprocess.run(
        [*command, "--message-format=json-render-diagnostics"],
        cwd=ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    named = [message for message in messages if message.get("target", {}).get("name") == name]
    return next(message["executable"] for message in named if message.get("executable"))


def numbers_of(*command: str) -> list[float]:
    """The numbers on the one line that a command prints."""
    printed = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    return [float(number) for number in printed.split(",")]


def ours(program: str, method: str, seed: int) -> Timed:
    """Our sampler of the Ising model."""
    sweeps = str(SWEEPS[method]["latentfield"])
    updates, seconds, energy = numbers_of(program, method, sweeps, str(seed))
    return Timed(updates / seconds, energy)


def mcising(method: str, seed: int) -> Timed:
    """Its sampler of the Ising model, called as its own benchmarks call it."""
    simulation = IsingSimulation(SIDE, 1.0, 0.0, 0.0, 0.0, seed, method, "square")
    simulation.sweep(WARM_UP, temperature=CRITICAL)
    start = time.perf_counter()
    _, attempted, _ = simulation.sweep(SWEEPS[method]["mcising"], temperature=CRITICAL)
    seconds = time.perf_counter() - start
    return Timed(attempted / seconds, simulation.energy())


def magnetisations(samples: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """Sums of all spins, drawn from their exact distribution."""
    sites, temperature = CURIE_WEISS["sites"], CURIE_WEISS["temperature"]
    up = numpy.arange(sites + 1)
    choose = [math.lgamma(sites + 1) - math.lgamma(k + 1) - math.lgamma(sites - k + 1) for k in up]
    weights = numpy.array(choose) + (2 * up - sites) ** 2 / (2 * sites * temperature)
    cumulative = numpy.cumsum(numpy.exp(weights - weights.max()))
    drawn = rng.random(samples) * cumulative[-1]
    return 2 * numpy.searchsorted(cumulative, drawn, side="right") - sites


def placed(samples: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """The sum of all spins, then the spins that are up in a random order."""
    sites = CURIE_WEISS["sites"]
    up = (magnetisations(samples, rng) + sites) // 2
    ordered = numpy.arange(sites) < up[:, None]
    return rng.permuted(ordered, axis=1, out=ordered)


def in_field(samples: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """The sum of all spins, the field given the sum, independent spins in the field."""
    sites, temperature = CURIE_WEISS["sites"], CURIE_WEISS["temperature"]
    spread = 1.0 / (temperature * sites)
    means = magnetisations(samples, rng) * spread
    field = rng.normal(means, math.sqrt(spread))
    up = (1.0 / (1.0 + numpy.exp(-2.0 * field))).astype(numpy.float32)
    return rng.random((samples, sites), dtype=numpy.float32) < up[:, None]


def by_numpy(draw: Callable, seed: int) -> Timed:
    """Configurations of the Curie-Weiss model drawn with NumPy; checks `<m²>`."""
    samples, rng = CURIE_WEISS["samples"], numpy.random.default_rng(seed)
    start = time.perf_counter()
    spins = draw(samples, rng)
    seconds = time.perf_counter() - start
    return Timed(samples / seconds, float(numpy.square(2.0 * spins.mean(axis=1) - 1.0).mean()))


def our_curie_weiss(program: str, seed: int) -> Timed:
    """Our sampler: a program that prints `configurations,seconds,<m²>`."""
    words = [str(CURIE_WEISS[name]) for name in ("sites", "temperature", "samples")]
    samples, seconds, square = numbers_of(program, "curie_weiss", *words, str(seed))
    return Timed(samples / seconds, square)


def contenders(lattice: str, sampling: str) -> dict[tuple[str, str], Callable]:
    """What runs in a round: a model and method, then who does it."""
    runs = {}
    for method in SWEEPS:
        runs[f"ising {method}", "latentfield"] = lambda seed, m=method: ours(lattice, m, seed)
        runs[f"ising {method}", "mcising"] = lambda seed, m=method: mcising(m, seed)
    runs["curie_weiss", "latentfield"] = lambda seed: our_curie_weiss(sampling, seed)
    runs["curie_weiss", "numpy, placed"] = lambda seed: by_numpy(placed, seed)
    runs["curie_weiss", "numpy, in field"] = lambda seed: by_numpy(in_field, seed)
    return runs


def measure(runs: dict[tuple[str, str], Callable], rounds: int) -> list[dict]:
    """All rounds, one row a contender."""
    return [
        {"round": seed, "task": task, "contender": contender, **run(seed)._asdict()}
        for seed in range(rounds)
        for (task, contender), run in runs.items()
    ]


def report(rows: list[dict]) -> str:
    """Medians over the rounds as a table; ratios are ours over theirs."""
    rates = {(row["task"], row["contender"], row["round"]): row["rate"] for row in rows}
    lines = ["| task | contender | million a second | our rate over theirs | check |"]
    lines.append("|" + " --- |" * 5)
    for task, contender in dict.fromkeys((row["task"], row["contender"]) for row in rows):
        mine = [row for row in rows if (row["task"], row["contender"]) == (task, contender)]
        ratios = [
            rates[task, "latentfield", row["round"]] / row["rate"]
            for row in mine
            if (task, "latentfield", row["round"]) in rates
        ]
        ratio = f"{statistics.median(ratios):.2f}" if ratios else ""
        rate = 1e-6 * statistics.median(row["rate"] for row in mine)
        check = statistics.mean(row["check"] for row in mine)
        lines.append(f"| {task} | {contender} | {rate:.4g} | {ratio} | {check:.4f} |")
    return "\n".join(lines)


def main() -> None:
    """Builds, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--core", type=int, default=min(os.sched_getaffinity(0)))
    parser.add_argument("--lattice", help="the program of benches/lattice.rs, else it is built")
    parser.add_argument("--sampling", help="the program of benches/sampling.rs, else it is built")
    parser.add_argument("--raw", type=pathlib.Path, help="where all rounds go, as CSV")
    arguments = parser.parse_args()
    lattice = arguments.lattice or bench_program("lattice")
    sampling = arguments.sampling or bench_program("sampling")
    limit_threads(arguments.core)
    before = os.getloadavg()
    rows = measure(contenders(lattice, sampling), arguments.rounds)
    if arguments.raw:
        with arguments.raw.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    packages = ("mcising", "numpy")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"{versions}; {arguments.rounds} rounds; load {before[0]:.1f}, {os.getloadavg()[0]:.1f}")
    print(report(rows))


if __name__ == "__main__":
    main()
