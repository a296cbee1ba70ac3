#!/usr/bin/env bash
# compiles_alone.sh SOURCE COMPILER FLAG...: a copy of the source, far from everything else, makes a program.
set -euo pipefail

source=$1
shift
work=$(mktemp -d "$PWD/alone.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$source" "$work"
cd "$work"
"$@" "$(basename "$source")" -o program
status=0
./program >out 2>err || status=$?
# 3: the machine lacks what it shows.
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || { cat out err; exit 1; }
