#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

# kill -9 at 20 moments, each anywhere in the time that one run takes.
make_large_file src 96
arguments=(src dst --map map --map-interval 0.02 --chunk "$page" --quiet
  --sabotage "noaccess@$((30 << 20))+100000" --sabotage "truncate@$((80 << 20))+$page")
begun=${EPOCHREALTIME/./}
expect_status 1 "${arguments[@]}"
took=$((${EPOCHREALTIME/./} - begun))
mv dst dst.whole
mv map map.whole
expect_copy src dst.whole $((30 << 20)) $((25 * page)) $((80 << 20)) "$page"

interrupted=0 on_the_way=0
for ((i = 0; i < 20; i++)); do
  "$program" "${arguments[@]}" &
  copier=$!
  moment=$((took * (SRANDOM % 1000) / 1000))
  sleep "$((moment / 1000000)).$(printf '%06d' $((moment % 1000000)))"
  kill -9 "$copier" 2>/dev/null || true # it may have ended
  status=0
  wait "$copier" 2>/dev/null || status=$?
  [ "$status" -ne 137 ] || interrupted=$((interrupted + 1))
  if [ -f map ] && grep -q '  +$' map && grep -q '  ?$' map; then on_the_way=$((on_the_way + 1)); fi
  if [ -f map ]; then ddrescuelog -t map >ddrescuelog.out || fail "ddrescuelog refuses the map of an interrupted run"; fi
  expect_status 1 "${arguments[@]}" --resume
  cmp dst dst.whole || fail "another file after a kill at $moment us"
  cmp map map.whole || fail "another map after a kill at $moment us"
  rm dst map
  [ "$(find . -name '*.part' -o -name '.*' -type f | wc -l)" -eq 0 ] || fail "something is left behind: $(find .)"
done
echo "interrupted $interrupted of 20 runs, $on_the_way of them with a part of the work written down"
[ "$interrupted" -ge 10 ] || fail "too few were interrupted"
[ "$on_the_way" -ge 3 ] || fail "too few were on the way"
