#!/usr/bin/env bash
# ./run vm: the tests on a Debian kernel of their own, under qemu's software emulation.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=cmake/run/lib.sh
. cmake/run/lib.sh
# shellcheck source=cmake/run/lib_tests.sh
. cmake/run/lib_tests.sh

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

packages=(g++ cmake ninja-build catch2 librapidcheck-dev cpio e2fsprogs)
for machine in "${machines[@]}"; do
  case $machine in
    x86_64) packages+=(qemu-system-x86) ;;
    aarch64) packages+=(qemu-system-arm g++-aarch64-linux-gnu) ;;
  esac
done
need_packages "${packages[@]}"

debian_name() { case $1 in x86_64) echo amd64 ;; aarch64) echo arm64 ;; esac; }

# kernel_of MACHINE: the file of its kernel; fetched where there is none yet. (A shell of its own, so that it
# leaves nothing half fetched in the cache, however it ends.)
kernel_of() (
  arch=$(debian_name "$1")
  kept=$(cache_dir)/kernel
  mkdir -p "$kept"
  found=$(find "$kept" -maxdepth 1 -name "vmlinuz-*-cloud-$arch" | sort -V | tail -n 1)
  if [ -z "$found" ]; then
    say "fetching Debian's cloud kernel for $1" >&2
    # An update may fail in a part that is none of ours.
    foreign_apt "$arch" apt-get update >&2 || true
    for meta in "linux-image-6.12-cloud-$arch" "linux-image-cloud-$arch"; do
      package=$(foreign_apt "$arch" apt-cache depends "$meta" 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | sort -V | tail -n 1) || true
      [ -z "$package" ] || break
    done
    part=$(mktemp -d "$kept/part.XXXXXX")
    trap 'rm -rf "$part"' EXIT
    if [ -n "$package" ] && TMPDIR=$part fetch_packages "$arch" "$part" "$package"; then
      # Whole or not at all: the next run takes what is there.
      mv -- "$part"/boot/vmlinuz-*-cloud-"$arch" "$kept/"
    fi
    found=$(find "$kept" -maxdepth 1 -name "vmlinuz-*-cloud-$arch" | sort -V | tail -n 1)
  fi
  if [ -z "$found" ]; then
    echo "run vm: Debian's package linux-image-6.12-cloud-$arch cannot be had from here (offline?)" >&2
    exit 3
  fi
  printf '%s\n' "$found"
)

# emulator_of MACHINE: qemu's program. That of Debian 12 (7.2) tears stores of 16 bytes, and has one tag for each
# second granule of a page: then the one of its backports is unpacked beside the kernels. It runs with the
# libraries and the other files of the installed one.
emulator_of() (
  name=qemu-system-$1
  kept=$(cache_dir)/qemu
  if [[ $("$name" --version) != *' version '[1-7].* ]]; then printf '%s\n' "$name"; exit; fi
  if [ ! -x "$kept/$name" ]; then
    say "fetching a newer qemu for $1 from Debian's backports" >&2
    mkdir -p "$kept"
    foreign_apt backports apt-get update >&2 || true
    case $1 in x86_64) package="qemu-system-x86" ;; aarch64) package="qemu-system-arm" ;; esac
    part=$(mktemp -d "$kept/part.XXXXXX")
    trap 'rm -rf "$part"' EXIT
    if TMPDIR=$part fetch_packages backports "$part" "$package"; then mv -- "$part/usr/bin/$name" "$kept/"; fi
  fi
  if [ ! -x "$kept/$name" ]; then
    echo "run vm: a newer qemu than 7.2, as Debian's backports have it, cannot be had from here (offline?)" >&2
    exit 3
  fi
  printf '%s\n' "$kept/$name"
)

