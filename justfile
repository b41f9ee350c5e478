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

# format the source
[group('develop')]
fmt:
    cargo fmt

# measure speed
[group('develop')]
bench *ARGS:
    cargo bench --locked {{ ARGS }}
