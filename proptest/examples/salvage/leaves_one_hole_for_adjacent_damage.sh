#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((300 * page))
# Three that touch: one run; the later one decides where two overlap. The chunk ends at page 64.
expect_status 1 src dst --sabotage "noaccess@$((60 * page))+$((2 * page))" \
  --sabotage "noaccess@$((62 * page))" --sabotage "noaccess@$((61 * page))+$((9 * page))"
expect_copy src dst $((60 * page)) $((10 * page))
expect_table "$((60 * page)) $((10 * page)) $denied"

# Neighbours with different causes: one hole, a row for each.
expect_status 1 src dst --sabotage "noaccess@$((100 * page))+$((4 * page))" \
  --sabotage "truncate@$((102 * page))+$((4 * page))" --sabotage "noaccess@$((200 * page))"
expect_copy src dst $((100 * page)) $((6 * page)) $((200 * page)) "$page"
expect_table "$((100 * page)) $((2 * page)) $denied" "$((102 * page)) $((4 * page)) $truncated" \
  "$((200 * page)) $page $denied"

# Every other page.
damage=() holes=() rows=()
for ((i = 1; i < 300; i += 2)); do
  damage+=(--sabotage "truncate@$((i * page))")
  holes+=("$((i * page))" "$page")
  rows+=("$((i * page)) $page $truncated")
done
expect_status 1 src dst "${damage[@]}"
expect_copy src dst "${holes[@]}"
expect_table "${rows[@]}"
