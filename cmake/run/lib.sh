# shellcheck shell=bash
# What the commands share. Sourced, never run.

say() { printf '== %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
usage_error() { printf '%s\n' "$*" >&2; exit 2; }
# needs WHAT: for a script that is the test `name`, and cannot run here. ./run test counts such lines.
# shellcheck disable=SC2154
needs() { printf 'SKIPPED: %s: needs %s\n' "$name" "$*"; exit 0; }

# What the tests are built with and use: catch2 and rapidcheck; libsigsegv, beside which we work; libcli11-dev
# and pv for examples/salvage; gddrescue reads its maps and goes on with them; strace makes system calls fail.
# shellcheck disable=SC2034
test_packages=(cmake ninja-build git pkgconf catch2 libsigsegv-dev librapidcheck-dev libcli11-dev pv gddrescue strace)

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

# build_examples TARGET...: builds programs of examples/, in a tree of its own without the tests,
# which need more packages. Prints the directory where they are.
build_examples() {
  say "building $*" >&2
  cmake --preset gcc-release -B build/demo -DSUREFOOT_BUILD_TESTS=OFF </dev/null >/dev/null
  cmake --build build/demo --target "$@" --parallel "$(jobs)" </dev/null >&2
  printf '%s\n' "$PWD/build/demo/examples"
}

# What is fetched and kept, outside of every tree.
cache_dir() { printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/surefoot"; }

# foreign_apt ARCH apt-get|apt-cache ARGUMENT...: apt for another architecture (Debian's name: arm64), or
# for none but this one, with lists of its own: nothing of this machine's packages is looked at or
# changed, and nobody has to be root. The sources are this machine's; for the ARCH "backports" those of
# newer packages for its release.
foreign_apt() {
  local arch=$1 tool=$2 state options=()
  shift 2
  state=$(cache_dir)/apt-$arch
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  [ -e "$state/status" ] || : >"$state/status"
  if [ "$arch" = backports ]; then
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
      awk '$1 !~ /-/ && $2 == "main" && $3 == "Debian" { print "deb " $4 " " $1 "-backports main"; exit }' \
        >"$state/sources.list"
    options=(-o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=-)
    arch=$(dpkg --print-architecture)
  fi
  "$tool" -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User="$(id -un)" \
    -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
    -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
    "${options[@]}" "$@" </dev/null
}

# fetch_packages ARCH DIRECTORY PACKAGE...: downloads them and unpacks them there; they are not installed.
# `foreign_apt ARCH apt-get update` comes before. Status 1, and apt's own words: they cannot be had.
fetch_packages() {
  local arch=$1 to=$2 work status=0 package
  shift 2
  work=$(mktemp -d)
  (cd "$work" && foreign_apt "$arch" apt-get download "$@" >log 2>&1) || { cat "$work/log" >&2; status=1; }
  for package in "$work"/*.deb; do
    [ "$status" -ne 0 ] || dpkg-deb -x "$package" "$to" || status=1
  done
  rm -rf "$work"
  return "$status"
}

# unpack_packages ARCH DIRECTORY PACKAGE...: the same, once: DIRECTORY says what is in it. Exit status 3: they
# cannot be had from here.
unpack_packages() {
  local arch=$1 to=$2
  shift 2
  if [ "$(cat "$to/unpacked" 2>/dev/null)" = "$*" ]; then return; fi
  say "downloading for $arch: $*"
  mkdir -p "$to"
  foreign_apt "$arch" apt-get update || true
  fetch_packages "$arch" "$to" "$@" || exit 3
  printf '%s\n' "$*" >"$to/unpacked"
}
