#!/usr/bin/env bash
# What is random in it, or long, is `...` in the file.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh" "$@"
skip_without_its_needs

expected=$(dirname "$script")/../$name/prints
expect_status 0
pattern=
while IFS= read -r line || [ -n "$line" ]; do
  pattern+=$(sed 's/[][\\.*^$+?(){}|]/\\&/g; s/\\\.\\\.\\\./.*/g' <<<"$line")$'\n'
done <"$expected"
[ "$(wc -l <out)" -eq "$(wc -l <"$expected")" ] || fail "it does not print the lines of $expected"
while IFS= read -r line && IFS= read -r wanted <&4; do
  [[ $line =~ ^$wanted$ ]] || fail "'$line' is not '$wanted'"
done <out 4<<<"$pattern"
[ ! -s err ] || fail "it says something on standard error"
