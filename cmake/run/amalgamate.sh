#!/usr/bin/env bash
# ./run amalgamate: the library as one header.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run amalgamate [FILE]

Writes the whole library, but for the testing kit, as one header (default: build/surefoot.hpp), to be copied
into a tree that takes single files. It needs nothing else, and works wherever the separate headers do.
FILE is seen from the project's root.

Exit status: 0 fine, 1 it could not be written, 2 usage.
TEXT
}

[ $# -le 1 ] || usage_error "run amalgamate: too many arguments (try --help)"
case ${1-} in
  --help | -h) usage; exit 0 ;;
  -*) usage_error "run amalgamate: unknown argument '$1' (try --help)" ;;
esac
to=${1:-build/surefoot.hpp}
[ ! -d "$to" ] || usage_error "run amalgamate: $to is a directory"
[ $# -eq 1 ] || mkdir -p build

version=$(sed -n 's/^#define SUREFOOT_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\)$/\2/p' include/surefoot/version.hpp | paste -sd .)
# Whole or not at all.
part=$(mktemp "$to.XXXXXX") || fail "run amalgamate: cannot write beside $to"
trap 'rm -f "$part"' EXIT
awk -v root=include -v version="$version" -v license=LICENSE -f cmake/run/amalgamate.awk >"$part"
chmod 644 "$part"
mv "$part" "$to"
say "$to: surefoot $version, $(wc -l <"$to") lines"
