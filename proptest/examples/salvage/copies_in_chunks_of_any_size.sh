#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

make_file src $((40 * page + 77))
damage=(--sabotage "noaccess@$((3 * page))+$((5 * page))" --sabotage "truncate@$((39 * page))")
for chunk in 1 4096 4097 12K 1M 1G; do
  expect_status 1 src dst --chunk "$chunk" "${damage[@]}"
  expect_copy src dst $((3 * page)) $((5 * page)) $((39 * page)) "$page"
  expect_table "$((3 * page)) $((5 * page)) $denied" "$((39 * page)) $page $truncated"
done
says=(--chunk)
for wrong in 0 -1 x '' 2G 1.5K; do expect_refusal 2 src dst --chunk "$wrong"; done
says=(--retries)
for wrong in -1 x '' 1001; do expect_refusal 2 src dst --retries "$wrong"; done
says=(--map)
for wrong in --resume '--map-interval 1' '--map-interval=-1 --map map' '--map-interval=x --map map'; do
  # shellcheck disable=SC2086 # words
  expect_refusal 2 src dst $wrong
done
expect_refusal 2 src dst --map ''
