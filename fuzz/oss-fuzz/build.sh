#!/bin/bash -eu
# What OSS-Fuzz runs to build: sets of flags, the engine and the directories come from it ($CXX $CXXFLAGS
# $LIB_FUZZING_ENGINE $SRC $OUT $WORK). Nothing here knows which engine or sanitizer it is.
root=$SRC/surefoot

# Unquoted where they are lists of flags.
compile() { # SOURCE OBJECT
  # shellcheck disable=SC2086
  $CXX $CXXFLAGS -std=c++20 -I"$root/include" -I"$root/fuzz/support" -c "$1" -o "$2"
}

compile "$root/fuzz/support/target.cpp" "$WORK/target.o"
compile "$root/fuzz/support/other_image.cpp" "$WORK/other_image.o"
for source in "$root"/fuzz/*.cpp; do
  target=$(basename "$source" .cpp)
  compile "$source" "$WORK/$target.o"
  # shellcheck disable=SC2086
  $CXX $CXXFLAGS "$WORK/$target.o" "$WORK/target.o" "$WORK/other_image.o" $LIB_FUZZING_ENGINE -pthread -o "$OUT/$target"

  rm -f "$OUT/${target}_seed_corpus.zip"
  (cd "$root/fuzz/corpus/$target" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
  cp "$root/fuzz/oss-fuzz/target.options" "$OUT/$target.options"
  if [ -f "$root/fuzz/surefoot.dict" ]; then cp "$root/fuzz/surefoot.dict" "$OUT/$target.dict"; fi
done
