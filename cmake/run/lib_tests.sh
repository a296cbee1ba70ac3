# shellcheck shell=bash
# What the commands share that run tests. Sourced, never run.
#
#   select   what is given to ctest to choose tests: (-R REGEX), or nothing
#   timeout  seconds for one test
#
# Where SUREFOOT_RECORD names a file, all that is counted is written there too: ./run test counts so what the
# commands that it runs have counted.

select=()
timeout=120
passed=0 failed=0 skipped=0 layouts=0
failures=() # lines: what failed, and below each why, as far as its output says
results=$(mktemp -d)
: >"$results/notes"
: >"$results/tiles"
trap 'rm -rf "$results"' EXIT

# tally [WHERE]: counts lines as cmake/run/junit.awk prints them; without WHERE those of a record, which say it
# themselves.
tally() {
  local kind name where=${1-}
  while IFS=$'\t' read -r kind name; do
    if [ -z "${1-}" ]; then where=${kind%%:*} kind=${kind#*:}; fi
    case $kind in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) ;;
      failed)
        failed=$((failed + 1))
        failures+=("failed: $where: $name")
        ;;
      why) failures+=("  | $name") ;;
      note) printf '%s\t%s\n' "$name" "$where" >>"$results/notes" ;;
      matrix) echo "$where: $name" ;;
      layouts) layouts=$((layouts + name)) ;;
      tile) printf '%s\n' "$name" >>"$results/tiles" ;;
      *) continue ;;
    esac
    if [ -n "${SUREFOOT_RECORD-}" ]; then printf '%s:%s\t%s\n' "$where" "$kind" "$name" >>"$SUREFOOT_RECORD"; fi
  done
}

# One check that no test program makes: did COMMAND end well?
check() { # WHERE NAME COMMAND...
  local where=$1 name=$2 kind=passed
  shift 2
  "$@" || kind=failed
  tally "$where" <<<"$kind"$'\t'"$name"
}
went_wrong() { check "$1" "$2" false; }

# try_preset PRESET: a preset that does not configure or build is one failure, and the rest goes on.
try_preset() {
  local preset=$1 report="$PWD/build/$1/junit.xml" status=0 before=$failed
  say "$preset: configure"
  cmake --preset "$preset" -DSUREFOOT_TEST_TIMEOUT="$timeout" </dev/null || { went_wrong "$preset" configure; return; }
  say "$preset: build"
  cmake --build --preset "$preset" --parallel "$(jobs)" </dev/null || { went_wrong "$preset" build; return; }
  # (Not grep -q: ctest would die of what it does not read.)
  if [ ${#select[@]} -gt 0 ] &&
    ! ctest --preset "$preset" -N "${select[@]}" 2>/dev/null | grep -c '^ *Test *#' >/dev/null; then
    say "$preset: has no test of that name"
    return
  fi
  say "$preset: test"
  rm -f "$report"
  # The output of passed tests is kept whole: a test says there what it could not exercise.
  ctest --preset "$preset" --parallel "$(jobs)" --output-junit "$report" \
    --test-output-size-passed 10000000 --test-output-size-failed 10000000 \
    "${select[@]}" </dev/null || status=$?
  if [ -f "$report" ]; then tally "$preset" < <(awk -f cmake/run/junit.awk "$report"); fi
  if [ "$status" -ne 0 ] && [ "$failed" -eq "$before" ]; then
    went_wrong "$preset" "ctest ended with status $status"
  fi
}

# say_result: what ran, what did not, and why. Fails where something failed.
say_result() {
  if [ -s "$results/tiles" ]; then
    # A line: kind, times, reason.
    say "tiles of the testing kit, in $layouts random and other layouts"
    awk -F '\t' '!($1 in times) { order[++n] = $1 }
                 { times[$1] += $2; if ($3 != "") why[$1] = $3 }
                 END { for (i = 1; i <= n; i++)
                         if (times[order[i]] > 0) printf "%s: exercised %d times\n", order[i], times[order[i]]
                         else printf "not run here: %s: %s\n", order[i], why[order[i]] }' "$results/tiles"
  fi

  say "result"
  if [ $((passed + failed + skipped)) -eq 0 ]; then
    failed=1
    failures+=("failed: no test has a name that matches '${select[1]-}'")
  fi
  if [ -s "$results/notes" ]; then
    # A line for what is needed, with the tests that need it: each type of a template is one. Then where.
    awk -F '\t' '
      { at = index($1, ": needs "); name = at ? substr($1, 1, at - 1) : $1; need = at ? substr($1, at + 8) : "?"
        sub(/ - [^ ]+$/, "", name)
        if (!(need in names)) order[++n] = need
        if (!((need, name) in seen)) names[need] = names[need] (names[need] == "" ? "" : "; ") name
        if (!((need, $2) in there)) where[need] = where[need] (where[need] == "" ? "" : ", ") $2
        seen[need, name] = there[need, $2] = 1 }
      END { for (i = 1; i <= n; i++)
              print "not run here: needs " order[i] " (" where[order[i]] "): " names[order[i]] }' "$results/notes"
  elif [ "$failed" -eq 0 ] && [ ${#select[@]} -eq 0 ]; then
    echo "every check ran"
  fi
  # Last: who sees only the end of a long output sees what has failed.
  for failure in ${failures[@]+"${failures[@]}"}; do
    printf '%s\n' "$failure"
  done
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
}
