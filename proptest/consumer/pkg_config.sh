#!/usr/bin/env bash
# pkg_config.sh PREFIX VERSION COMPILER FLAG...: what is installed below PREFIX is found, also where it was moved to.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=cmake/run/lib.sh
. "$here/../../cmake/run/lib.sh"

prefix=$1 version=$2
shift 2
command -v pkg-config >/dev/null || needs "pkg-config (package pkgconf)"
work=$(mktemp -d "$PWD/pkg_config.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -r "$prefix" "$work/moved"
export PKG_CONFIG_PATH=$work/moved/share/pkgconfig PKG_CONFIG_LIBDIR=

[ "$(pkg-config --modversion surefoot)" = "$version" ] || fail "another version: $(pkg-config --modversion surefoot)"
[ -z "$(pkg-config --libs surefoot)" ] || fail "libraries, where there are none: $(pkg-config --libs surefoot)"
read -ra flags < <(pkg-config --cflags surefoot)
[ "${#flags[@]}" -eq 1 ] || fail "flags besides the directory: ${flags[*]}"
"$@" "${flags[@]}" "$here/main.cpp" -o "$work/program"
"$work/program" || fail "a program that it helped to build does not work"

read -ra flags < <(pkg-config --cflags --libs surefoot-pinned)
"$@" -fPIC -shared "$here/plugin.cpp" "${flags[@]}" -o "$work/plugin.so"
readelf --dynamic "$work/plugin.so" | grep -q NODELETE || fail "surefoot-pinned does not pin"
