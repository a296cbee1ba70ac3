// The values of a copy's inner step, which every machine has in the same size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

using vector16 [[gnu::vector_size(16)]] = unsigned char;

struct block {
  static constexpr std::size_t size = 64;   // bytes
  static constexpr std::size_t width = 16;  // bytes of one store
  vector16 part[4];
};

// A vector, and a block, of one byte many times.
[[gnu::always_inline]] inline vector16 repeated(std::uint8_t byte) noexcept {
  return vector16{} + byte;
}
[[gnu::always_inline]] inline block repeated_block(std::uint8_t byte) noexcept {
  const vector16 v = repeated(byte);
  return {{v, v, v, v}};
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
