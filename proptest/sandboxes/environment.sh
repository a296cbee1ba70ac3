#!/bin/sh
# No header of the library names what reads an environment variable. The testing kit is for tests.
set -eu
include_dir=$1
headers=$(find "$include_dir/surefoot" -name '*.hpp' ! -path '*/testing/*')
[ "$(printf '%s\n' "$headers" | wc -l)" -gt 30 ] || { echo "$include_dir: where are the headers?"; exit 1; }
# shellcheck disable=SC2086
if grep -nE '\b(getenv|secure_getenv|setenv|putenv|environ|__environ)\b|/proc/[a-z]+/environ' $headers; then
  echo "a header reads the environment"
  exit 1
fi
