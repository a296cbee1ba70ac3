#!/usr/bin/env bash
# ./run bench: what salvage takes, beside cp, and mapped_wc, beside wc, in one run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run bench [--megabytes N] [--rounds N]

Copies a file from the page cache with cp and with salvage, and counts the lines of one with wc -l and with
mapped_wc, in turn, and prints the medians.
  --megabytes N   the size of the file (default: 1024); three times that is needed on the disk
  --rounds N      how often (default: 11)

Exit status: 0 fine, 1 a copy was wrong, 2 usage, 3 packages are missing.
TEXT
}

megabytes=1024 rounds=11
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --megabytes | --rounds)
      [[ ${2-} =~ ^[1-9][0-9]{0,5}$ ]] || usage_error "run bench: $1 needs a number from 1 to 999999"
      declare "${1#--}=$2"
      shift
      ;;
    *) usage_error "run bench: unknown argument '$1' (try --help)" ;;
  esac
  shift
done

need_packages g++ cmake ninja-build libcli11-dev pv
built=$(build_examples salvage mapped_wc)
bash bench/salvage.sh "$built/salvage" "$megabytes" "$rounds"
bash bench/mapped_wc.sh "$built/mapped_wc" "$megabytes" "$rounds"
