#!/usr/bin/env bash
# ./run soak: all of it at once for some minutes, beside everybody else who lives by these signals.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run soak [--minutes N] [--seed N] [--sanitize]

Builds proptest/soak and runs it: threads that ask every primitive on every engine, each on real memory that
changes, and check each answer; beside them owners of SIGSEGV and SIGBUS that come and go, faults and signals
that are none of ours, timers that interrupt all this and ask the library too, children of fork(), shared
objects with copies of the library, and fibers. Every five seconds all wait, all layouts are dropped, and
mappings, descriptors, threads, heap and resident memory must be what they were. Ends with a table of counts.
  --minutes N   how long (default: 10)
  --seed N      what is drawn; the seed of a run is printed. Threads and timers are as they come.
  --sanitize    with clang++, ASan and UBSan
Ctrl-C stops early, with the same table.

Exit status: 0 no wrong answer and no leak, 1 there was one, 2 usage, 3 packages are missing.
TEXT
}

minutes=10 seed='' preset=gcc-release
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --minutes)
      [[ ${2-} =~ ^[1-9][0-9]{0,4}$ ]] || usage_error "run soak: --minutes needs a number from 1 to 99999"
      minutes=$2
      shift
      ;;
    --seed)
      [[ ${2-} =~ ^[0-9]{1,19}$ ]] || usage_error "run soak: --seed needs a number"
      seed=$2
      shift
      ;;
    --sanitize) preset=clang-asan ;;
    *) usage_error "run soak: unknown argument '$1' (try --help)" ;;
  esac
  shift
done

packages=(g++ "${test_packages[@]}")
[ "$preset" = gcc-release ] || packages+=(clang libclang-rt-dev)
need_packages "${packages[@]}"
say "building for $preset"
cmake --preset "$preset" </dev/null >/dev/null
cmake --build "build/$preset" --target soak --parallel "$(jobs)" </dev/null

ulimit -c 0
# As the test presets have it.
export ASAN_OPTIONS=allow_user_segv_handler=1:handle_segv=1:handle_sigbus=1:detect_stack_use_after_return=0
say "soaking for $minutes minutes; Ctrl-C stops early"
status=0
trap : INT TERM
"build/$preset/proptest/soak/soak" --seconds $((minutes * 60)) ${seed:+--seed "$seed"} </dev/null || status=$?
case $status in
  0 | 1) exit "$status" ;;
  *) fail "run soak: the program died of it (status $status)" ;;
esac
