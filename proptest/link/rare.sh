#!/bin/sh
# rare.sh NAME COMMAND...: the test NAME, where there is time for it.
name=$1
shift
if [ -z "${SUREFOOT_TEST_ALL-}" ]; then
  echo "SKIPPED: $name: needs some seconds (./run test --all)"
  exit 0
fi
exec "$@"
