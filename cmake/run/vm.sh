#!/usr/bin/env bash
# ./run vm: the tests on a Debian kernel of their own, under qemu's software emulation.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh

usage() {
  cat <<'TEXT'
usage: ./run vm [x86_64|aarch64] [--seconds N] [-R REGEX]

Boots Debian's 6.12 cloud kernel under qemu (software emulation, no KVM) and runs the tests in it, linked
statically: with hardware poison (MADV_HWPOISON) and protection keys on x86_64, with poison and memory tags
(MTE) on aarch64. Without an argument: both.
  --seconds N   how long a machine may run, from its boot on (default: 600)
  -R REGEX      only the tests whose name matches (as grep -E has it)

The kernel is downloaded once, into ${XDG_CACHE_HOME:-~/.cache}/surefoot, and not installed.
Exit status: 0 all passed, 1 something failed, 2 usage, 3 packages or the kernel are missing.
The last line is "N passed, N failed, N skipped".
TEXT
}

machines=()
seconds=600
only=
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --seconds)
      [[ ${2-} =~ ^[1-9][0-9]{0,4}$ ]] || usage_error "run vm: --seconds needs a number from 1 to 99999"
      seconds=$2
      shift
      ;;
    -R)
      [ -n "${2-}" ] || usage_error "run vm: -R needs a regular expression"
      # grep's status: 2 is one that it does not understand.
      status=0
      grep -E -e "$2" /dev/null || status=$?
      [ "$status" -eq 1 ] || usage_error "run vm: -R: '$2' is no regular expression"
      only=$2
      shift
      ;;
    x86_64 | aarch64)
      case " ${machines[*]-} " in *" $1 "*) ;; *) machines+=("$1") ;; esac
      ;;
    *) usage_error "run vm: unknown argument '$1' (try --help)" ;;
  esac
  shift
done
[ ${#machines[@]} -gt 0 ] || machines=(x86_64 aarch64)

packages=(g++ cmake ninja-build catch2 librapidcheck-dev cpio)
for machine in "${machines[@]}"; do
  case $machine in
    x86_64) packages+=(qemu-system-x86) ;;
    aarch64) packages+=(qemu-system-arm g++-aarch64-linux-gnu) ;;
  esac
done
need_packages "${packages[@]}"

debian_name() { case $1 in x86_64) echo amd64 ;; aarch64) echo arm64 ;; esac; }

# kernel_of MACHINE: the file of its kernel; fetched where there is none yet.
kernel_of() {
  local arch kept found work meta package
  arch=$(debian_name "$1")
  kept=$(cache_dir)/kernel
  found=$(find "$kept" -name "vmlinuz-*-cloud-$arch" 2>/dev/null | sort -V | tail -n 1)
  if [ -z "$found" ]; then
    say "fetching Debian's cloud kernel for $1" >&2
    mkdir -p "$kept"
    # An update may fail in a part that is none of ours.
    foreign_apt "$arch" apt-get update >&2 || true
    for meta in "linux-image-6.12-cloud-$arch" "linux-image-cloud-$arch"; do
      package=$(foreign_apt "$arch" apt-cache depends "$meta" 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | sort -V | tail -n 1)
      [ -z "$package" ] || break
    done
    work=$(mktemp -d "$kept/part.XXXXXX")
    if [ -n "$package" ] && fetch_packages "$arch" "$work" "$package"; then
      # Whole or not at all: the next run takes what is there.
      mv -- "$work"/boot/vmlinuz-*-cloud-"$arch" "$kept/"
    fi
    rm -rf "$work"
    found=$(find "$kept" -name "vmlinuz-*-cloud-$arch" | sort -V | tail -n 1)
  fi
  if [ -z "$found" ]; then
    echo "run vm: Debian's package linux-image-6.12-cloud-$arch cannot be had from here (offline?)" >&2
    exit 3
  fi
  printf '%s\n' "$found"
}

