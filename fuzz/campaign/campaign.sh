#!/usr/bin/env bash
# fuzz/campaign/campaign.sh: fuzzes one target on this host, with several fuzzers that share what they find.
# Other hosts do the same, each in a tree of its own; sync.sh shows each what the others found.
set -euo pipefail
called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh
root=$PWD

usage() {
  cat <<TEXT
usage: fuzz/campaign/campaign.sh TARGET [--host NAME] [--jobs N] [--minutes N] [--output DIR] [--seeds DIR]
       fuzz/campaign/campaign.sh TARGET --report [--output DIR]

Builds what it needs, then runs N fuzzers on one target until the time is over or until Ctrl-C. Started
again with the same DIR it goes on from there. In the end: a table, and each crash with its replay.
  --host NAME    letters, digits, - and _, at most 16; unique among hosts (default: this machine's name)
  --jobs N       how many fuzzers, in the order below (default: the number of processors)
  --minutes N    decimals too; building does not count (default: until Ctrl-C)
  --output DIR   the host's tree (default: build/fuzz-campaign/TARGET)
  --seeds DIR    to begin with (default: fuzz/corpus/TARGET)
  --report       only the table and the crashes of a tree

The fuzzers, by job:
  1 main       afl-fuzz -M; our mutator; reads what libFuzzer found. One in each tree.
  2 explore    another power schedule; bytes and dictionary only
  3 cmplog     the values that were compared (CMPLOG)
  4 asan       ASan and UBSan; our mutator
  5 libfuzzer  libFuzzer with ASan and UBSan; a new process every ten minutes, with what main has by then
  6 and up     rare, mopt, exploit, coe, lin, quad, seek; then fast, again and again

Several hosts: each its own --host and tree, and from time to time (AFL++ recommends about every 4 hours)
  fuzz/campaign/sync.sh TREE OTHER_TREE...     TREE may be host:path; see its --help

Targets: ${targets[*]}
Exit status: 0 no crash, 1 a crash or a fuzzer that ended by itself, 2 usage, 3 packages are missing.
TEXT
}

targets=()
for source in fuzz/*.cpp; do
  targets+=("$(basename "$source" .cpp)")
done

is_name() { [[ $1 =~ ^[A-Za-z0-9_-]{1,16}$ ]]; } # an afl-fuzz's name has at most 32, its role included

# absolute DIR: as the caller means it.
absolute() { (cd "$called_from" && realpath -m -- "$1"); }

target='' jobs=$(nproc) seconds='' tree='' seeds='' only_report=no
host=$(hostname) host=${host%%.*} host=${host//[!A-Za-z0-9_-]/-} host=${host:0:16}
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --host)
      is_name "${2-}" || usage_error "campaign: --host needs 1 to 16 letters, digits, - or _"
      host=$2
      shift
      ;;
    --jobs)
      [[ ${2-} =~ ^[1-9][0-9]{0,2}$ ]] || usage_error "campaign: --jobs needs a number from 1 to 999"
      jobs=$2
      shift
      ;;
    --minutes)
      [[ ${2-} =~ ^[0-9]{1,6}(\.[0-9]{1,3})?$ ]] || usage_error "campaign: --minutes needs a number of minutes"
      seconds=$(awk -v m="$2" 'BEGIN { printf "%d", m * 60 + 0.5 }')
      [ "$seconds" -gt 0 ] || usage_error "campaign: --minutes is less than a second"
      shift
      ;;
    --output | --seeds)
      [ -n "${2-}" ] || usage_error "campaign: $1 needs a directory"
      if [ "$1" = --output ]; then tree=$(absolute "$2"); else seeds=$(absolute "$2"); fi
      shift
      ;;
    --report) only_report=yes ;;
    -*) usage_error "campaign: unknown argument '$1' (try --help)" ;;
    *)
      [ -z "$target" ] || usage_error "campaign: one target at a time, not '$target' and '$1'"
      target=$1
      ;;
  esac
  shift
done
[ -n "$target" ] || usage_error "campaign: which target? One of: ${targets[*]}"
[[ " ${targets[*]} " = *" $target "* ]] || usage_error "campaign: there is no target '$target'; there are: ${targets[*]}"
tree=${tree:-$root/build/fuzz-campaign/$target}
seeds=${seeds:-$root/fuzz/corpus/$target}
dictionary=$root/fuzz/surefoot.dict

# role_of JOB: what the fuzzer with this number is.
role_of() {
  local roles=(main explore cmplog asan libfuzzer rare mopt exploit coe lin quad seek)
  if [ "$1" -le ${#roles[@]} ]; then printf '%s\n' "${roles[$1 - 1]}"; else printf 'fast%d\n' "$1"; fi
}

# preset_of ROLE: the build that this fuzzer runs, and in which its crashes happen again.
preset_of() {
  case $1 in
    asan) echo fuzz-afl-asan ;;
    libfuzzer) echo fuzz-libfuzzer ;;
    *) echo fuzz-afl ;;
  esac
}
program() { printf '%s\n' "$root/build/$1/fuzz/fuzz_$target"; } # PRESET

# replay_of INSTANCE: the program that shows one of its crashes again. Without AFL++ in it where that is
# possible.
replay_of() {
  local preset
  preset=$(preset_of "${1%%-*}")
  if [ "$preset" = fuzz-afl ]; then preset=fuzz-replay; fi
  program "$preset"
}

# instances: the names of this host's fuzzers that have run in the tree, one a line.
instances() {
  local dir
  for dir in "$tree"/*-"$host"; do
    if [ -f "$dir/fuzzer_stats" ] || [ -f "$tree/log/$(basename "$dir").txt" ]; then basename "$dir"; fi
  done
}

# crash_files KIND...: what lies there, "instance<TAB>file". On a new start afl-fuzz puts the old ones
# into a directory with a date.
crash_files() {
  local kind instance file
  for kind in "$@"; do
    while IFS= read -r instance; do
      for file in "$tree/$instance/$kind"/* "$tree/$instance/$kind".*/*; do
        case $(basename "$file") in
          README.txt | '*') ;;
          *) printf '%s\t%s\n' "$instance" "$file" ;;
        esac
      done
    done < <(instances)
  done
}

