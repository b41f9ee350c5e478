"""Compares the engine with Snakemake, DVC and HyperQueue: one graph, trivial commands.

The graph is `points` times sample -> train -> analyse, and one table over all. In a
round every contender does the same, one after the other; medians are taken over the
rounds, and ratios are formed within each round.

- `nothing to do`: everything is up to date, and the runner finds that out. HyperQueue
  remembers no results, so it has nothing to show here.
- `plan`: nothing is made yet, and the runner says what it would do (`plan`,
  `snakemake -n`, `dvc status`).
- `a task`: everything is made, divided by the number of tasks. The peers' commands are
  `touch`, `cp` and `true`; ours really samples, trains (one unit, one epoch) and
  integrates, so that its figure holds more than the engine: `benches/engine.rs` has that
  alone. DVC, which writes its lock file anew for each stage, has a tenth of the tasks.

Time is that of the processor, of the runner and all that it started. DVC's
record of finished stages (`dvc.lock`) is written here, in its documented form: making a
thousand stages with it takes a quarter of an hour.

Needs a Python with the peers; one that is missing is left out with a message.
"""

import argparse
import csv
import datetime
import hashlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from typing import NamedTuple

from machine import ROOT, machine, output_of

OURS = "latentfield"
PEERS = ["snakemake", "dvc", "hyperqueue"]
POINTS = 333  # 1,000 tasks
MANY_POINTS = 3_333  # 10,000 tasks
FEW_POINTS = 33  # 100 tasks
TASKS_A_POINT = 3
BIN = pathlib.Path(sys.executable).parent
THREADS = "2"


class Cost(NamedTuple):
    """What a command took, with all that it started."""

    cpu_s: float
    wall_s: float


