// What a signal handler hands to the place where a faulting access goes on. Two machine words, so
// that they travel in registers: `info` is packed and unpacked by signal/classify.hpp, `address` is
// the first byte that could not be accessed.
#pragma once

#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

struct trap {
  std::uint64_t info;
  std::uint64_t address;
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