report() {
  local instance file finding stats=() count=0 command
  while IFS= read -r instance; do
    if [ -f "$tree/$instance/fuzzer_stats" ]; then stats+=("$tree/$instance/fuzzer_stats"); fi
  done < <(instances)

  say "$target on $host: $tree"
  # libFuzzer says how much it did at the end of each process.
  instance=libfuzzer-$host
  {
    if [ ${#stats[@]} -gt 0 ]; then awk -F ' *: ' '
      function line() { if (name != "") print name, at["execs_done"], at["execs_per_sec"], at["corpus_count"],
          at["corpus_found"], at["corpus_imported"], at["bitmap_cvg"], at["stability"], at["saved_crashes"],
          at["saved_hangs"], at["pending_favs"], at["pending_total"], at["run_time"], at["last_find"] }
      FNR == 1 { line(); split("", at); n = split(FILENAME, part, "/"); name = part[n - 1] }
      { at[$1] = $2 }
      END { line() }' "${stats[@]}"; fi
    if [ -f "$tree/log/$instance.txt" ]; then
      awk -v name="$instance" -v corpus="$(find "$tree/$instance/corpus" -type f | wc -l)" \
        -v crashes="$(find "$tree/$instance/crashes" -type f ! -name 'timeout-*' | wc -l)" \
        -v hangs="$(find "$tree/$instance/crashes" -name 'timeout-*' | wc -l)" '
        /^#[0-9]/ { so_far = substr($1, 2) } # all there is of one that was killed
        /^stat::number_of_executed_units:/ { execs += $2; so_far = 0 }
        /^stat::average_exec_per_sec:/ { speed += $2; ++n }
        END { print name, execs + so_far, n ? int(speed / n) : 0, corpus, corpus, "-", "-", "-", crashes, hangs, 0, 0, 0, 0 }' \
        "$tree/log/$instance.txt"
    fi
  } | awk -v now="$(date +%s)" '
    function since(t) { t = now - t; return t < 120 ? t " s" : t < 7200 ? int(t / 60) " min" : int(t / 3600) " h" }
    BEGIN { form = "%-26s %12s %9s %7s %6s %9s %9s %10s %8s %6s\n"
            printf form, "instance", "executions", "a second", "corpus", "found", "imported", "map", "stability", "crashes", "hangs" }
    { printf form, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
      ++n; execs += $2; speed += $3; crashes += $9; hangs += $10; favourites += $11; pending += $12
      if ($13 > time) time = $13
      if ($14 > last) last = $14 }
    END { if (n == 0) { print "nothing has run there"; exit }
          printf "%d fuzzers, %d s, %d executions, %d a second together; %d inputs pending, %d of them favourites; ",
                 n, time, execs, speed, pending, favourites
          printf "last find: %s; %d crashes, %d hangs saved\n", (last > 0 ? since(last) " ago" : "none since it began again"), crashes, hangs }'

  while IFS=$'\t' read -r instance file; do
    count=$((count + 1))
    command="$(replay_of "$instance")"
    printf '%s: %s\n  %q %q\n' "${file##*/"$instance"/}" "$instance" "$command" "$file"
    # What it says; a target that is broken has thousands, and the rest is the same.
    if [ "$count" -le 200 ] && [ -x "$command" ]; then
      finding=$({ env -u ASAN_OPTIONS timeout 20 "$command" "$file" 2>&1 </dev/null || true; } 2>/dev/null |
        grep -a -E 'FINDING:|ERROR:|runtime error:' | head -n 1) || true
      printf '  %s\n' "${finding:-no finding when it is replayed alone: something an earlier input did, perhaps}"
    fi
  done < <(crash_files crashes)
  local hangs=0
  while IFS=$'\t' read -r instance file; do
    hangs=$((hangs + 1))
    command="$(replay_of "$instance")" finding=''
    # A second is a hang for afl-fuzz: on a busy machine most are none.
    if [ "$hangs" -le 20 ] && [ -x "$command" ]; then
      if env -u ASAN_OPTIONS timeout 20 "$command" "$file" >/dev/null 2>&1 </dev/null; then
        finding=', which ends in time when it is replayed now'
      else
        finding=', which does not end well when it is replayed now'
      fi
    fi
    printf '%s: %s, a hang%s\n  timeout 20 %q %q\n' "${file##*/"$instance"/}" "$instance" "$finding" "$command" "$file"
  done < <(crash_files hangs)
  [ "$count" -eq 0 ]
}

if [ "$only_report" = yes ]; then
  [ -f "$tree/.host" ] || usage_error "campaign: there is no campaign in $tree"
  host=$(<"$tree/.host")
  report
  exit
fi

if ! [ -d "$seeds" ] || [ -z "$(find "$seeds" -type f -size +0 -print -quit)" ]; then
  usage_error "campaign: no seeds in $seeds"
fi

# One host's own, once: two mains with one tree would take each other's files.
if ! mkdir -p "$tree/log" 2>/dev/null || ! [ -w "$tree" ]; then
  usage_error "campaign: $tree cannot be written"
fi
exec {lock}>"$tree/.lock"
flock -n "$lock" || usage_error "campaign: a campaign is running in $tree"
if [ -f "$tree/.host" ] && [ "$(<"$tree/.host")" != "$host" ]; then
  usage_error "campaign: $tree belongs to the host $(<"$tree/.host"), not to $host"
fi
if [ -e "$tree/main-$host" ] && ! [ -f "$tree/.host" ]; then
  usage_error "campaign: $tree holds a main-$host that no campaign made"
fi
printf '%s\n' "$host" >"$tree/.host"
before=("$tree"/main-*/fuzzer_setup)
for file in "${before[@]}"; do
  if [ -e "$file" ] && [ "$file" != "$tree/main-$host/fuzzer_setup" ]; then
    usage_error "campaign: $tree has another main: $(dirname "$file")"
  fi
done

need_packages afl++ clang llvm libclang-rt-dev cmake ninja-build

presets=(fuzz-afl fuzz-replay)
for ((job = 2; job <= jobs; job++)); do
  case $(role_of "$job") in
    asan) presets+=(fuzz-afl-asan) ;;
    cmplog) presets+=(fuzz-afl-cmplog) ;;
    libfuzzer) presets+=(fuzz-libfuzzer) ;;
  esac