def cost(command: list[str], folder: pathlib.Path, must_say: str = "") -> Cost:
    """Runs a command, which must succeed and say something."""
    quiet = {
        name: value for name, value in os.environ.items() if not name.startswith("LATENTFIELD_")
    }
    quiet |= {"XDG_CONFIG_HOME": str(folder), "DVC_NO_ANALYTICS": "1", "HOME": str(folder)}
    said = folder / "said.txt"
    with said.open("w") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=quiet, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    text = said.read_text()
    if process.returncode != 0 or must_say not in text:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}, said\n{text[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall)


class Latentfield:
    """A manifest with the smallest model, network and training that there are."""

    def __init__(self, program: str) -> None:
        self.program = program

    def prepare(self, folder: pathlib.Path, points: int) -> None:
        """Writes the manifest."""
        (folder / "graph.toml").write_text(
            f"""[experiment]
name = "graph"
seed = 1

[model]
kind = "curie_weiss"
sites = 2

[sampling]
samples = 100
test_samples = 10

[vae]
latent = 1
hidden = [1]

[vae.training]
epochs = 1
batch = 100

[sweep]
model.temperature = {{ start = 0.5, stop = 2.0, count = {points} }}

[analysis]
likelihood = {{ importance_samples = 2, quadrature_samples = 2 }}
"""
        )

    def make(self, folder: pathlib.Path, _points: int) -> Cost:
        """Makes everything."""
        return cost([self.program, "run", "graph.toml", "-j", THREADS], folder, " 0 left")

    settle = make

    def nothing(self, folder: pathlib.Path, _points: int) -> Cost:
        """Runs again."""
        command = [self.program, "run", "graph.toml", "-j", THREADS]
        return cost(command, folder, "\n0 done, ")

    def plan(self, folder: pathlib.Path, _points: int) -> Cost:
        """Says what would run."""
        return cost([self.program, "plan", "graph.toml"], folder, " 0 cached, ")


class Snakemake:
    """Four rules; a point is a wildcard."""

    program = str(BIN / "snakemake")

    def prepare(self, folder: pathlib.Path, points: int) -> None:
        """Writes the rules."""
        (folder / "Snakefile").write_text(
            f"""POINTS = range({points})

rule table:
    input: expand("analyse/{{point}}", point=POINTS)
    output: "table"
    shell: "touch {{output}}"

rule sample:
    output: "sample/{{point}}"
    shell: "touch {{output}}"

rule train:
    input: "sample/{{point}}"
    output: "train/{{point}}"
    shell: "cp {{input}} {{output}}"

rule analyse:
    input: "train/{{point}}"
    output: "analyse/{{point}}"
    shell: "cp {{input}} {{output}}"
"""
        )

    def make(self, folder: pathlib.Path, _points: int) -> Cost:
        """Makes everything."""
        return cost([self.program, "--cores", THREADS, "--quiet", "all"], folder)

    settle = make

    def nothing(self, folder: pathlib.Path, _points: int) -> Cost:
        """Runs again."""
        return cost([self.program, "--cores", THREADS], folder, "Nothing to be done")

    def plan(self, folder: pathlib.Path, points: int) -> Cost:
        """A dry run."""
        total = str(TASKS_A_POINT * points + 1)
        return cost([self.program, "--dry-run", "--quiet", "rules"], folder, total)


class Dvc:
    """A stage a task."""

    program = str(BIN / "dvc")

    def stages(self, points: int) -> dict[str, tuple[str, list[str], str]]:
        """Command, inputs and output of each stage, by name."""
        stages = {}
        for point in range(points):
            sample, train, analyse = (f"{name}_{point}" for name in ("sample", "train", "analyse"))
            stages[sample] = (f"touch {sample}", [], sample)
            stages[train] = (f"cp {sample} {train}", [sample], train)
            stages[analyse] = (f"cp {train} {analyse}", [train], analyse)
        stages["table"] = ("touch table", [f"analyse_{point}" for point in range(points)], "table")
        return stages

    def prepare(self, folder: pathlib.Path, points: int) -> None:
        """Writes the stages; their outputs are not copied to a cache."""
        cost([self.program, "init", "--no-scm", "--quiet"], folder)
        stages = {
            name: {"cmd": command, "deps": inputs, "outs": [{output: {"cache": False}}]}
            for name, (command, inputs, output) in self.stages(points).items()
        }
        # JSON is YAML.
        (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}))

    def make(self, folder: pathlib.Path, _points: int) -> Cost:
        """Makes everything."""
        return cost([self.program, "repro"], folder)

    def settle(self, folder: pathlib.Path, points: int) -> None:
        """Writes the outputs and the record that they are up to date."""
        empty = {"hash": "md5", "md5": hashlib.md5(b"").hexdigest(), "size": 0}
        locked = {}
        for name, (command, inputs, output) in self.stages(points).items():
            (folder / output).touch()
            locked[name] = {"cmd": command, "outs": [{"path": output} | empty]}
            if inputs:
                locked[name]["deps"] = [{"path": path} | empty for path in sorted(inputs)]
        (folder / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": locked}))

    def nothing(self, folder: pathlib.Path, _points: int) -> Cost:
        """Runs again."""
        return cost([self.program, "repro"], folder, "Data and pipelines are up to date")

    def plan(self, folder: pathlib.Path, _points: int) -> Cost:
        """Says what is not up to date."""
        return cost([self.program, "status"], folder, "table")


HYPERQUEUE = """
import sys
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

with LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=2))
    job = Job()
    analysed = []
    for _ in range(int(sys.argv[1])):
        sample = job.program(["true"])
        train = job.program(["true"], deps=[sample])
        analysed.append(job.program(["true"], deps=[train]))
    job.program(["true"], deps=analysed)
    client = cluster.client()
    client.wait_for_jobs([client.submit(job)])
"""


class HyperQueue:
    """A job with a task a task, on a worker of this machine."""

    program = str(BIN / "hq")

    def prepare(self, folder: pathlib.Path, _points: int) -> None:
        """Writes the program that submits the job."""
        (folder / "graph.py").write_text(HYPERQUEUE)

    def make(self, folder: pathlib.Path, points: int) -> Cost:
        """Runs everything."""
        return cost([sys.executable, "graph.py", str(points)], folder)


def contenders(program: str) -> dict[str, object]:
    """Those that are there."""
    found: dict[str, object] = {OURS: Latentfield(program)}
    for peer, runner in zip(PEERS, (Snakemake(), Dvc(), HyperQueue()), strict=True):
        try:
            metadata.version(peer)
        except metadata.PackageNotFoundError:
            print(f"{peer} is left out: this Python does not have it", file=sys.stderr)
            continue
        found[peer] = runner
    return found


class Measured(NamedTuple):
    """One contender at one kind of work in one round."""

    work: str
    round: int
    contender: str
    tasks: int
    cpu_s: float
    wall_s: float


def measure(
    runners: dict[str, object], work: str, action: str, points: dict[str, int], rounds: int
) -> list[Measured]:
    """All rounds of one kind of work, by those that can do it."""
    able = {
        name: runner
        for name, runner in runners.items()
        if name in points and hasattr(runner, action)
    }
    with tempfile.TemporaryDirectory() as base:
        folders = {name: pathlib.Path(base) / name for name in able}

        def fresh(name: str) -> None:
            shutil.rmtree(folders[name], ignore_errors=True)
            folders[name].mkdir()
            able[name].prepare(folders[name], points[name])

        for name, runner in able.items():
            fresh(name)
            if action == "nothing":
                runner.settle(folders[name], points[name])
                # Whatever a first look writes is there for the others.
                runner.nothing(folders[name], points[name])
        rows = []
        for number in range(rounds):
            for name, runner in able.items():
                if action == "make":
                    fresh(name)
                act: Callable[[pathlib.Path, int], Cost] = getattr(runner, action)
                took = act(folders[name], points[name])
                tasks = TASKS_A_POINT * points[name] + 1
                rows.append(Measured(work, number, name, tasks, *took))
                print(f"{work}, round {number}, {name}: {took.cpu_s:.2f} s", file=sys.stderr)
    return rows


def summarise(rows: list[Measured]) -> list[dict[str, str]]:
    """Medians over the rounds of each kind of work and contender."""
    ours = {(row.work, row.round): row for row in rows if row.contender == OURS}
    summary = []
    for work, contender in dict.fromkeys((row.work, row.contender) for row in rows):
        mine = [row for row in rows if (row.work, row.contender) == (work, contender)]
        pairs = [(row, ours[work, row.round]) for row in mine]
        cpu = [(row.cpu_s / row.tasks) / (our.cpu_s / our.tasks) for row, our in pairs]
        wall = [(row.wall_s / row.tasks) / (our.wall_s / our.tasks) for row, our in pairs]
        cells = {
            "cpu_s": (statistics.median(row.cpu_s for row in mine), 3),
            "wall_s": (statistics.median(row.wall_s for row in mine), 3),
            "cpu_ms_a_task": (statistics.median(1e3 * row.cpu_s / row.tasks for row in mine), 3),
            "cpu_over_ours": (statistics.median(cpu), 1),
            "wall_over_ours": (statistics.median(wall), 1),
        }
        named = {"work": work, "contender": contender, "tasks": f"{mine[0].tasks}"}
        summary.append(named | {name: f"{value:.{n}f}" for name, (value, n) in cells.items()})
    return summary


def write(folder: pathlib.Path, rows: list[Measured], facts: dict[str, str]) -> None:
    """Writes raw rows, the summary, and both in words."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = summarise(rows)
    for name, table in (("raw.csv", [row._asdict() for row in rows]), ("summary.csv", summary)):
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
    heads = list(summary[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(row.values()) + " |" for row in summary]
    listed = [f"- {name}: {value}" for name, value in facts.items()]
    text = "\n".join(
        ["# The engine beside Snakemake, DVC and HyperQueue", "", *listed, "", *lines, ""]
        + [(__doc__ or "").split("\n\n", 1)[1].rsplit("\n\n", 1)[0], ""]
    )
    (folder / "README.md").write_text(text)
    print(text)


def built() -> str:
    """Builds the program and finds it."""
    command = ["cargo", "build", "--release", "--locked", "--bin", OURS]
    printed = output_of(*command, "--message-format=json-render-diagnostics")
    messages = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return next(message["executable"] for message in messages if message.get("executable"))


def main() -> None:
    """Builds, measures and writes."""
    today = datetime.date.today().isoformat()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--program", help="a program that is built already")
    parser.add_argument(
        "--out", type=pathlib.Path, default=ROOT / "benches/results" / f"{today}-engine"
    )
    arguments = parser.parse_args()
    changed = " with local changes" if output_of("git", "status", "--porcelain", "src") else ""
    built_from = output_of("git", "rev-parse", "--short", "HEAD") + changed
    if arguments.program:
        built_from = f"a program that was given, beside {built_from}"
    program = arguments.program or built()
    runners = contenders(str(pathlib.Path(program).resolve()))
    before, rounds = os.getloadavg(), arguments.rounds
    everybody = dict.fromkeys(runners, POINTS)
    most = {OURS: MANY_POINTS, "snakemake": MANY_POINTS}
    making = everybody | {"dvc": FEW_POINTS}
    rows = measure(runners, "nothing to do", "nothing", everybody, rounds)
    rows += measure(runners, "plan", "plan", everybody, rounds)
    rows += measure(runners, "plan of many", "plan", most, rounds)
    rows += measure(runners, "a task", "make", making, 1)
    versions = [f"{peer} {metadata.version(peer)}" for peer in PEERS if peer in runners]
    facts = {
        "command": f"`just bench-peers`, rounds: {rounds}, everything made once",
        "commit": built_from,
        "versions": ", ".join([f"Python {sys.version.split()[0]}", *versions]),
        "machine": machine(),
        "load average before and after": f"{before[0]:.1f}, {os.getloadavg()[0]:.1f}",
    }
    write(arguments.out, rows, facts)


if __name__ == "__main__":
    main()