work=$(mktemp -d)
qemu=
# shellcheck disable=SC2317,SC2329
clean_up() {
  if [ -n "$qemu" ]; then kill "$qemu" 2>/dev/null || true; wait "$qemu" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

passed=0 failed=0 skipped=0 layouts=0
failures=() # "machine: test", one an element
: >"$work/notes"
: >"$work/tiles"
went_wrong() { # MACHINE WHAT
  failed=$((failed + 1))
  failures+=("$1: $2")
}

# A line of the plan; see proptest/vm/init.cpp.
plan() { # FIELD...
  local IFS=$'\t'
  printf '%s\n' "$*"
}

# pack MACHINE: the machine's first file system, with the plan, in $work/initramfs.
pack() {
  local build=build/vm-$1 root=$work/root name
  rm -rf "$root"
  mkdir -p "$root/vm/corpus" "$root/dev"
  cp "$build/proptest/vm/vm_init" "$root/init"
  cp "$build/proptest/vm/vm_machine" "$root/vm/machine"
  {
    plan run 'the machine reports hardware poison' 60 /vm/machine poison
    plan run 'the machine reports the poison of a userfaultfd' 60 /vm/machine userfault
    case $1 in
      x86_64) plan run 'the machine has protection keys' 60 /vm/machine key ;;
      aarch64) plan run 'the machine has memory tags' 60 /vm/machine tag ;;
    esac
    for name in "${catch_programs[@]}"; do
      cp "$build/proptest/${name%%:*}/${name#*:}" "$root/vm/"
      plan tests "${name#*:}" 120 "RC_PARAMS=max_success=$random_cases" "/vm/${name#*:}"
    done
    for name in "${targets[@]}"; do
      cp "$build/fuzz/fuzz_$name" "$root/vm/"
      cp -r "fuzz/corpus/$name" "$root/vm/corpus/"
      plan run "fuzz_$name replays its corpus without a finding" 120 "/vm/fuzz_$name" "/vm/corpus/$name"
    done
    [ -z "$only" ] || plan only "$only"
  } >"$root/vm/plan"
  # A test reads it where it lies.
  mkdir -p "$root$PWD/fuzz"
  cp fuzz/surefoot.dict "$root$PWD/fuzz/"
  (cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$work/initramfs"
  rm -rf "$root"
}

# boot MACHINE KERNEL: the machine's own lines come as they are printed; what it reports is in $work/report,
# what its kernel says in $work/console.
boot() {
  local emulator=() status=0 line=ttyS0
  case $1 in
    x86_64) emulator=(qemu-system-x86_64 -machine q35 -cpu max) ;;
    aarch64) emulator=(qemu-system-aarch64 -machine 'virt,mte=on' -cpu max) line=ttyAMA0 ;;
  esac
  : >"$work/report"
  # Kernel messages of less than a crash would only take time, and poison has a few for each page.
  timeout -k 5 "$seconds" "${emulator[@]}" -accel tcg -smp 2 -m 2G -no-reboot \
    -nodefaults -no-user-config -display none \
    -kernel "$2" -initrd "$work/initramfs" \
    -append "console=$line loglevel=3 panic=-1 oops=panic mitigations=off" \
    -chardev file,id=console,path="$work/console" -serial chardev:console \
    -device virtio-serial-pci \
    -chardev stdio,id=people,signal=off -device virtconsole,chardev=people \
    -chardev file,id=report,path="$work/report" -device virtconsole,chardev=report </dev/null &
  qemu=$!
  wait "$qemu" || status=$?
  qemu=
  return "$status"
}

# tally MACHINE: adds what it reports to the totals.
tally() {
  local kind name ended=no
  while IFS=$'\t' read -r kind name; do
    case $kind in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) ;;
      failed) went_wrong "$1" "$name" ;;
      note) printf '%s\tvm-%s\n' "$name" "$1" >>"$work/notes" ;;
      layouts) layouts=$((layouts + name)) ;;
      tile) printf '%s\n' "$name" >>"$work/tiles" ;;
      end) ended=yes ;;
    esac
  done <"$work/report"
  [ "$ended" = yes ]
}

# build_for MACHINE: what is packed then. Without a toolchain file for it: what checks the machine itself.
build_for() {
  local build=build/vm-$1
  if [ "$1" = aarch64 ] && [ ! -f cmake/toolchain/aarch64.cmake ]; then
    printf '%s\tvm-%s\n' 'unit, property, fuzz: needs cmake/toolchain/aarch64.cmake' "$1" >>"$work/notes"
    catch_programs=() targets=()
    mkdir -p "$build/proptest/vm"
    aarch64-linux-gnu-g++ -std=c++20 -O2 -static proptest/vm/init.cpp -o "$build/proptest/vm/vm_init" &&
      aarch64-linux-gnu-g++ -std=c++20 -O2 -static proptest/vm/machine.cpp -o "$build/proptest/vm/vm_machine"
    return
  fi
  if [ "$1" = aarch64 ]; then unpack_packages arm64 "$(cache_dir)/aarch64" catch2 librapidcheck-dev; fi
  cmake --preset "vm-$1" </dev/null >/dev/null &&
    cmake --build "$build" --parallel "$(jobs)" \
      --target vm_init vm_machine "${catch_programs[@]#*:}" "${targets[@]/#/fuzz_}" </dev/null
}

