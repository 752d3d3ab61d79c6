# The same steps as .ci/run, one by one. `just` lists them.

default:
    @just --list

# everything that must hold before a change is merged
check: fmt words unused lint doc deny test

fmt:
    cargo fmt --check

# spelling (_typos.toml)
words:
    typos

# dependencies that nothing uses
unused:
    cargo machete

lint:
    cargo clippy --locked -j2 --all-targets --features fuzzing -- -D warnings

doc:
    RUSTDOCFLAGS=-Dwarnings cargo doc --locked -j2 --no-deps

# licences, advisories, sources
deny:
    cargo deny --locked check

# all tests; installs the servers they need on Debian
test *ARGS:
    tests/run.sh {{ARGS}}

# every fuzz target for so many seconds
fuzz SECONDS="60" *TARGETS:
    fuzz/run.sh {{SECONDS}} {{TARGETS}}
