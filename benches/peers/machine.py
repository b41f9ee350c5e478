"""Where a comparison runs: the repository, the processor, what commands print."""

import os
import pathlib
import platform
import subprocess

ROOT = pathlib.Path(__file__).parents[2]


def machine() -> str:
    """The processor's name, with its vector extensions."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    vectors = [flag for flag in ("avx2", "fma", "avx512f") if flag in facts.get("flags", "").split()]
    model = f"{facts.get('model name')}, family {facts.get('cpu family')}"
    return f"{model}, {os.cpu_count()} cores, {' '.join(vectors)}, {platform.system()}"


def output_of(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(
        command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE
    ).stdout.strip()
