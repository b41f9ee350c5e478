# One profile, --release: burn and polars are built once.

export CARGO_TERM_COLOR := env("CARGO_TERM_COLOR", "auto")

# list the recipes
[private]
default:
    @just --list

# run an experiment: just run experiments/hopfield_sweep.toml -j 2
[group('use')]
run FILE *ARGS:
    cargo run --release --locked -- run {{ FILE }} {{ ARGS }}

# run an experiment and compare with its reference: just reproduce hopfield_sweep
[group('use')]
reproduce EXPERIMENT *ARGS:
    .ci/reproduce {{ EXPERIMENT }} results {{ ARGS }}

# run all tests
[group('check')]
test *ARGS:
    cargo test --release --locked {{ ARGS }}

# everything CI runs, in its order
[group('check')]
ci:
    .ci/run

# lint all targets, warnings are errors
[group('check')]
lint:
    cargo clippy --release --locked --all-targets -- -D warnings

# run the small experiments twice; the second time nothing may be computed
[group('check')]
smoke:
    .ci/smoke

# the six cases of docs/trust.md and random kills, about a quarter of an hour
[group('check')]
torture KILLS="200":
    cargo test --release --locked --lib -- plan:: engine::
    cargo test --release --locked --test code
    LATENTFIELD_TEST_KILLS={{ KILLS }} cargo test --release --locked --test program -- --nocapture trust:: kills::

# the program on a real Slurm: installs Debian's packages (as root) and a virtual environment (SCHEDULERS_VENV names another)
[group('check')]
test-slurm *ARGS:
    .ci/slurm {{ ARGS }}

# train on LibTorch: a virtual environment of its own (7 GB of Python packages; LIBTORCH_VENV names another), then the device tests
[group('check')]
test-libtorch *ARGS:
    #!/usr/bin/env bash
    set -euo pipefail
    venv="$(realpath -m "${LIBTORCH_VENV:-target/venv-libtorch}")"
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet torch==2.9.0 numpy
    packages="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    libraries="$(printf '%s:' "$packages"/torch/lib "$packages"/nvidia/*/lib)"
    export VIRTUAL_ENV="$venv" PATH="$venv/bin:$PATH" LIBTORCH_USE_PYTORCH=1
    export LD_LIBRARY_PATH="${libraries%:}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target/libtorch}"
    cargo test --release --locked --features libtorch --test devices {{ ARGS }}

# renew the reference of an experiment; its tolerances stay: just reference smoke/ising
[group('develop')]
reference EXPERIMENT *ARGS:
    #!/usr/bin/env bash
    set -euo pipefail
    folder="$(cargo run --release --locked -- run experiments/{{ EXPERIMENT }}.toml {{ ARGS }})"
    cargo run --release --locked -- reference "$folder" --to "results/reference/$(basename "$folder")"

# format the source
[group('develop')]
fmt:
    cargo fmt

# break manifests and data files at random, a million times (or N)
[group('check')]
fuzz N="1_000_000":
    LATENTFIELD_TEST_EXECUTIONS={{ N }} cargo test --release --locked --test hostile -- --nocapture

# measure speed
[group('develop')]
bench *ARGS:
    cargo bench --locked {{ ARGS }}

# compare the samplers with mcising and NumPy (BENCH_VENV names another environment)
[group('develop')]
bench-samplers *ARGS:
    #!/usr/bin/env bash
    set -euo pipefail
    venv="${BENCH_VENV:-target/venv-samplers}"
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet mcising==1.1.0 numpy
    "$venv/bin/python" -B benches/peers/samplers.py {{ ARGS }}

# compare the training step with PyTorch and JAX (7 GB of Python packages; BENCH_VENV names another environment)
[group('develop')]
bench-step-peers *ARGS:
    #!/usr/bin/env bash
    set -euo pipefail
    venv="${BENCH_VENV:-target/venv-peers}"
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet torch==2.9.0 'jax[cpu]==0.10.2'
    "$venv/bin/python" -B benches/peers/compare.py {{ ARGS }}

# compare the engine with Snakemake, DVC and HyperQueue; what cannot be installed is left out (BENCH_VENV names another environment)
[group('develop')]
bench-peers *ARGS:
    #!/usr/bin/env bash
    set -euo pipefail
    venv="${BENCH_VENV:-target/venv-runners}"
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    for peer in snakemake==9.27.1 dvc==3.67.1 hyperqueue==0.27.0; do
        "$venv/bin/python" -m pip install --quiet "$peer" || echo "$peer cannot be installed" >&2
    done
    "$venv/bin/python" -B benches/peers/runners.py {{ ARGS }}
