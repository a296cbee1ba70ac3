// A machine without an exception table: its accesses are plain C++, whose instructions nobody names. So
// there is no engine::table; engine::jump catches what they meet.
#pragma once

#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_table = false;

// There is none of these.
struct table_entry {
  std::uint8_t flags;
  std::uint8_t width;
  std::uintptr_t instruction_address() const noexcept { return 0; }
};
inline const table_entry* table_begin() noexcept { return nullptr; }
inline const table_entry* table_end() noexcept { return nullptr; }

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
