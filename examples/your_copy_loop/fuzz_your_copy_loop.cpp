// The same test from a fuzzer's bytes: layouts that change between the calls. For libFuzzer, AFL++ and what
// else calls LLVMFuzzerTestOneInput:
//
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address -DLOOP=naive -I SUREFOOT/include fuzz_your_copy_loop.cpp
//   ./a.out -max_len=64
//
// What is found is printed as a program: the layout, what was done to it, and the call that went wrong.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <surefoot/testing/fuzzed.hpp>

#include "copy_loop.hpp"

#ifndef LOOP
#define LOOP mended
#endif

namespace kit = surefoot::testing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static kit::address_space space;
  static unsigned char to[kit::space_size];
  kit::fuzzed program(data, size);
  program.run(space, [&](kit::fuzzed_call& call) {
    const kit::reach part = call.part();
    const std::size_t readable =
        space.expected<surefoot::engine::standard>(part, surefoot::access_kind::read).done;

    std::memset(to, 0, sizeof to);  // nothing stays from the call before
    const std::size_t copied = copy_loop::LOOP(to, space.data() + part.offset, part.length);

    const bool is_clean =
        std::all_of(to + copied, to + sizeof to, [](auto byte) { return byte == 0; });
    if (copied == readable && space.model().holds(part.offset, to, copied) && is_clean) return;
    constexpr const char* calls[] = {"copy"};
    std::fprintf(stderr, "%zu bytes copied, %zu can be read\n%s%s\n", copied, readable,
                 program.text(calls).c_str(), space.model().picture().c_str());
    std::abort();
  });
  return 0;
}

// Edits programs, not bytes.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  return kit::mutate_program(data, size, most, seed);
}
