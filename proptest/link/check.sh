#!/bin/sh
# check.sh COMPILER INCLUDE_DIR WORK_DIR SORTED|UNSORTED FLAG...: builds the program with these flags
# and runs it. WORK_DIR is emptied.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
compiler=$1 include=$2 work=$3 order=$4
emulator=${EMULATOR-} # what runs a program of another machine, and its arguments
shift 4
rm -rf "$work"
mkdir -p "$work"

# Halves for themselves, as a build system makes them: what is in both is for the linker to sort out.
# A flag for the linker does no harm here.
for half in program second; do
  "$compiler" -std=c++20 -Wall -Wextra -Werror -Wno-unused-command-line-argument "-I$include" \
    "$@" -c "$here/$half.cpp" -o "$work/$half.o"
done
"$compiler" "$@" "$work/program.o" "$work/second.o" -o "$work/program"
$emulator "$work/program" "$order"
