#!/bin/sh
# layers.sh INCLUDE_DIR: dependencies point down (design.md section 6, last paragraph).
set -eu
export LC_ALL=C
cd "$1/surefoot"

# What a header may include of ours, as an extended regular expression over paths below surefoot/.
allowed_for() {
  base='config|version'
  words="$base|fault|range"
  case $1 in
    ./version.hpp) echo '^$' ;;
    ./config.hpp) echo '^version\.hpp$' ;;
    ./fault.hpp | ./range.hpp) echo "^($base)\.hpp$" ;;
    ./arch/* | ./os/*) echo "^(($words)\.hpp|arch/.*|os/.*)$" ;;
    ./signal/*) echo "^(($words)\.hpp|(arch|os|signal)/.*)$" ;;
    ./engine/*) echo "^(($words|handler)\.hpp|(arch|os|signal|engine)/.*)$" ;;
    ./fault_in.hpp | ./ensure_accessible.hpp | ./try_*.hpp | ./salvage.hpp | ./find_holes.hpp | ./loop.hpp)
      # The engine is the only thing a primitive touches memory with.
      echo '^([a-z_]+\.hpp|engine/.*)$' ;;
    *) echo '^([a-z_]+\.hpp|(arch|os|signal|engine)/.*)$' ;;
  esac
}

# The includes of ours in a header, one a line, as paths below surefoot/.
ours_in() {
  sed -nE 's@^[[:space:]]*#[[:space:]]*include[[:space:]]*<surefoot/([^>]*)>.*@\1@p' "$1"
  sed -nE 's@^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*@\1@p' "$1" |
    while read -r path; do
      case $path in
        surefoot/*) echo "${path#surefoot/}" ;;
        *) realpath -m --relative-to=. "$(dirname "$1")/$path" ;;
      esac
    done
}

bad=0
for header in $(find . -name '*.hpp' ! -path './testing/*' | sort); do
  allowed=$(allowed_for "$header")
  for included in $(ours_in "$header"); do
    if ! echo "$included" | grep -qE "$allowed"; then
      echo "$header includes $included, which its layer may not know"
      bad=1
    fi
  done
done
[ "$bad" -eq 0 ] && echo 'every include points down'
exit "$bad"
