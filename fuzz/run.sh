#!/bin/bash
# Runs every fuzz target for so many seconds (default 60), or those that are named behind the number. With cargo-fuzz and a
# nightly compiler inputs are led by coverage; else they are mutations of the corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-60}"
shift || true

if cargo +nightly fuzz --version >/dev/null 2>&1; then
  # The versions of the product, whatever is newer.
  [ -e fuzz/Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock
  targets=("$@")
  [ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
  for target in "${targets[@]}"; do
    # No sanitizer: there is no unsafe code to be watched, and without it ten times as much is tried.
    cargo +nightly fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -max_len=4096
  done
else
  cargo run --locked --release --features fuzzing --example fuzz -- "$seconds" "$@"
fi
