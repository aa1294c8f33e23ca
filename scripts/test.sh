#!/usr/bin/env bash
# Builds the release preset and runs every test but the long ones.
# --full: also ASan+UBSan, the clang thread-safety build, clang-format,
# clang-tidy, the tests labelled long and a short run of the bench.
set -euo pipefail
cd "$(dirname "$0")/.."
full=no
case "${1:-}" in
  "") ;;
  --full) full=yes ;;
  *) echo "usage: scripts/test.sh [--full]" >&2; exit 2 ;;
esac

scripts/install-deps.sh
jobs=$(nproc)

build() { cmake --preset "$1" >build/"$1".configure.log 2>&1 || { cat build/"$1".configure.log; exit 1; }
          cmake --build --preset "$1" -j "$jobs"; }
run_tests() { ctest --test-dir build/"$1" --output-on-failure -j "$jobs" --timeout 300 "${@:2}"; }

mkdir -p build
build release
run_tests release -LE long
if [ "$full" = yes ]; then
  run_tests release -L long
  # Whether the bench still works; its figures mean nothing here.
  cmake --build --preset release -j "$jobs" --target curator_bench in_process_bench
  tests/bench/bench.py --smoke >build/bench.log
  build asan
  run_tests asan -LE 'long'
  build thread-safety
  git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror
  # In the batches of the unity build: most of the time goes into gRPC's headers,
  # once a batch instead of once a file.
  find build/thread-safety/{libclient,server,cli} -path '*/Unity/*.cxx' -print0 |
    xargs -0 -P "$jobs" -n 1 clang-tidy --quiet -p build/thread-safety
fi
