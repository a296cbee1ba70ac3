#!/bin/sh
# umbrella.sh COMPILER INCLUDE_DIR LIMIT: how many lines a user's file grows by.
set -eu
export LC_ALL=C

text=$(printf '#include <surefoot/surefoot.hpp>\n' | "$1" -std=c++20 -E -P "-I$2" -x c++ -)
lines=$(printf '%s\n' "$text" | wc -l)
echo "<surefoot/surefoot.hpp> preprocesses to $lines lines, at most $3 allowed"
[ "$lines" -le "$3" ]