# Tiles that are there for this machine, or it has no use.
exercises() { # MACHINE
  local kind kinds=(MADV_HWPOISON UFFDIO_POISON) lacks=()
  case $1 in
    x86_64) kinds+=('protection key, no access' 'protection key, read-only') ;;
    aarch64) kinds+=('MTE granules') ;;
  esac
  for kind in "${kinds[@]}"; do
    awk -F '\t' -v kind="$kind" '$1 == "tile" && $2 == kind { n += $3 } END { exit !(n > 0) }' "$work/report" ||
      lacks+=("$kind")
  done
  if [ ${#lacks[@]} -eq 0 ]; then passed=$((passed + 1)); else went_wrong "$1" "no test has met: ${lacks[*]}"; fi
}

try_machine() {
  local kernel status=0 before=$((passed + failed + skipped)) why
  kernel=$(kernel_of "$1") || exit $?
  say "vm-$1: build"
  build_for "$1" || { went_wrong "$1" build; return; }
  pack "$1"
  say "vm-$1: boot $(basename "$kernel")"
  boot "$1" "$kernel" || status=$?
  if ! tally "$1"; then
    if [ "$status" -eq 124 ]; then
      why="not done within $seconds seconds"
    elif grep -aq 'Kernel panic' "$work/console"; then
      why=$(tr -d '\r' <"$work/console" | sed -n 's/.*\(Kernel panic.*\)/\1/p' | tail -n 1)
    elif [ "$status" -ne 0 ]; then
      why="qemu ended with status $status"
    else
      why="the machine went off before its tests had ended"
    fi
    tr -d '\r' <"$work/console" | tail -n 40
    went_wrong "$1" "$why"
  elif [ $((passed + failed + skipped)) -eq "$before" ]; then
    went_wrong "$1" "no test has a name that matches '$only'"
  elif [ -z "$only" ] && [ ${#catch_programs[@]} -gt 0 ]; then
    exercises "$1"
  fi
}

# DIRECTORY:PROGRAM of proptest/. A static program has no shared objects, and a machine with nothing but
# tests in it no compiler and no shell: what needs them runs in ./run test.
all_programs=(unit:unit property:property_concurrent property:property writers:property_writers)
[ ! -f proptest/poison/CMakeLists.txt ] || all_programs+=(poison:poison)
targets=()
random_cases=100

for machine in "${machines[@]}"; do
  catch_programs=("${all_programs[@]}") targets=()
  for source in fuzz/*.cpp; do targets+=("$(basename "$source" .cpp)"); done
  try_machine "$machine"
  # What ./run test has besides.
  for left in 'guest_dlopened, guest_linked: needs shared objects' \
    'consumer, examples, good_path, headers, link, must_not_compile: needs a compiler and a shell'; do
    printf '%s\tvm-%s\n' "$left" "$machine" >>"$work/notes"
  done
done

echo "LAYOUTS: $layouts"
awk -F '\t' '!($1 in times) { order[++n] = $1 } { times[$1] += $2; if ($3 != "") why[$1] = $3 }
             END { for (i = 1; i <= n; i++) printf "TILE: %s: %d: %s\n", order[i], times[order[i]], why[order[i]] }' \
  "$work/tiles"
say "tiles of the testing kit, in $layouts random and other layouts"
list_tiles "$work/tiles"

say "result"
for failure in ${failures[@]+"${failures[@]}"}; do
  echo "failed: $failure"
done
# Most of them need the same, and each type of a template is a test: a line for what is needed.
awk -F '\t' '
  { at = index($1, ": needs "); name = substr($1, 1, at - 1); need = substr($1, at + 8) " (" $2 ")"
    sub(/ - [^ ]+$/, "", name)
    if (at == 0) { name = $1; need = "? (" $2 ")" }
    if ((name, need) in seen) next
    seen[name, need] = 1
    if (!(need in names)) order[++n] = need
    names[need] = names[need] (names[need] == "" ? "" : "; ") name }
  END { for (i = 1; i <= n; i++) print "not run here: needs " order[i] ": " names[order[i]] }' "$work/notes"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
