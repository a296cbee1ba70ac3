#!/usr/bin/env bash
# ./run bench: what the primitives take, beside their limits and peers; what salvage takes, beside cp, and mapped_wc,
# beside wc.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run bench [--only REGEX] [--megabytes N] [--rounds N]

First the primitives, each beside the fastest way that there is without them and beside what else does such work,
in one process and in turn, a line for each; then a table of the goals, each met or NOT MET, with the reason
where it is known, and what could not run here. The figures of a whole run stay in bench/results/ as JSON, and
are drawn there as SVG: copy, fault, fault_in, holes. That takes six minutes or so. Then copies a file from the page cache with cp and with salvage, and counts the lines of
one with wc -l and with mapped_wc, in turn, and prints the medians.
  --only REGEX    only contests of the primitives whose names match (the work, "/", the variant, and more);
                  nothing is kept or drawn
  --megabytes N   the size of the file (default: 1024); three times that is needed on the disk
  --rounds N      how often (default: 11)

Exit status: 0 fine, whether goals are met or not; 1 a copy was wrong, 2 usage, or no contest matches REGEX,
3 packages are missing.
TEXT
}

megabytes=1024 rounds=11 only=
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --only)
      [[ ${2-} == [!-]* ]] || usage_error "run bench: --only needs a regular expression"
      only=$2
      shift
      ;;
    --megabytes | --rounds)
      [[ ${2-} =~ ^[1-9][0-9]{0,5}$ ]] || usage_error "run bench: $1 needs a number from 1 to 999999"
      declare "${1#--}=$2"
      shift
      ;;
    *) usage_error "run bench: unknown argument '$1' (try --help)" ;;
  esac
  shift
done

if [ "$(uname -m)" = x86_64 ]; then
  need_packages g++ cmake ninja-build libbenchmark-dev libsigsegv-dev jq gnuplot-nox
  say "building the contests of the primitives"
  cmake --preset gcc-release -B build/bench -DSUREFOOT_BUILD_TESTS=OFF -DSUREFOOT_BUILD_EXAMPLES=OFF \
    -DSUREFOOT_BUILD_FUZZERS=OFF -DSUREFOOT_BUILD_BENCHMARKS=ON </dev/null >/dev/null
  cmake --build build/bench --target surefoot_bench --parallel "$(jobs)" </dev/null
  say "the primitives, beside their limits"
  mkdir -p bench/results
  # Whole or not at all: what a run of before has left stays until then.
  build/bench/bench/surefoot_bench --benchmark_filter="${only:-.}" \
    --benchmark_out=build/bench/primitives.json --benchmark_out_format=json
  if [ -z "$only" ]; then
    mv build/bench/primitives.json bench/results/primitives.json
    say "drawing"
    bash bench/plots.sh bench/results/primitives.json bench/results
  fi
else
  say "not run here: the contests of the primitives: needs x86-64"
fi
[ -z "$only" ] || exit 0
need_packages g++ cmake ninja-build libcli11-dev pv
built=$(build_examples salvage mapped_wc)
bash bench/salvage.sh "$built/salvage" "$megabytes" "$rounds"
bash bench/mapped_wc.sh "$built/mapped_wc" "$megabytes" "$rounds"
