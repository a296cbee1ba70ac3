#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"
skip_without_its_needs

expect_status 2 '' 2
what=$(sed -n 's/^usage: [a-z_]* \[\([A-Z]*\)\].*/\1/p' err)
from=$(sed -n 's/.* from \([0-9]*\) to.*/\1/p' err) to=$(sed -n 's/.* to \([0-9]*\).*/\1/p' err)
case $what in
  FILE)
    # Sizes around pages, and a real program.
    for size in 1 1599 1620 1648 4095 4096 4097 16384 300001; do
      make_file "of $size" "$size"
      expect_status 0 "of $size"
      [ ! -s err ] || fail "of $size bytes: it says something on standard error"
    done
    cp "$program" real
    expect_status 0 real
    ;;
  ADDRESS) for address in 50000000 0x50000000; do expect_status 0 "$address"; done ;;
  *)
    [ -n "$from$to" ] || fail "the usage names no limits"
    for n in "$from" $(((from + to) / 2)) 1599 1620 1648 4095 4096 4097 16384 "$to"; do
      if [ "$n" -ge "$from" ] && [ "$n" -le "$to" ]; then expect_status 0 "$n"; fi
    done
    says=("usage: $name [")
    [ "$from" -le 1 ] || expect_refusal 2 $((from - 1))
    expect_refusal 2 $((to + 1))
    ;;
esac
