// heal: puts fresh zero memory in the place of damaged memory, so that the rest of the program may
// touch it again.
#pragma once

#include <cstddef>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/os/linux.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

// What was lost: whole pages.
struct SUREFOOT_PUBLIC healed {
  const volatile void* address = nullptr;  // of the first page that was replaced
  std::size_t bytes = 0;
  bool of_file = false;  // some of them were pages of a file: they are cut off from it now
  bool shared = false;   // some were shared: other processes keep the old ones

  friend constexpr bool operator==(const healed&, const healed&) = default;
};

// Replaces every page that [p, p + n) touches by fresh, private, zero memory of the same
// protection; all else of the mapping stays as it is. What was in those pages is gone, also what
// was good: pass the damaged extent only (fault::address and fault::extent). A range with a part
// that is not mapped is refused as a whole (`unmapped`), and so is one that wraps (`bad_address`);
// nothing is changed then. Where the kernel refuses (too many mappings; a part of a huge page) the
// answer is `unknown`, and pages before that one may have been replaced. Races with other threads
// that map, unmap or protect the same range are not for this function to win. Async-signal-safe;
// reads /proc/self/maps, which takes tens of microseconds.
inline result<healed> heal(volatile void* p, std::size_t n) noexcept {
  if (n == 0) return healed{};
  if (detail::wraps(p, n)) return result<healed>::stopped(detail::wrapped(p, access_kind::write));
  const std::size_t page = engine::standard::page_size();
  const std::uintptr_t first = detail::address(p) & ~(page - 1);
  const std::uintptr_t last = (detail::address(p) + (n - 1)) | (page - 1);

  // Looks at all of it before it changes any of it.
  healed lost{reinterpret_cast<const volatile void*>(first), last - first + 1, false, false};
  std::uintptr_t known = first;  // all mapped up to here
  bool whole = false;
  const auto inspect = [&](const os::mapping& m) noexcept {
    if (m.end <= known) return true;
    if (m.first > known) return false;
    lost.of_file |= m.of_file;
    lost.shared |= m.shared;
    known = m.end;
    whole = m.end - 1 >= last;
    return !whole;
  };
  fault why{.address = p, .kind = cause::unknown, .during = access_kind::write};
  if (!os::each_mapping(inspect)) return result<healed>::stopped(why);
  if (!whole) {
    why.address = reinterpret_cast<const volatile void*>(detail::larger(known, detail::address(p)));
    why.kind = cause::unmapped;
    return result<healed>::stopped(why);
  }

  bool replaced = true;
  const auto replace = [&](const os::mapping& m) noexcept {
    if (m.end <= first) return true;
    if (m.first > last) return false;
    const std::uintptr_t from = detail::larger(m.first, first);
    const std::uintptr_t size = detail::smaller(m.end - 1, last) - from + 1;
    replaced = os::replace_by_zeros(from, size, m.protection);
    if (!replaced) why.address = reinterpret_cast<const volatile void*>(from);
    return replaced;
  };
  if (!os::each_mapping(replace) || !replaced) return result<healed>::stopped(why);
  return lost;
}
template <writeable_byte_range R>
result<healed> heal(R&& range) noexcept {
  return surefoot::heal(detail::data(range), detail::bytes_of(range));
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
