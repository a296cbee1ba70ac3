#!/bin/sh
# lonely.sh COMPILER INCLUDE_DIR WORK_DIR FILE FUNCTION FLAG...: links FILE alone, into an executable
# and into a shared object without an undefined name, and asks its function. The shared object also
# beside another one that has a table.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
compiler=$1 include=$2 work=$3 file=$4 function=$5
emulator=${EMULATOR-} # what runs a program of another machine, and its arguments
shift 5
rm -rf "$work"
mkdir -p "$work"

"$compiler" -std=c++20 -Wall -Wextra -Werror "-I$include" "$@" -c "$here/$file" -o "$work/object.o"
"$compiler" -std=c++20 "$@" "-DASKED=$function" -c "$here/ask.cpp" -o "$work/ask.o"
"$compiler" "$@" "$work/ask.o" "$work/object.o" -o "$work/alone"
$emulator "$work/alone"

# share FILE NAME FLAG...: libNAME.so in WORK_DIR.
share() {
  from=$1 name=$2
  shift 2
  "$compiler" -std=c++20 -Wall -Wextra -Werror -fPIC "-I$include" "$@" \
    -shared -Wl,-z,defs "$here/$from" -o "$work/lib$name.so"
}
share "$file" asked "$@"
"$compiler" "$@" "$work/ask.o" "$work/libasked.so" "-Wl,-rpath,$work" -o "$work/linked"
$emulator "$work/linked"

share second.cpp neighbour "$@"
"$compiler" "$@" "$work/ask.o" -Wl,--no-as-needed "$work/libneighbour.so" "$work/libasked.so" \
  "-Wl,-rpath,$work" -o "$work/beside"
$emulator "$work/beside"
