# shellcheck shell=bash
# What the scripts share. Sourced with the program and, where a script uses them, the directory of the
# tests' own programs. Each script then works in a directory of its own that goes away with it.

# Not every script uses all of these.
# shellcheck disable=SC2034
script=$(realpath "$0") program=$1 tools=${2-} name=$(basename "$1")
page=4096
work=$(mktemp -d "$PWD/example.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit

fail() {
  printf 'FAILED: %s\n' "$*"
  local file
  for file in out err; do
    if [ -s "$file" ]; then printf -- '--- std%s\n' "$file"; cat "$file"; fi
  done
  exit 1
}

# skip NAME: NEEDS: the line that ./run test counts.
skip() { printf 'SKIPPED: %s\n' "$*"; exit 0; }

# skip_without_its_needs: an example ends with status 3 where this machine lacks what it shows.
skip_without_its_needs() {
  local status=0
  "$program" >out 2>err </dev/null || status=$?
  [ "$status" -ne 3 ] || skip "$name $(basename "$script" .sh | tr _ ' '): $(sed "s/^$name: //" err)"
}

# on_a_small_disk TEST: runs the script again with a file system of one megabyte, seen by it only, in
# `small`; or ends it.
on_a_small_disk() {
  if [ "${SUREFOOT_IN_NAMESPACE-}" != yes ]; then
    unshare -rm mount -t tmpfs -o size=1m none . 2>/dev/null ||
      skip "$1: needs a user namespace, or root, to mount a tmpfs"
    SUREFOOT_IN_NAMESPACE=yes unshare -rm bash "$script" "$program" "$tools" || fail "see above"
    exit 0
  fi
  mkdir small
  mount -t tmpfs -o size=1m none small
}

# expect_status STATUS ARGUMENT...: runs the program; what it says is in `out` and `err`.
expect_status() {
  local wanted=$1 status=0
  shift
  "$program" "$@" >out 2>err </dev/null || status=$?
  [ "$status" -eq "$wanted" ] || fail "$* ended with status $status, not $wanted"
}

# expect_refusal STATUS ARGUMENT...: the same; and exactly one line on standard error, nothing else
# said, no file made. What the line must hold is in `says`.
says=()
expect_refusal() {
  local before word
  before=$(find . | grep -vE '^./(out|err)$' | sort)
  expect_status "$@"
  [ "$(wc -l <err)" -eq 1 ] || fail "$* did not say exactly one line on standard error"
  [ ! -s out ] || fail "$* said something on standard output"
  for word in "${says[@]}"; do
    grep -qF -- "$word" err || fail "$* did not say '$word'"
  done
  [ "$(find . | grep -vE '^./(out|err)$' | sort)" = "$before" ] || fail "$* left a file behind"
}

# make_file NAME BYTES: noise without a zero byte in it, so that a lost byte shows.
make_file() {
  head -c "$2" /dev/urandom | tr '\0' '\1' >"$1"
}

# make_large_file NAME MEGABYTES: the same, faster.
make_large_file() {
  local i
  make_file "$1.part" 1048576
  for ((i = 0; i < $2; i++)); do cat "$1.part"; done >"$1"
  rm "$1.part"
}

size_of() { stat -c %s "$1"; }

# expect_same SRC DST OFFSET LENGTH, expect_zeros DST OFFSET LENGTH
expect_same() {
  cmp -i "$3" -n "$4" "$1" "$2" || fail "$2 differs from $1 within $4 bytes at $3"
}
expect_zeros() {
  cmp -i "$2:0" -n "$3" "$1" /dev/zero || fail "$1 is not zero in the $3 bytes at $2"
}

# expect_copy SRC DST [OFFSET LENGTH]...: DST is SRC with these holes, and the file system knows them.
expect_copy() {
  local src=$1 dst=$2 at=0 size holes=
  shift 2
  size=$(size_of "$src")
  [ "$(size_of "$dst")" -eq "$size" ] || fail "$dst has $(size_of "$dst") bytes, $src has $size"
  while [ $# -gt 0 ]; do
    expect_same "$src" "$dst" "$at" $(($1 - at))
    expect_zeros "$dst" "$1" "$2"
    holes+="$1 $2"$'\n'
    at=$(($1 + $2))
    shift 2
  done
  expect_same "$src" "$dst" "$at" $((size - at))
  if holes_are_exact; then
    diff <(printf '%s' "$holes") <("$tools/print_holes" "$dst") || fail "other holes in $dst (>)"
  fi
}

# Some file systems keep holes in larger units, or not at all.
holes_are_exact() {
  printf 'x' >probe
  printf 'x' | dd of=probe bs=$((2 * page)) seek=1 conv=notrunc status=none
  [ "$("$tools/print_holes" probe)" = "$page $page" ]
}

# shellcheck disable=SC2120 # no row: no table
# expect_table [ROW]...: the bad runs that were printed, as "offset length cause signal code".
expect_table() {
  local row
  diff <(for row in "$@"; do echo "$row"; done) \
    <(awk 'NF == 5 && $1 ~ /^[0-9]+$/ { print $1, $2, $3, $4, $5 }' out) || fail "another table (>)"
}

# The causes, as the table prints them.
# shellcheck disable=SC2034
denied='denied SIGSEGV 2' guard='unmapped SIGSEGV 1' truncated='no_backing SIGBUS 2'

# begin_copy ARGUMENT...: starts the program and returns as soon as it reports its first progress.
# Its process is $copier, what it says on standard output is in `out`.
begin_copy() {
  rm -f progress
  mkfifo progress
  # Without this a shell's background job ignores the interrupt.
  env --default-signal=INT,TERM,HUP "$program" "$@" >out 2>progress </dev/null &
  copier=$!
  exec 3<progress
  # shellcheck disable=SC2034
  IFS= read -r first_line <&3 || fail "no progress was reported"
}

# end_copy: waits for it; its exit status is in $copy_status.
end_copy() {
  copy_status=0
  cat <&3 >err
  # shellcheck disable=SC2034
  wait "$copier" || copy_status=$?
  exec 3<&-
}

temporary_files() { find . -name '.salvage-*' | wc -l; }
