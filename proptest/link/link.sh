#!/bin/sh
# link.sh NAME COMPILER OBJECTS WORK_DIR whole|shared SORTED|UNSORTED FLAG...: links what compile.sh left in
# OBJECTS, with these flags, and runs it; `shared`: the second half as a shared object. WORK_DIR is emptied.
#
# NEWER_LLD: a linker that is tried where ld.lld cannot do it; or empty.
set -eu
export LC_ALL=C
name=$1 compiler=$2 objects=$3 work=$4 how=$5 order=$6
emulator=${EMULATOR-} # what runs a program of another machine, and its arguments
shift 6
rm -rf "$work"
mkdir -p "$work/newer"
set -- "$@" -Wl,--fatal-warnings

# What this machine cannot do with an empty program is none of ours.
echo 'int main() { return 0; }' >"$work/empty.cpp"
# (GNU ld ignores some options, and that warning is never fatal.)
try() {
  "$compiler" "$@" "$work/empty.cpp" -o "$work/empty" >"$work/log" 2>&1 &&
    ! grep -E 'warning: .* ignored' "$work/log" >/dev/null
}
if ! try "$@"; then
  cp "$work/log" "$work/why"
  if [ -n "${NEWER_LLD-}" ] && ln -s "$NEWER_LLD" "$work/newer/ld.lld" && try "$@" "-B$work/newer"; then
    set -- "$@" "-B$work/newer"
  else
    cat "$work/why"
    echo "SKIPPED: $name: needs a linker that can do it"
    exit 0
  fi
fi

case $how in
  whole) "$compiler" "$@" "$objects/program.o" "$objects/second.o" -o "$work/program" ;;
  shared)
    # -pie is for the executable. What is optimised here is compiled here.
    for flag; do
      shift
      [ "$flag" = -pie ] || set -- "$@" "$flag"
    done
    "$compiler" "$@" -fPIC -shared -Wl,-z,defs "$objects/shared.o" -o "$work/libsecond.so"
    "$compiler" "$@" "$objects/program.o" "$work/libsecond.so" "-Wl,-rpath,$work" -o "$work/program"
    ;;
esac

# Is each image what was asked for?
broken=0
has() { # FILE WHAT PATTERN OPTION...: does readelf, with these options, print it?
  file=$1 what=$2 pattern=$3
  shift 3
  readelf "$@" "$work/$file" >"$work/elf" 2>&1
  if ! grep -E "$pattern" "$work/elf" >/dev/null; then
    echo "$file: $what: readelf $* prints no '$pattern'"
    broken=1
  fi
}
has_not() { # the same: does it not?
  if (broken=0 && has "$@" >"$work/elf.has" && [ "$broken" -eq 0 ]); then
    echo "$1: $2: readelf prints '$3'"
    broken=1
  fi
}
second=program images=program # where the second half is; all of them
[ "$how" = whole ] || second=libsecond.so images='program libsecond.so'
linked_by='' optimized=no collects=no
for flag; do
  case $flag in
    -fuse-ld=bfd | -fuse-ld=lld | -fuse-ld=gold) linked_by=${flag#-fuse-ld=} ;;
    -flto*) optimized=yes ;;
    -Wl,--gc-sections) collects=yes ;;
    -static)
      has program "$flag" 'Type: +EXEC' -h
      has_not program "$flag" INTERP -lW
      ;;
    -static-pie)
      has program "$flag" 'Type: +DYN' -h
      has_not program "$flag" INTERP -lW
      ;;
    -pie) has program "$flag" 'Type: +DYN' -h ;;
    -no-pie) has program "$flag" 'Type: +EXEC' -h ;;
    -Wl,-z,pack-relative-relocs)
      for image in $images; do has "$image" "$flag" '\(RELR\)' -d; done
      ;;
  esac
done
for image in $images; do
  case $linked_by in
    lld) has "$image" "$linked_by" 'LLD [0-9]' -p .comment ;;
    gold) has "$image" "$linked_by" 'gold [0-9]' -n ;;
    bfd)
      has_not "$image" "$linked_by" 'LLD [0-9]' -p .comment
      has_not "$image" "$linked_by" 'gold [0-9]' -n
      ;;
  esac
done
# Hidden, so that it is a symbol only where it is code.
if [ "$collects" = yes ]; then
  has_not "$second" --gc-sections 10not_called -sW
elif [ "$optimized" = no ]; then
  has "$second" 'no --gc-sections' 10not_called -sW
fi
readelf -p .comment "$work/program" | sed -n 's/^ *\[.*\]  */made by /p'

$emulator "$work/program" "$order"
exit "$broken"
