// What the kernel says of a page.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <surefoot/testing/minefield.hpp>

namespace property {

namespace detail {

inline std::optional<std::uint64_t> entry(const char* file, std::uintptr_t index) {
  const surefoot::testing::detail::descriptor in(::open(file, O_RDONLY | O_CLOEXEC));
  std::uint64_t all = 0;
  const auto at = static_cast<off_t>(index * sizeof all);
  if (::pread(in.number(), &all, sizeof all, at) != sizeof all) return {};
  return all;
}
inline std::optional<std::uint64_t> page_table_entry(const unsigned char* page) {
  return entry("/proc/self/pagemap",
               reinterpret_cast<std::uintptr_t>(page) / surefoot::testing::tile_size);
}

}  // namespace detail

// Is there memory for it yet? By /proc/self/pagemap; nothing where there is none.
inline std::optional<bool> is_present(const unsigned char* page) {
  const auto all = detail::page_table_entry(page);
  if (!all) return {};
  return *all >> 63 != 0;
}

// Is this memory so? By /proc/kpageflags, for root only; nothing where that is not to be read, and for a page
// without memory.
enum class page_flag { piece_of_a_huge_page = 22, zero_page = 24 };  // KPF_THP, KPF_ZERO_PAGE
inline std::optional<bool> is(page_flag flag, const unsigned char* page) {
  const auto frame = detail::page_table_entry(page);
  if (!frame || *frame << 9 == 0) return {};
  const auto all = detail::entry("/proc/kpageflags", *frame & ((std::uint64_t{1} << 55) - 1));
  if (!all) return {};
  return (*all >> static_cast<int>(flag) & 1) != 0;
}

}  // namespace property
