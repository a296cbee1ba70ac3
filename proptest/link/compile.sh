#!/bin/sh
# compile.sh COMPILER INCLUDE_DIR WORK_DIR FLAG...: compiles what link.sh links: both halves of the program,
# with marks (mark.hpp), and the second one once more for a shared object. WORK_DIR is emptied.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
compiler=$1 include=$2 work=$3
shift 3
rm -rf "$work"
mkdir -p "$work"

for machine in x86_64 aarch64; do
  table=surefoot/arch/$machine/table.hpp
  mkdir -p "$work/include/${table%/*}"
  sed 's/"\.Lsurefoot_%=_" #n ": " instruction/SUREFOOT_TEST_MARK &/' "$include/$table" >"$work/include/$table"
  grep -q '^ *SUREFOOT_TEST_MARK ' "$work/include/$table" || { echo "$table: found no place for a mark"; exit 1; }
done

# compile FILE OBJECT FLAG...
compile() {
  file=$1 object=$2
  shift 2
  "$compiler" -std=c++20 -Wall -Wextra -Werror "-I$work/include" "-I$include" -include "$here/mark.hpp" "$@" \
    -c "$here/$file.cpp" -o "$work/$object.o"
}
compile program program "$@"
compile second second "$@"
compile second shared "$@" -fPIC

# Is it for link-time optimisation? Then it is no machine code, or not only.
case " $* " in
  *' -flto'*)
    for object in program second shared; do
      [ "$(head -c 2 "$work/$object.o")" = BC ] || readelf -SW "$work/$object.o" | grep -F .gnu.lto_ >/dev/null ||
        { echo "$object.o: nothing for link-time optimisation"; exit 1; }
    done
    ;;
esac
