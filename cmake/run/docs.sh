#!/usr/bin/env bash
# ./run docs: the reference documentation, from the comments of the public headers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run docs [DIRECTORY]

Writes the reference documentation with doxygen, into DIRECTORY/html (default: build/docs). Each public name has
its contract and an example; the examples are the tests in proptest/docs/. A name without either is an error, and so
is whatever doxygen warns of; then what was there before stays. DIRECTORY is seen from the project's root.

Exit status: 0 fine, 1 findings, 2 usage, 3 packages are missing.
TEXT
}

[ $# -le 1 ] || usage_error "run docs: too many arguments (try --help)"
case ${1-} in
  --help | -h) usage; exit 0 ;;
  -*) usage_error "run docs: unknown argument '$1' (try --help)" ;;
esac
to=${1:-build/docs}
[ ! -e "$to" ] || [ -d "$to" ] || usage_error "run docs: $to is not a directory"
need_packages doxygen

mkdir -p "$to" || fail "run docs: cannot make $to"
part=$(mktemp -d "$to/part.XXXXXX") || fail "run docs: cannot write to $to"
trap 'rm -rf "$part"' EXIT
version=$(sed -n 's/^#define SUREFOOT_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\)$/\2/p' include/surefoot/version.hpp | paste -sd .)
say "doxygen $(doxygen --version)"
{
  cat cmake/docs/Doxyfile
  printf '%s\n' "PROJECT_NUMBER = $version" "OUTPUT_DIRECTORY = \"$part\"" "STRIP_FROM_PATH = \"$PWD\""
} | doxygen - || fail "run docs: doxygen is not content with the comments"
awk -f cmake/docs/complete.awk "$part"/xml/namespacesurefoot*.xml "$part"/xml/{class,struct,concept}*.xml ||
  fail "run docs: names are left out"
rm -rf "${to:?}/html" "${to:?}/xml"
mv "$part/html" "$part/xml" "$to"
say "$to/html/index.html"
