# shellcheck shell=bash
# What the commands share. Sourced, never run.

say() { printf '== %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
usage_error() { printf '%s\n' "$*" >&2; exit 2; }

# What the tests are built with and use: catch2 and rapidcheck; libcli11-dev and pv for examples/salvage;
# gddrescue reads its maps and goes on with them; strace makes system calls fail.
# shellcheck disable=SC2034
test_packages=(cmake ninja-build git catch2 librapidcheck-dev libcli11-dev pv gddrescue strace)

# A number of jobs that suits the machine.
jobs() { nproc; }

# need_packages PACKAGE...: installs those that are missing, and only those; with nothing missing
# apt is not touched. Exit status 3: they cannot be installed from here.
need_packages() {
  local package status missing=() as_root=()
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: taking for granted what these packages hold: $*"
    return
  fi
  for package in "$@"; do
    status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) || status=
    [ "$status" = 'install ok installed' ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return

  local by_hand="apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      echo "packages are missing, and installing them needs root; run: $by_hand" >&2
      exit 3
    fi
    as_root=(sudo -n)
  fi
  say "installing what is missing: ${missing[*]}"
  # An update may fail where the packages are there all the same (a mirror, a cache): the
  # installation decides.
  "${as_root[@]}" apt-get update -q </dev/null || true
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null; then
    echo "packages could not be installed (offline?); run: $by_hand" >&2
    exit 3
  fi
}

# unpack_packages ARCHITECTURE DIRECTORY PACKAGE...: packages of another architecture, downloaded with an
# apt that is all its own and unpacked, not installed. Exit status 3: they cannot be had from here.
unpack_packages() {
  local architecture=$1 to=$2 work package apt
  shift 2
  if [ "$(cat "$to/unpacked" 2>/dev/null)" = "$*" ]; then return; fi
  say "downloading for $architecture: $*"
  work=$(mktemp -d)
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$to"
  apt=(apt-get -q -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
    -o "APT::Sandbox::User=$(id -un)" -o "Dir::State=$work/state" -o Dir::State::status=/dev/null
    -o "Dir::Cache=$work/cache")
  "${apt[@]}" update </dev/null || true
  if ! (cd "$work" && "${apt[@]}" download "$@" </dev/null); then
    rm -rf "$work"
    echo "packages of $architecture could not be downloaded (offline?): $*" >&2
    exit 3
  fi
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$to"; done
  rm -rf "$work"
  printf '%s\n' "$*" >"$to/unpacked"
}

# build_examples TARGET...: builds programs of examples/, in a tree of its own without the tests,
# which need more packages. Prints the directory where they are.
build_examples() {
  say "building $*" >&2
  cmake --preset gcc-release -B build/demo -DSUREFOOT_BUILD_TESTS=OFF </dev/null >/dev/null
  cmake --build build/demo --target "$@" --parallel "$(jobs)" </dev/null >&2
  printf '%s\n' "$PWD/build/demo/examples"
}
