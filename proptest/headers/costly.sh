#!/bin/sh
# costly.sh INCLUDE_DIR: the standard headers that cost more than all of ours (measured in
# design.md section 7), and those that a library without allocation and streams has no use for.
set -eu
export LC_ALL=C
cd "$1/surefoot"

costly='atomic|iostream|string|functional|memory|vector|span|optional|concepts|csignal'
found=$(find . -name '*.hpp' ! -path './testing/*' -exec \
  grep -nHE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<($costly)>" {} +) || true
[ -z "$found" ] && echo 'none' && exit 0
echo "$found"
exit 1
