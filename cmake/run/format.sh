#!/usr/bin/env bash
# ./run format: clang-format over the sources of the repository, tracked or new.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run format [--check | --tidy]

Rewrites every *.hpp and *.cpp that git tracks or would track with clang-format.
  --check   changes nothing; exit status 1 if a file is not formatted
  --tidy    changes nothing; runs clang-tidy over the programs of preset clang-asan

Exit status: 0 fine, 1 findings, 2 usage, 3 packages are missing.
TEXT
}

mode=${1:-write}
[ $# -le 1 ] || usage_error "run format: too many arguments (try --help)"
case $mode in
  --help | -h) usage; exit 0 ;;
  write | --check | --tidy) ;;
  *) usage_error "run format: unknown argument '$mode' (try --help)" ;;
esac

tidy() {
  local preset=clang-asan sources=() file checked=0 bad=0
  need_packages clang-tidy g++ clang libclang-rt-dev "${test_packages[@]}"
  cmake --preset "$preset" </dev/null >/dev/null
  # Catch2's main holds no line of ours.
  mapfile -t sources < <(
    sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "build/$preset/compile_commands.json" |
      grep -v '/proptest/unit/main\.cpp$' | sort -u
  )
  for file in "${sources[@]}"; do
    checked=$((checked + 1))
    echo "[$checked/${#sources[@]}] ${file#"$PWD"/}"
    clang-tidy --quiet -p "build/$preset" "$file" </dev/null || bad=1
  done
  return "$bad"
}

if [ "$mode" = --tidy ]; then
  tidy
  exit
fi

need_packages clang-format git
files=()
while IFS= read -r -d '' file; do
  # A file deleted from the work tree is still in the index.
  if [ -f "$file" ]; then files+=("$file"); fi
done < <(git ls-files -z --cached --others --exclude-standard -- '*.hpp' '*.cpp')
[ ${#files[@]} -gt 0 ] || fail "run format: git names no *.hpp or *.cpp here"

if [ "$mode" = --check ]; then
  clang-format --dry-run --Werror "${files[@]}"
  echo "${#files[@]} files are formatted"
else
  clang-format -i "${files[@]}"
  echo "${#files[@]} files formatted"
fi
