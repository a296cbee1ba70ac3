#!/usr/bin/env bash
# ./run examples: build and run the programs of examples/, and print their table.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run examples [PROGRAM...]

Builds and runs the programs of examples/README.md, or those that are named, and prints a row for each: the
call site of the kernel, what it needs, the primitive, the rounds of the wrong pairing, those of ours, bytes.
With names it also prints what each of them shows.

Exit status: 0 each row is as examples/README.md has it, 1 not, 2 usage, 3 packages are missing.
TEXT
}

for argument in "$@"; do
  case $argument in
    --help | -h) usage; exit 0 ;;
    -*) usage_error "run examples: unknown argument '$argument' (try --help)" ;;
  esac
done

# The README's rows: "| [NAME](NAME.cpp) | CALL SITE | ... | BYTES |".
mapfile -t programs < <(sed -n 's/^| \[\([a-z_]*\)\](.*/\1/p' examples/README.md)
for name in "$@"; do
  case " ${programs[*]} " in
    *" $name "*) ;;
    *) usage_error "run examples: there is no program '$name' (see examples/README.md)" ;;
  esac
done
[ $# -eq 0 ] || programs=("$@")

need_packages g++ cmake ninja-build libcli11-dev
built=$(build_examples "${programs[@]}")
out=$(mktemp) err=$(mktemp)
trap 'rm -f "$out" "$err"' EXIT

# show_row CELL...: a cell that is too long for its column moves the others.
show_row() { printf '%-15s  %-30s  %-39s  %-25s  %5s  %5s  %8s  %s\n' "$@"; }

wrong=0 not_run=0
if [ $# -eq 0 ]; then show_row program 'call site' need primitive wrong ours bytes ''; fi
for name in "${programs[@]}"; do
  status=0
  "$built/$name" >"$out" 2>"$err" </dev/null || status=$?
  if [ "$status" -eq 3 ]; then
    echo "not run here: $(cat "$err")"
    not_run=$((not_run + 1))
    continue
  fi
  row=$(tail -n 1 "$out")
  mark=ok
  if [ "$status" -ne 0 ] || ! grep -qxF -- "| [$name]($name.cpp) | $row |" examples/README.md; then
    mark="not as in examples/README.md (status $status)"
    wrong=$((wrong + 1))
  fi
  if [ $# -gt 0 ]; then say "$name"; cat "$out"; fi
  cat "$err" >&2
  IFS='|' read -r site need primitive theirs ours bytes <<<"${row// | /|}"
  if [ $# -eq 0 ] || [ "$mark" != ok ]; then
    show_row "$name" "$site" "$need" "$primitive" "$theirs" "$ours" "$bytes" "$mark"
  fi
done
echo "$((${#programs[@]} - wrong - not_run)) as they should be, $wrong not, $not_run not run here"
[ "$wrong" -eq 0 ]