done
# Two campaigns may start at once: one of them builds.
mkdir -p build
exec {building}>build/fuzz-campaign.lock
flock "$building"
for preset in "${presets[@]}"; do
  say "building $preset"
  build=("fuzz_$target")
  if [ "$preset" = fuzz-replay ]; then build+=(fuzz_mutator); fi
  { cmake --preset "$preset" && cmake --build "build/$preset" --target "${build[@]}" --parallel "$jobs"; } \
    </dev/null >"$tree/log/build-$preset.txt" 2>&1 {lock}>&- {building}>&- ||
    fail "campaign: $preset does not build: $tree/log/build-$preset.txt"
done
exec {building}>&-

# AFL++'s: for a host without a screen, where cores belong to others too.
export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_COLOR=1 AFL_NO_AFFINITY=1
# Where a tree is, go on; others' finds first, then its own.
export AFL_AUTORESUME=1 AFL_IMPORT_FIRST=1
# Minutes; executions are cheap here, half an hour (its default) is long.
export AFL_SYNC_TIME=${AFL_SYNC_TIME:-5}
# afl-fuzz brings its own, and refuses others.
unset ASAN_OPTIONS UBSAN_OPTIONS

# end_rest: what no fuzzer waits for any more. afl-fuzz (4.04c) leaves a stopped target behind now and then
# (seen with -c); it holds the lock on the instance's directory, which then is "in use" at the next start.
# Known by its environment: nobody else's.
export SUREFOOT_FUZZ_CAMPAIGN=$tree
end_rest() {
  local environment pid
  for environment in /proc/[0-9]*/environ; do
    pid=${environment//[!0-9]/}
    if grep -qzxF "SUREFOOT_FUZZ_CAMPAIGN=$tree" "$environment" 2>/dev/null; then
      kill -KILL "$pid" 2>/dev/null || true
    fi
  done
}
end_rest # of a campaign that was killed: we hold its lock

declare -A pids=()
# now_running NAME: is it alive?
now_running() { [ -n "${pids[$1]-}" ] && kill -0 "${pids[$1]}" 2>/dev/null; }

# TERM: afl-fuzz and libFuzzer write down what they know. A process in the background of a script does
# not see the terminal's Ctrl-C.
stop_all() {
  local name end=$((SECONDS + 20))
  [ ${#pids[@]} -gt 0 ] || return 0
  for name in "${!pids[@]}"; do kill -TERM "${pids[$name]}" 2>/dev/null || true; done
  for name in "${!pids[@]}"; do
    while now_running "$name" && [ "$SECONDS" -lt "$end" ]; do sleep 0.1; done
    if now_running "$name"; then
      echo "$name does not stop: killed" >&2
      kill -KILL "${pids[$name]}" 2>/dev/null || true
    fi
    wait "${pids[$name]}" 2>/dev/null || true
  done
  pids=()
  end_rest
}
trap stop_all EXIT

start_afl() { # NAME ROLE
  local name=$1 role=$2 arguments=(-S "$1") mutates=no log=$tree/log/$1.txt
  case $role in
    main) arguments=(-M "$name" -F "$tree/libfuzzer-$host/corpus") mutates=yes ;;
    cmplog) arguments+=(-c "$(program fuzz-afl-cmplog)" -l 2AT) ;;
    asan) mutates=yes ;;
    mopt) arguments+=(-L 0) ;; # afl-fuzz has it only without a mutator
    fast*) if [ $((${role#fast} % 2)) -eq 0 ]; then mutates=yes; fi ;;
    rare | exploit | lin | seek) arguments+=(-p "$role") mutates=yes ;;
    *) arguments+=(-p "$role") ;;
  esac
  if [ "$role" = main ] && [ -d "$tree/$name" ]; then
    # It goes on with its queue and would not look at seeds that are new since.
    arguments+=(-F "$seeds")
  fi
  if [ -f "$dictionary" ]; then arguments+=(-x "$dictionary"); fi
  if [ "$role" = cmplog ] && [ -d "$tree/$name" ]; then export AFL_CMPLOG_ONLY_NEW=1; fi
  if [ "$mutates" = yes ]; then
    export AFL_CUSTOM_MUTATOR_LIBRARY=$root/build/fuzz-replay/fuzz/libfuzz_mutator.so
  fi
  # A plus: an input that once was fast and is slow now is passed over, it does not end the campaign.
  # It ends when this script dies, however that is.
  setpriv --pdeathsig TERM afl-fuzz "${arguments[@]}" -i "$seeds" -o "$tree" -G 64 -t 1000+ -- "$(program "$(preset_of "$role")")" \
    </dev/null >"$log" 2>&1 {lock}>&- &
  pids[$name]=$!
  unset AFL_CUSTOM_MUTATOR_LIBRARY AFL_CMPLOG_ONLY_NEW
}

# libFuzzer ends at its first finding, and reads other corpora only when it starts: so again and again.
run_libfuzzer() {
  local name=$1 dir=$tree/$1 arguments=() child='' failures=0 from status
  trap - EXIT
  trap 'if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null; wait "$child"; fi; exit 0' TERM
  arguments=(-max_len=64 -timeout=10 -max_total_time=600 -print_final_stats=1 "-artifact_prefix=$dir/crashes/")
  if [ -f "$dictionary" ]; then arguments+=("-dict=$dictionary"); fi
  export ASAN_OPTIONS=allow_user_segv_handler=1:handle_segv=1:handle_sigbus=1
  while [ "$failures" -lt 20 ] && [ -d "/proc/$$" ]; do # $$ is the campaign
    from=("$dir/corpus" "$seeds")
    if [ -d "$tree/main-$host/queue" ]; then from+=("$tree/main-$host/queue"); fi
    setpriv --pdeathsig TERM "$(program fuzz-libfuzzer)" "${arguments[@]}" "${from[@]}" </dev/null &
    child=$! status=0
    wait "$child" || status=$?
    if [ "$status" -ne 0 ]; then failures=$((failures + 1)); sleep 1; fi
  done
  echo "it ended with a finding $failures times: enough"
}

start() { # JOB
  local role name
  role=$(role_of "$1") name=$role-$host
  if [ "$role" = libfuzzer ]; then
    run_libfuzzer "$name" >"$tree/log/$name.txt" 2>&1 {lock}>&- &
    pids[$name]=$!
  else
    start_afl "$name" "$role"
  fi
  names+=("$name")
}

stopping=''
trap 'stopping=yes' INT TERM HUP
# pause SECONDS: a signal ends it.
pause() {
  sleep "$1" {lock}>&- &
  wait $! || true
}

ended=()
# see_who_ended: says so once, with the last it said.
see_who_ended() {
  local name
  for name in "${!pids[@]}"; do
    now_running "$name" && continue
    [ -z "$stopping" ] || continue
    wait "${pids[$name]}" 2>/dev/null || true
    unset "pids[$name]"
    ended+=("$name")
    echo "$name ended by itself; the end of $tree/log/$name.txt:"
    tail -n 15 "$tree/log/$name.txt" | sed 's/^/  /'
  done
}

mkdir -p "$tree/libfuzzer-$host/corpus" "$tree/libfuzzer-$host/crashes" # afl-fuzz -F wants it there
names=()
say "$jobs fuzzers on $target: $tree"
mark=$(mktemp "$tree/.start.XXXXXX")
trap 'stop_all; rm -f "$mark"' EXIT
start 1
# The others read what main has: it first puts that in order.
while [ -z "$stopping" ] && now_running "main-$host" && ! [ "$tree/main-$host/fuzzer_stats" -nt "$mark" ]; do
  pause 0.2
done
for ((job = 2; job <= jobs; job++)); do
  if [ -n "$stopping" ] || ! now_running "main-$host"; then break; fi
  start "$job"
done

begin=$SECONDS told=$SECONDS
while [ -z "$stopping" ]; do
  see_who_ended
  if ! now_running "main-$host"; then break; fi
  if [ -n "$seconds" ] && [ $((SECONDS - begin)) -ge "$seconds" ]; then break; fi
  if [ $((SECONDS - told)) -ge 60 ]; then
    told=$SECONDS
    echo "$(((SECONDS - begin) / 60)) min${seconds:+ of $((seconds / 60))}, $(crash_files crashes | wc -l) crashes"
  fi
  pause 0.5
done
stopping=yes
say "stopping"
stop_all

status=0
report || status=1
if [ ${#ended[@]} -gt 0 ]; then
  echo "ended by themselves: ${ended[*]}"
  status=1
fi
exit "$status"
