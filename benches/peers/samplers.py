"""Compares the samplers with mcising and NumPy: one core, one thread, paired rounds.

In a round every contender does the same kind of work, one after the other on the
same core; ratios are formed within the round, medians over the rounds.

- Ising model, 32 x 32 sites at the critical temperature, against mcising (on PyPI):
  sites visited a second by Metropolis, flipped by Wolff, visited by Swendsen and
  Wang. Energies a site are printed as a check that both simulate the same model.
- Exact independent configurations a second of the Curie-Weiss model and of the
  Hopfield model with 3 patterns, 100 sites, against several ways to draw them with
  NumPy. The sum of all squared overlaps, beside its exact value, is the check.

Every draw of independent configurations, ours and NumPy's, runs in a fresh process.
Tables are built before the clock starts. The first draw, which touches fresh
memory, is timed by itself; the rate is that of the steady state, the median of nine
further draws of the same size in the same process. NumPy's ways are ours to write, so
they are written to be fast: single precision where it is enough, or a random byte a
site with the few ties decided by a further number; the fastest of NumPy's generators
beside its default; blocks that stay in the cache.

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
import sys
import time
from collections.abc import Callable
from functools import partial
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
SITES = 100
SAMPLES = 50_000
DRAWS = 9
# Rows that are drawn together where a draw is cut into blocks.
BLOCK = 1000
# Model, temperature.
TASKS = [("curie_weiss", 1.0), ("hopfield", 0.5), ("hopfield", 1.0)]
PATTERNS = 3
PATTERN_SEED = 7


class Timed(NamedTuple):
    """Work done a second, and a number that shows what was simulated."""

    rate: float
    check: float
    first_rate: float = math.nan


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


def patterns(model: str) -> numpy.ndarray:
    """The patterns of a model, one a row, as signs."""
    if model == "curie_weiss":
        return numpy.ones((1, SITES))
    rng = numpy.random.default_rng(PATTERN_SEED)
    return rng.choice([-1.0, 1.0], size=(PATTERNS, SITES))


class Classes:
    """Sites that no pattern tells apart but for a sign, and the states of their counts."""

    def __init__(self, model: str, temperature: float) -> None:
        stored = patterns(model)
        columns = stored * stored[0]
        self.signs, which = numpy.unique(columns, axis=1, return_inverse=True)
        self.classes = self.signs.shape[1]
        # Sites that are upside down take the probability of the class upside down.
        self.column_of_site = which.ravel() + self.classes * (stored[0] < 0)
        self.beta = 1.0 / temperature
        sizes = numpy.bincount(which.ravel())
        counts = numpy.indices(sizes + 1).reshape(self.classes, -1)
        sums = self.signs @ (2.0 * counts - sizes[:, None])
        squares = numpy.square(sums).sum(axis=0)
        weights = 0.5 * self.beta / SITES * squares
        for size, count in zip(sizes, counts, strict=True):
            choose = [math.log(math.comb(size, k)) for k in range(size + 1)]
            weights += numpy.array(choose)[count]
        probabilities = numpy.exp(weights - weights.max())
        probabilities /= probabilities.sum()
        self.exact = float(probabilities @ squares) / SITES**2
        # The most likely first and the negligible left out: searched faster.
        order = numpy.argsort(-probabilities, kind="stable")
        order = order[probabilities[order] > 1e-18]
        self.sums = numpy.ascontiguousarray(sums[:, order].T)
        self.cumulative = numpy.cumsum(probabilities[order])

    def draw_sums(self, samples: int, rng: numpy.random.Generator) -> numpy.ndarray:
        """Sums of the spins along every pattern, drawn from their exact distribution."""
        drawn = rng.random(samples) * self.cumulative[-1]
        return self.sums[numpy.searchsorted(self.cumulative, drawn, side="right")]

    def probabilities(self, samples: int, rng: numpy.random.Generator) -> numpy.ndarray:
        """Probabilities of being up in drawn fields, for all classes and upside down."""
        field = self.draw_sums(samples, rng)
        field *= self.beta / SITES
        field += rng.standard_normal(field.shape) * math.sqrt(self.beta / SITES)
        half_logits = (field @ self.signs).astype(numpy.float32)
        up = 1.0 / (1.0 + numpy.exp(-2.0 * half_logits))
        return up if (self.column_of_site < self.classes).all() else numpy.hstack([up, 1.0 - up])

    def of_sites(self, of_classes: numpy.ndarray) -> numpy.ndarray:
        """Gives every site the value of its class."""
        if of_classes.shape[1] == 1:
            return of_classes
        return numpy.take(of_classes, self.column_of_site, axis=1)


def placed(model: Classes, samples: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """The sum of all spins, then the spins that are up in a random order."""
    up = (model.draw_sums(samples, rng).astype(numpy.int64) + SITES) // 2
    ordered = numpy.arange(SITES) < up
    return rng.permuted(ordered, axis=1, out=ordered)


def in_field(model: Classes, samples: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """The sums, the field given them, independent spins in the field."""
    up = model.of_sites(model.probabilities(samples, rng))
    return rng.random((samples, SITES), dtype=numpy.float32) < up


def in_blocks(model: Classes, samples: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """The same, the uniform numbers in blocks that stay in the cache."""
    up = model.probabilities(samples, rng)
    spins = numpy.empty((samples, SITES), dtype=bool)
    uniform = numpy.empty((BLOCK, SITES), dtype=numpy.float32)
    for start in range(0, samples, BLOCK):
        rows = slice(start, start + BLOCK)
        rng.random(dtype=numpy.float32, out=uniform)
        numpy.less(uniform, model.of_sites(up[rows]), out=spins[rows])
    return spins


def by_bytes(model: Classes, samples: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """The same, a random byte a site; ties are decided by a further number."""
    levels = model.probabilities(samples, rng) * numpy.float32(256.0)
    whole = numpy.minimum(levels, 255.0).astype(numpy.uint8)
    rest = levels - whole
    spins = numpy.empty((samples, SITES), dtype=bool)
    for start in range(0, samples, BLOCK):
        rows = slice(start, start + BLOCK)
        words = rng.integers(0, 2**64, size=BLOCK * SITES // 8, dtype=numpy.uint64)
        drawn = words.view(numpy.uint8).reshape(BLOCK, SITES)
        of_sites = model.of_sites(whole[rows])
        numpy.less(drawn, of_sites, out=spins[rows])
        ties = numpy.flatnonzero(drawn == of_sites)
        row, site = numpy.divmod(ties, SITES)
        column = model.column_of_site[site] if whole.shape[1] > 1 else 0
        spins[start + row, site] = rng.random(ties.size) < rest[start + row, column]
    return spins


def by_sites(model: Classes, samples: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """The same, site by site: loops over configurations are long and nothing is copied."""
    levels = numpy.ascontiguousarray(model.probabilities(samples, rng).T) * numpy.float32(256.0)
    whole = numpy.minimum(levels, 255.0).astype(numpy.uint8)
    rest = levels - whole
    spins = numpy.empty((SITES, samples), dtype=bool)
    columns = model.column_of_site if len(whole) > 1 else numpy.zeros(SITES, dtype=int)
    for column, of_site in zip(columns, spins, strict=True):
        words = rng.integers(0, 2**64, size=-(-samples // 8), dtype=numpy.uint64)
        drawn = words.view(numpy.uint8)[:samples]
        numpy.less(drawn, whole[column], out=of_site)
        ties = numpy.flatnonzero(drawn == whole[column])
        of_site[ties] = rng.random(ties.size) < rest[column, ties]
    return spins.T


WAYS = {
    "placed": placed,
    "in field": in_field,
    "in blocks": in_blocks,
    "by bytes": by_bytes,
    "by sites": by_sites,
}
GENERATORS = {"PCG64": numpy.random.PCG64, "SFC64": numpy.random.SFC64}


def print_draws(model: str, temperature: str, way: str, generator: str, seed: str) -> None:
    """Draws with NumPy, again and again, and prints what benches/sampling.rs does."""
    classes = Classes(model, float(temperature))
    rng = numpy.random.Generator(GENERATORS[generator](int(seed)))
    seconds = []
    for _ in range(1 + DRAWS):
        start = time.perf_counter()
        spins = WAYS[way](classes, SAMPLES, rng)
        seconds.append(time.perf_counter() - start)
    overlaps = (2.0 * spins - 1.0) @ patterns(model).T / SITES
    check = numpy.square(overlaps).sum(axis=1).mean()
    print(SAMPLES, seconds[0], statistics.median(seconds[1:]), check, sep=",")


def drawn_by(*command: str) -> Timed:
    """Times of a program that prints `configurations,first,median,check`."""
    samples, first, median, check = numbers_of(*command)
    return Timed(samples / median, check, samples / first)


def our_draws(program: str, model: str, temperature: float, seed: int) -> Timed:
    """Our independent configurations."""
    rows = ["".join("+" if sign > 0 else "-" for sign in row) for row in patterns(model)]
    system = str(SITES) if model == "curie_weiss" else ",".join(rows)
    return drawn_by(program, model, system, str(temperature), str(SAMPLES), str(seed))


def draws(sampling: str) -> dict[tuple[str, str], Callable]:
    """Who draws independent configurations in a round."""
    runs = {}
    for model, temperature in TASKS:
        task = f"{model} T={temperature}"
        runs[task, "latentfield"] = partial(our_draws, sampling, model, temperature)
        for way in WAYS:
            if way == "placed" and model != "curie_weiss":
                continue
            for generator in GENERATORS:
                command = [sys.executable, "-B", __file__, "--draw", model, str(temperature)]
                run = partial(drawn_by, *command, way, generator)
                name = f"numpy, {way}, {generator}"
                runs[task, name] = lambda seed, run=run: run(str(seed))
    return runs


def contenders(lattice: str, sampling: str) -> dict[tuple[str, str], Callable]:
    """What runs in a round: a model and method, then who does it."""
    runs = {}
    for method in SWEEPS:
        runs[f"ising {method}", "latentfield"] = lambda seed, m=method: ours(lattice, m, seed)
        runs[f"ising {method}", "mcising"] = lambda seed, m=method: mcising(m, seed)
    runs |= draws(sampling)
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
    heads = "million a second | our rate over theirs | first draw | over theirs | check"
    lines = [f"| task | contender | {heads} |", "|" + " --- |" * 7]
    by_name: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        by_name.setdefault((row["task"], row["contender"]), []).append(row)
    for (task, contender), theirs in by_name.items():
        ours_of_task = by_name[task, "latentfield"]
        cells = [task, contender]
        for rate in ("rate", "first_rate"):
            pairs = zip(ours_of_task, theirs, strict=True)
            ratio = statistics.median(mine[rate] / other[rate] for mine, other in pairs)
            median = 1e-6 * statistics.median(row[rate] for row in theirs)
            known = not math.isnan(median)
            cells += [f"{median:.4g}", f"{ratio:.2f}"] if known else ["", ""]
        cells.append(f"{statistics.mean(row['check'] for row in theirs):.4f}")
        lines.append(f"| {' | '.join(cells)} |")
    for model, temperature in TASKS:
        exact = Classes(model, temperature).exact
        lines.append(f"\nexact sum of squared overlaps, {model} T={temperature}: {exact:.4f}")
    return "\n".join(lines)


def main() -> None:
    """Builds, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--core", type=int, default=min(os.sched_getaffinity(0)))
    parser.add_argument("--lattice", help="the program of benches/lattice.rs, else it is built")
    parser.add_argument("--sampling", help="the program of benches/sampling.rs, else it is built")
    parser.add_argument("--raw", type=pathlib.Path, help="where all rounds go, as CSV")
    parser.add_argument("--draw", nargs=5, help=argparse.SUPPRESS, metavar="WORD")
    arguments = parser.parse_args()
    if arguments.draw:
        print_draws(*arguments.draw)
        return
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
