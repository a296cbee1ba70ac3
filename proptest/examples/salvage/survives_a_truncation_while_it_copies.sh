#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# Another process takes the second half away once the copy has begun. If it came too late (a busy
# machine), the next attempt decides.
megabytes=192
cut=$((megabytes * 524288 + 1234)) # not at a page's end: the rest of that page reads as zeros
make_large_file original "$megabytes"
size=$(size_of original)
for ((attempt = 1; ; attempt++)); do
  [ "$attempt" -le 5 ] || fail "the truncation came too late, five times"
  cp original src
  begin_copy src dst
  kill -STOP "$copier"
  bash -c 'truncate -s "$1" src' bash "$cut"
  kill -CONT "$copier"
  end_copy
  grep -q "^$((cut))\b" <(awk '{ print $1 }' out) && break
  echo "attempt $attempt: too late, $first_line"
done
[ "$copy_status" -eq 1 ] || fail "ended with status $copy_status"
# Known by the file's size, or by a signal where a worker was in the midst of it: one after the other.
at=$cut
while read -r offset length cause; do
  if [ "$offset" -ne "$at" ] || [ "$cause" != no_backing ]; then fail "another table"; fi
  at=$((offset + length))
done < <(awk 'NF == 5 && $1 ~ /^[0-9]+$/ { print $1, $2, $3 }' out)
[ "$at" -eq "$size" ] || fail "not all of the second half is lost"
[ "$(size_of dst)" -eq "$size" ] || fail "dst has not the original's length"
expect_same original dst 0 "$cut"
expect_zeros dst "$cut" $((size - cut))
grep -qx "src has $cut bytes now" out || fail "the new size is not said"
[ "$(size_of src)" -eq "$cut" ] || fail "SRC was changed"
