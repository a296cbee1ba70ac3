/// @file
/// heal: puts fresh zero memory in the place of damaged memory, so that the rest of the program may
/// touch it again.
#pragma once

#include <errno.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/os/linux.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

/// What was lost: whole pages, of whatever size they were.
///
/// @snippet heal.cpp healed
struct SUREFOOT_PUBLIC healed {
  const volatile void* address = nullptr;  ///< of the first page that was replaced
  std::size_t bytes = 0;                   ///< of all of them
  bool of_file = false;  ///< some of them were pages of a file: they are cut off from it now
  bool shared = false;   ///< some were shared: other processes keep the old ones

  friend constexpr bool operator==(const healed&, const healed&) = default;
};

/// Replaces every page that [p, p + n) touches by fresh, private, zero memory of the same
/// protection; all else of the mapping stays as it is. What was in those pages is gone, also what
/// was good: pass what is damaged only, or the fault itself (below). A mapping of huge pages
/// (hugetlbfs) has no smaller ones: there `bytes` is more than was asked for. A range with a part
/// that is not mapped is refused as a whole (`unmapped`), and so is one that wraps (`bad_address`);
/// nothing is changed then. Where the kernel refuses (too many mappings) the answer is `unknown`, and
/// pages before that one may have been replaced. What /proc/self/maps does not tell is lost: PROT_MTE, PROT_BTI, and
/// protection keys. Races with other threads that map, unmap or protect
/// the same range are not for this function to win. Async-signal-safe; costs tens of
/// microseconds, for it reads /proc/self/maps twice.
///
/// @snippet heal.cpp heal
inline result<healed> heal(volatile void* p, std::size_t n) noexcept {
  if (n == 0) return healed{};
  if (detail::wraps(p, n)) return result<healed>::stopped(detail::wrapped(p, access_kind::write));
  const std::size_t page = os::page_size();
  const std::uintptr_t begin = arch::untagged(detail::address(p));
  const std::uintptr_t first = begin & ~(page - 1);
  const std::uintptr_t last = (begin + (n - 1)) | (page - 1);

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
    why.address = reinterpret_cast<const volatile void*>(detail::larger(known, begin));
    why.kind = cause::unmapped;
    return result<healed>::stopped(why);
  }

  std::uintptr_t behind = first;
  int refused = 0;
  const auto replace = [&](const os::mapping& m) noexcept {
    if (m.end <= first) return true;
    if (m.first > last) return false;
    std::uintptr_t from = 0, to = 0;
    // A mapping of huge pages can be cut between them only; anywhere else it says EINVAL, unchanged.
    for (std::size_t unit = page;; unit *= 2) {
      from = detail::larger(m.first, first & ~(unit - 1));
      to = detail::smaller(m.end - 1, last | (unit - 1));
      refused = os::replace_by_zeros(from, to - from + 1, m.protection);
      const bool is_all_of_it = from == m.first && to == m.end - 1;
      if (refused != EINVAL || !m.of_file || is_all_of_it) break;
    }
    if (m.first <= first) lost.address = reinterpret_cast<const volatile void*>(from);
    if (refused != 0) why.address = reinterpret_cast<const volatile void*>(from);
    behind = to + 1;
    return refused == 0;
  };
  if (!os::each_mapping(replace) || refused != 0) return result<healed>::stopped(why);
  lost.bytes = behind - detail::address(lost.address);
  return lost;
}
/// The same for the bytes of a range.
template <writeable_byte_range R>
result<healed> heal(R&& range) noexcept {
  return surefoot::heal(detail::data(range), detail::bytes_of(range));
}

/// Replaces what was lost with the byte that `met` names, and nothing else: its page, or where that is
/// more the extent of poison (which [address, address + extent) is not: that may reach into the next
/// one). A fault of good memory (`denied`, `misaligned`, ..., and `unknown` where the kernel can read the
/// page) comes back as it is, and nothing is changed; so it is with one that is none: nothing was lost.
/// Otherwise as above.
///
/// @snippet heal.cpp heal_fault
inline result<healed> heal(const fault& met) noexcept {
  switch (met.kind) {
    case cause::none: return healed{};
    case cause::unmapped:  // a guard page, perhaps
    case cause::no_backing:
    case cause::poisoned:
    case cause::unknown: break;
    default: return result<healed>::stopped(met);
  }
  const std::size_t page = os::page_size(), unit = detail::lost_unit(met, page);
  // An engine that could not make its accesses says `unknown` of good memory.
  const std::uintptr_t its_page = arch::untagged(detail::address(met.address)) & ~(page - 1);
  if (met.kind == cause::unknown && met.signal == 0 && os::populate(its_page, page, false) == 0)
    return result<healed>::stopped(met);
  const std::uintptr_t first = detail::address(met.address) & ~(unit - 1);
  return surefoot::heal(reinterpret_cast<volatile void*>(first), unit);
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
