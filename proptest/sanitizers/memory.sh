#!/bin/sh
# memory.sh CLANG SOURCE INCLUDE_DIR PROGRAM FLAG...: builds SOURCE with MemorySanitizer, and runs it.
set -eu
clang=$1 source=$2 include_dir=$3 program=$4
shift 4
"$clang" -std=c++20 -Wall -Wextra -Werror "$@" -g -fsanitize=memory -fno-sanitize-recover=all \
  -fsanitize-memory-track-origins -fno-omit-frame-pointer "-I$include_dir" "$source" -o "$program"
"$program"
