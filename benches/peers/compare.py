"""Compares the training step with PyTorch and JAX: one core, one thread, paired rounds.

In a round every contender trains the same network from the same kind of start
for the same number of steps, one after the other on the same core; ratios are
formed within the round, medians over the rounds. The other benchmarks follow on
the same core: fused engine against burn's tape, and the samplers. Writes
`README.md`, `raw.csv`, `summary.csv` and what the others print into the folder
that is named.
"""

import argparse
import csv
import datetime
import importlib
import json
import multiprocessing
import os
import pathlib
import platform
import statistics
import subprocess

from machine import ROOT, machine, output_of
from network import NETWORKS, STEPS, Timed

OURS = "latentfield"
PEERS = ["torch_step", "jax_step"]
BENCHMARKS = ["training_step", "sampling"]
# GFLOP of a step's matrix products: 6 for each batch row and weight, less the
# gradient to the configurations, which nobody needs.
GFLOP = {
    name: network.batch
    * (
        6 * sum(a * b for widths in network.widths() for a, b in zip(widths, widths[1:]))
        - 2 * network.sites * network.hidden[0]
    )
    * 1e-9
    for name, network in NETWORKS.items()
}


def limit_threads(core: int) -> None:
    """One core and one thread for this process and all that it starts."""
    os.sched_setaffinity(0, {core})
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ |= {
        "XLA_FLAGS": flags,
        "JAX_PLATFORMS": "cpu",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }


def serve(module: str, network: str, pipe) -> None:
    """Times a contender whenever its name comes through the pipe."""
    peer = importlib.import_module(module)
    contenders = peer.contenders(NETWORKS[network])
    pipe.send((peer.VERSION, list(contenders)))
    while (name := pipe.recv()) is not None:
        pipe.send(contenders[name]())


def bench_programs() -> dict[str, str]:
    """Builds the benchmarks and finds them, by name."""
    command = ["cargo", "bench", "--locked", "--no-run"]
    chosen = [word for name in BENCHMARKS for word in ("--bench", name)]
    built = subprocess.run(
        [*command, *chosen, "--message-format=json-render-diagnostics"],
        cwd=ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    programs = [message for message in messages if message.get("executable")]
    return {message["target"]["name"]: message["executable"] for message in programs}


def our_round(program: str, network: str) -> tuple[float, Timed]:
    """The rate of a 512^3 product in GFLOP/s, and the step."""
    line = output_of(program, "fused", network)
    rate, milliseconds, elbo = map(float, line.split(","))
    return rate, Timed(milliseconds, elbo)


def measure(program: str, network: str, rounds: int) -> tuple[list[dict], dict[str, str]]:
    """All rounds of a network: raw rows, and the peers' versions."""
    context = multiprocessing.get_context("spawn")
    pipes, versions, owner = [], {}, {}
    for module in PEERS:
        here, there = context.Pipe()
        context.Process(target=serve, args=(module, network, there), daemon=True).start()
        versions[module.removesuffix("_step")], names = here.recv()
        owner |= {name: here for name in names}
        pipes.append(here)
    rows = []
    for round_number in range(rounds):
        rate, timed = our_round(program, network)
        results = {OURS: timed}
        for name, pipe in owner.items():
            pipe.send(name)
            results[name] = pipe.recv()
        rows += [
            {
                "network": network,
                "round": round_number,
                "contender": name,
                "ms_per_step": round(timed.milliseconds, 5),
                "elbo_nats": round(timed.elbo, 3),
                "gemm_512_gflops": rate,
            }
            for name, timed in results.items()
        ]
    for pipe in pipes:
        pipe.send(None)
    return rows, versions


def summarise(rows: list[dict]) -> list[dict]:
    """Medians over the rounds of each network and contender."""
    times = {(row["network"], row["round"], row["contender"]): row for row in rows}
    summary = []
    for network, contender in dict.fromkeys((row["network"], row["contender"]) for row in rows):
        mine = [row for row in rows if (row["network"], row["contender"]) == (network, contender)]
        ratios = [
            times[network, row["round"], OURS]["ms_per_step"] / row["ms_per_step"] for row in mine
        ]
        fractions = [
            1e3 * GFLOP[network] / row["ms_per_step"] / row["gemm_512_gflops"] for row in mine
        ]
        summary.append(
            {
                "network": network,
                "contender": contender,
                "ms_per_step": f"{statistics.median(row['ms_per_step'] for row in mine):.3f}",
                "our_time_over_theirs": f"{statistics.median(ratios):.3f}",
                "gemm_fraction": f"{statistics.median(fractions):.3f}",
                "elbo_nats": f"{statistics.median(row['elbo_nats'] for row in mine):.2f}",
            }
        )
    return summary


def readme(summary: list[dict], facts: dict[str, str]) -> str:
    """The run in words and as a table."""
    heads = list(summary[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(row.values()) + " |" for row in summary]
    listed = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    return f"""# Training step against PyTorch and JAX

{listed}

{chr(10).join(lines)}

`ms_per_step` is the median over the rounds; `our_time_over_theirs` and
`gemm_fraction` (matrix products of the step over the rate of a 512^3 product by
`gemm`, measured in the same round) are formed within each round, then the median.
`elbo_nats` is the mean over the steps: close values (random starts differ) show
equal work.

Included for all: choosing the batch's rows, normal draws, the ELBO, its gradient,
Adam. Ours also unpacks signs from bits and takes the gradient's norm. Left out:
shuffling, compilation, the first step.

`training_step.txt`: fused engine against burn's tape (`autodiff`) in paired rounds.
`sampling.txt`: the samplers.
"""


def write(
    folder: pathlib.Path, rows: list[dict], others: dict[str, str], facts: dict[str, str]
) -> None:
    """Writes the files of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, printed in others.items():
        (folder / f"{name}.txt").write_text(printed + "\n")
    summary = summarise(rows)
    for name, table in (("raw.csv", rows), ("summary.csv", summary)):
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
    text = readme(summary, facts)
    (folder / "README.md").write_text(text)
    print(text)


def main() -> None:
    """Builds, measures and writes."""
    today = datetime.date.today().isoformat()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--core", type=int, default=min(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "benches/results" / today)
    arguments = parser.parse_args()
    programs = bench_programs()
    changed = " with local changes" if output_of("git", "status", "--porcelain", "src") else ""
    built_from = output_of("git", "rev-parse", "--short", "HEAD") + changed
    limit_threads(arguments.core)
    before, rows, versions = os.getloadavg(), [], {}
    for network in NETWORKS:
        measured, versions = measure(programs["training_step"], network, arguments.rounds)
        rows += measured
    others = {name: output_of(programs[name]) for name in BENCHMARKS}
    write(
        arguments.out,
        rows,
        others,
        {
            "command": f"`just bench-step-peers`, {arguments.rounds} rounds of {STEPS} steps",
            "commit": built_from,
            "versions": ", ".join(
                [output_of("rustc", "--version"), f"Python {platform.python_version()}"]
                + [f"{name} {version}" for name, version in versions.items()]
            ),
            "machine": machine(),
            "load average before and after": f"{before[0]:.1f}, {os.getloadavg()[0]:.1f}"
            " (1.0 is this run alone)",
        },
    )


if __name__ == "__main__":
    main()
