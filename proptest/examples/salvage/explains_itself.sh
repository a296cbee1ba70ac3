#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"

expect_status 0 --help
for word in SRC DST --map --resume --chunk --retries --quiet --version --sabotage noaccess guard truncate uffd-poison 'Exit status'; do
  grep -qF -- "$word" out || fail "--help does not say $word"
done
expect_status 0 --version
grep -qxE 'salvage [0-9]+\.[0-9]+\.[0-9]+' out || fail "--version says something else"
