#!/usr/bin/env bash
# ./run cross: the tests on machines that are not here, under qemu's user mode; then say what did not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh
# shellcheck source=cmake/run/lib_tests.sh
. cmake/run/lib_tests.sh

usage() {
  cat <<'TEXT'
usage: ./run cross [aarch64 | riscv64] [-R REGEX]

Builds for another machine with g++ -O2 and runs the tests under qemu-user-static; without a
machine, for both. On riscv64, which has no exception table, only what needs none.
  -R REGEX      only the tests whose name matches

What the tests need of that machine is unpacked below ${XDG_CACHE_HOME:-~/.cache}/surefoot.

Exit status: 0 all passed, 1 something failed, 2 usage, 3 packages are missing.
The last line is "N passed, N failed, N skipped".
TEXT
}

machines=()
while [ $# -gt 0 ]; do
  case $1 in
    aarch64 | riscv64) machines+=("$1") ;;
    -R)
      [ $# -ge 2 ] || usage_error "run cross: -R needs a regular expression"
      # shellcheck disable=SC2034
      select=(-R "$2")
      shift
      ;;
    --help | -h) usage; exit 0 ;;
    *) usage_error "run cross: unknown argument '$1' (try --help)" ;;
  esac
  shift
done
[ ${#machines[@]} -gt 0 ] || machines=(aarch64 riscv64)

# An emulated fault costs ten times a real one, and more.
# shellcheck disable=SC2034
timeout=600

packages=(cmake ninja-build qemu-user-static)
for machine in "${machines[@]}"; do packages+=("g++-$machine-linux-gnu"); done
need_packages "${packages[@]}"

# What is fetched comes first: what then cannot be had hides no result.
for machine in "${machines[@]}"; do
  root=$(cache_dir)/$machine
  case $machine in
    aarch64) unpack_packages arm64 "$root" catch2 librapidcheck-dev ;;
    # No architecture of this release; of catch2 only headers are used, which are the same everywhere.
    riscv64) unpack_packages arm64 "$root" catch2 ;;
  esac
done
for machine in "${machines[@]}"; do try_preset "cross-$machine"; done
say_result
