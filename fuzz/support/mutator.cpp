// AFL++'s custom mutator: edits programs, as the libFuzzer targets do by themselves. Set
// AFL_CUSTOM_MUTATOR_LIBRARY to this library.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <surefoot/testing/fuzzed.hpp>
#include <vector>

namespace {

struct state {
  std::uint32_t seed;
  std::vector<std::uint8_t> bytes;
};

}  // namespace

extern "C" {

void* afl_custom_init(void*, unsigned seed) { return new (std::nothrow) state{seed, {}}; }

void afl_custom_deinit(void* data) { delete static_cast<state*>(data); }

std::size_t afl_custom_fuzz(void* data, std::uint8_t* buffer, std::size_t size, std::uint8_t** out,
                            std::uint8_t* other, std::size_t other_size, std::size_t most) {
  auto& s = *static_cast<state*>(data);
  size = std::min(size, most);
  s.bytes.resize(most);
  if (size > 0) std::memcpy(s.bytes.data(), buffer, size);
  *out = s.bytes.data();
  return surefoot::testing::mutate_program(s.bytes.data(), size, most, ++s.seed, other, other_size);
}

}  // extern "C"