work=$(mktemp -d)
qemu=
# shellcheck disable=SC2317,SC2329
clean_up() {
  if [ -n "$qemu" ]; then kill "$qemu" 2>/dev/null || true; wait "$qemu" 2>/dev/null || true; fi
  rm -rf "$work" "$results"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# DIRECTORY:PROGRAM of proptest/. A static program has no shared objects, and a machine with nothing but
# tests in it no compiler and no shell: what needs them runs in ./run test.
all_programs=(unit:unit property:property_concurrent property:property writers:property_writers poison:poison threads:threads)
targets=()
for source in fuzz/*.cpp; do targets+=("$(basename "$source" .cpp)"); done
random_cases=60

# The same objects as this machine's, and those of ./run cross, are linked once more.
preset_of() { case $1 in x86_64) echo gcc-release ;; aarch64) echo cross-aarch64 ;; esac; }

# A line of the plan; see proptest/vm/init.cpp.
plan() { # FIELD...
  local IFS=$'\t'
  printf '%s\n' "$*"
}

# pack MACHINE: the machine's first file system, with the plan, in $work/initramfs.
pack() {
  local build root=$work/root name
  build=build/$(preset_of "$1")
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
      cp "$build/proptest/${name%%:*}/${name#*:}_static" "$root/vm/${name#*:}"
      plan tests "${name#*:}" 120 "RC_PARAMS=max_success=$random_cases" "/vm/${name#*:}"
    done
    cp "$build/proptest/threads/cancelled_anywhere_static" "$root/vm/cancelled_anywhere"
    plan run 'a thread may be cancelled in the middle of a fault, in what is built without exceptions' 60 \
      /vm/cancelled_anywhere
    for name in "${targets[@]}"; do
      cp "$build/fuzz/fuzz_${name}_static" "$root/vm/fuzz_$name"
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
  # A disk, for pages that can be read again.
  rm -f "$work/disk"
  PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext4 -O ^has_journal "$work/disk" 12M
}

# boot MACHINE EMULATOR KERNEL: the machine's own lines come as they are printed; what it reports is in
# $work/report, what its kernel says in $work/console.
boot() {
  local machine=() status=0 line=ttyS0
  case $1 in
    x86_64) machine=(-machine q35 -cpu max) ;;
    # The kernel signs each return address; the architected algorithm for it is slow in software.
    aarch64) machine=(-machine 'virt,mte=on' -cpu 'max,pauth-impdef=on') line=ttyAMA0 ;;
  esac
  : >"$work/report"
  # Kernel messages of less than a crash would only take time, and poison has a few for each page.
  timeout -k 5 "$seconds" "$2" "${machine[@]}" -accel tcg -smp 2 -m 2G -no-reboot \
    -nodefaults -no-user-config -display none \
    -L /usr/share/qemu -L /usr/share/seabios \
    -kernel "$3" -initrd "$work/initramfs" \
    -append "console=$line loglevel=3 panic=-1 oops=panic mitigations=off" \
    -drive file="$work/disk",if=none,id=disk,format=raw -device nvme,drive=disk,serial=1 \
    -chardev file,id=console,path="$work/console" -serial chardev:console \
    -device virtio-serial-pci \
    -chardev stdio,id=people,signal=off -device virtconsole,chardev=people \
    -chardev file,id=report,path="$work/report" -device virtconsole,chardev=report </dev/null &
  qemu=$!
  wait "$qemu" || status=$?
  qemu=
  return "$status"
}

# Has a test met each kind of tile that this machine is there for?
meets() { # MACHINE
  local kind kinds=(MADV_HWPOISON UFFDIO_POISON) fine=0
  case $1 in
    x86_64) kinds+=('protection key, no access' 'protection key, read-only') ;;
    aarch64) kinds+=('MTE granules') ;;
  esac
  for kind in "${kinds[@]}"; do
    awk -F '\t' -v kind="$kind" '$1 == "tile" && $2 == kind { n += $3 } END { exit !(n > 0) }' "$work/report" ||
      { echo "no test has met: $kind"; fine=1; }
  done
  return "$fine"
}

try_machine() {
  local where=vm-$1 preset kernel emulator status=0 before=$((passed + failed + skipped)) why
  catch_programs=("${all_programs[@]}")
  if [ "$1" = aarch64 ]; then catch_programs+=(tags:tags); fi
  preset=$(preset_of "$1")
  kernel=$(kernel_of "$1")
  emulator=$(emulator_of "$1")
  say "$where: build"
  # shellcheck disable=SC2046
  { cmake --preset "$preset" </dev/null >/dev/null &&
    cmake --build "build/$preset" --parallel "$(jobs)" --target vm_init vm_machine cancelled_anywhere_static \
      $(printf '%s_static ' "${catch_programs[@]#*:}" "${targets[@]/#/fuzz_}") </dev/null; } ||
    { went_wrong "$where" build; return; }
  pack "$1"
  say "$where: boot $(basename "$kernel") with $("$emulator" --version | sed -n 's/.*version \([0-9.]*\).*/qemu \1/p')"
  boot "$1" "$emulator" "$kernel" || status=$?
  tally "$where" <"$work/report"
  if ! grep -q '^end' "$work/report"; then
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
    went_wrong "$where" "$why"
  elif [ $((passed + failed + skipped)) -eq "$before" ]; then
    went_wrong "$where" "no test has a name that matches '$only'"
  elif [ -z "$only" ]; then
    check "$where" "the tests meet what this machine is there for" meets "$1"
  fi
  # What ./run test has besides.
  tally "$where" <<<"note"$'\t'"guest_dlopened, guest_linked: needs shared objects"
  tally "$where" <<<"note"$'\t'"neighbours: needs shared objects of others"
  tally "$where" <<<"note"$'\t'"docs, sandboxes, sanitizers, soak: needs their programs in the machine's image"
  tally "$where" <<<"note"$'\t'"consumer, counts, examples, good_path, headers, link, must_not_compile: needs a compiler and a shell"
}

# What is fetched comes first: what then cannot be had hides no result.
for machine in "${machines[@]}"; do
  kernel_of "$machine" >/dev/null
  emulator_of "$machine" >/dev/null
  if [ "$machine" = aarch64 ]; then unpack_packages arm64 "$(cache_dir)/aarch64" catch2 librapidcheck-dev; fi
done
for machine in "${machines[@]}"; do
  try_machine "$machine"
done
say_result
