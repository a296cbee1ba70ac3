#!/usr/bin/env bash
# ./run mutants: break the library on purpose, once for each patch in proptest/mutants/, and see
# that the tests named in the patch fail. A mutant that nobody notices is a missing test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run mutants [NAME...]

Applies proptest/mutants/NAME.patch (default: each of them) to a copy of the tree, builds it, and
expects the tests that the patch names to fail. Above the diff, which may touch include/ only:

  # breaks: <one line>
  # caught-by: <regular expression over test names, as for ctest -R>
  # preset: <a preset of CMakePresets.json>    (optional: gcc-release)
  # target: <what to build>                    (optional: all)

Exit status: 0 each mutant was caught, 1 one survived or could not be tried, 2 usage, 3 packages.
TEXT
}

names=()
for argument in "$@"; do
  case $argument in
    --help | -h) usage; exit 0 ;;
    -*) usage_error "run mutants: unknown argument '$argument' (try --help)" ;;
    *) [ -f "proptest/mutants/$argument.patch" ] ||
      usage_error "run mutants: no mutant '$argument' in proptest/mutants/" ;;
  esac
  names+=("$argument")
done
if [ ${#names[@]} -eq 0 ]; then
  for patch in proptest/mutants/*.patch; do
    [ -e "$patch" ] || fail "run mutants: there is no proptest/mutants/*.patch"
    name=${patch##*/}
    names+=("${name%.patch}")
  done
fi

# header NAME KEY DEFAULT: one of the lines above the diff.
header() {
  local value
  value=$(sed -n "/^--- /q; s/^# $2: *//p" "proptest/mutants/$1.patch" | sed -n 1p)
  value=${value:-$3}
  [ -n "$value" ] || fail "proptest/mutants/$1.patch: no line '# $2: ...' above the diff"
  printf '%s\n' "$value"
}

root=$PWD
work=$root/build/mutants
tree=$work/tree
log=$work/log
# A mutant may spin or hang; no test named by one needs this long.
timeout=30

# Brings the copy up to date. Only files that differ are written, so that a second run rebuilds
# little; they get a new time stamp, so that ninja rebuilds them.
copy_tree() {
  local file
  mkdir -p "$tree"
  git ls-files -z --cached --others --exclude-standard >"$work/files"
  while IFS= read -r -d '' file; do
    if [ ! -f "$file" ]; then
      rm -f "$tree/$file"
    elif ! cmp -s "$file" "$tree/$file"; then
      mkdir -p "$tree/$(dirname "$file")"
      cp "$file" "$tree/$file"
    fi
  done <"$work/files"
  # What the repository no longer has, the copy must not have either.
  (cd "$tree" && find . -path ./build -prune -o -type f -print0) |
    while IFS= read -r -d '' file; do
      grep -qzxF -- "${file#./}" "$work/files" || rm -f "$tree/$file"
    done
}

# The copy lies inside our repository and is not one itself: git must not look above it, or it
# takes the paths of a patch for paths of the repository and ignores them.
apply() { GIT_CEILING_DIRECTORIES=$work git -C "$tree" apply "$@"; }

build() { # PRESET TARGET
  (
    cd "$tree"
    cmake --preset "$1" -DSUREFOOT_TEST_TIMEOUT="$timeout"
    cmake --build --preset "$1" --target "$2" --parallel "$(jobs)"
  ) >"$log" 2>&1 </dev/null
}

run_tests() { # PRESET REGEX [ARGUMENT...]
  local preset=$1 regex=$2
  shift 2
  rm -f "$work/junit.xml"
  (
    cd "$tree"
    ctest --preset "$preset" -R "$regex" --parallel "$(jobs)" --output-junit "$work/junit.xml" "$@"
  ) >"$log" 2>&1 </dev/null
}

show_log() { tail -n 30 "$log" | sed 's/^/    /' >&2; }

need_packages g++ "${test_packages[@]}"
presets=()
for name in "${names[@]}"; do
  header "$name" breaks '' >/dev/null
  header "$name" caught-by '' >/dev/null
  preset=$(header "$name" preset gcc-release)
  case $preset in clang-*) need_packages clang libclang-rt-dev lld ;; esac
  case " ${presets[*]-} " in *" $preset "*) ;; *) presets+=("$preset") ;; esac
done

mkdir -p "$work"
say "copying the tree"
copy_tree

# Without its mutation the tree must pass, else a failure below proves nothing; and a regular
# expression that matches no test catches nothing.
for preset in "${presets[@]}"; do
  say "$preset: build without mutation"
  build "$preset" all || { show_log; fail "run mutants: the unchanged tree does not build"; }
  union=''
  for name in "${names[@]}"; do
    [ "$(header "$name" preset gcc-release)" = "$preset" ] || continue
    regex=$(header "$name" caught-by '')
    count=$(cd "$tree" && ctest --preset "$preset" -N -R "$regex" </dev/null |
      sed -n 's/^Total Tests: //p')
    [ "${count:-0}" -gt 0 ] || fail "proptest/mutants/$name.patch: no test matches '$regex'"
    union="${union:+$union|}($regex)"
  done
  say "$preset: the named tests without mutation"
  run_tests "$preset" "$union" --output-on-failure ||
    { show_log; fail "run mutants: the unchanged tree does not pass"; }
done

caught=0 bad=0 number=0
for name in "${names[@]}"; do
  number=$((number + 1))
  start=$SECONDS
  patch=$root/proptest/mutants/$name.patch
  preset=$(header "$name" preset gcc-release)
  outcome=''

  if touched=$(apply --numstat "$patch" 2>"$log" | cut -f3) && [ -n "$touched" ] && apply "$patch" 2>"$log"; then
    if grep -qv '^include/' <<<"$touched"; then
      outcome='NOT TRIED: touches files outside include/'
    elif ! build "$preset" "$(header "$name" target all)"; then
      outcome='NOT TRIED: does not build'
      show_log
    elif run_tests "$preset" "$(header "$name" caught-by '')" --stop-on-failure; then
      outcome="SURVIVED ($(header "$name" breaks ''))"
    else
      by=$(awk -f cmake/run/junit.awk "$work/junit.xml" | sed -n "s/^failed\t//p" | paste -sd ";" -) || true
      if [ -n "$by" ]; then
        caught=$((caught + 1))
        echo "[$number/${#names[@]}] $name: caught by $by ($((SECONDS - start)) s)"
      else
        outcome='NOT TRIED: ctest failed, but no test did'
        show_log
      fi
    fi
    # Back to the original, with a new time stamp.
    copy_tree
  else
    outcome='NOT TRIED: the patch does not apply'
    show_log
  fi
  if [ -n "$outcome" ]; then
    bad=$((bad + 1))
    echo "[$number/${#names[@]}] $name: $outcome ($((SECONDS - start)) s)"
  fi
done

echo "$caught mutants caught, $bad not"
[ "$bad" -eq 0 ]
