// Stretches of memory with holes in them, longer and of more kinds than a row of tiles: mappings of many
// pages that are bad in places, for different reasons. And the slow way through them: one fault a page.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/tile/select.hpp>
#include <vector>

namespace terrain {

namespace kit = surefoot::testing;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;

inline constexpr std::size_t page_size = kit::tile_size;

// What its pages are. Where "every third" page is another one, that is the second of three.
enum class kind : unsigned char {
  good,
  gap,                 // nothing is mapped
  none,                // PROT_NONE
  none_shared,         // the same, in a mapping that cannot be joined with one of those
  guards,              // guard pages in good memory, all of them
  guards_apart,        // every other one
  file_end,            // of a shared file; the second half is behind its end
  private_file_end,    // of a private one
  file_end_guards,     // of a shared one, every third a guard page
  missing,             // of a userfaultfd that answers with SIGBUS
  missing_guards,      // the same, every third a guard page
  missing_and_poison,  // the same, every third marked by UFFDIO_POISON
  secret_end,          // memfd_secret; the second half is behind its end
  write_only,
  no_space,    // a hole of a file in a full tmpfs, again and again
  none_apart,  // every third without access: a mapping for each
  broken       // MADV_HWPOISON, every third
};
inline constexpr std::size_t kinds = static_cast<std::size_t>(kind::broken) + 1;

inline const char* name(kind k) {
  static constexpr const char* names[] = {"good",
                                          "gap",
                                          "no access",
                                          "no access, shared",
                                          "guard pages",
                                          "guard pages apart",
                                          "end of file",
                                          "end of private file",
                                          "end of file with guard pages",
                                          "userfaultfd",
                                          "userfaultfd with guard pages",
                                          "userfaultfd with poison",
                                          "end of memfd_secret",
                                          "write-only",
                                          "full tmpfs",
                                          "no access apart",
                                          "hardware poison"};
  return names[static_cast<std::size_t>(k)];
}

// Which tile of the kit has to be here for it.
inline kit::tile needs(kind k) {
  switch (k) {
    case kind::guards:
    case kind::guards_apart: return kit::tile::guard_page;
    case kind::missing: return kit::tile::userfault_missing;
    case kind::missing_and_poison: return kit::tile::userfault_poison;
    case kind::secret_end: return kit::tile::secret;
    case kind::no_space: return kit::tile::full_tmpfs;
    case kind::broken: return kit::tile::hardware_poison;
    default: return kit::tile::read_write;
  }
}

struct stretch {
  kind what = kind::good;
  std::size_t pages = 1;
  friend bool operator==(const stretch&, const stretch&) = default;
};
inline std::ostream& operator<<(std::ostream& to, const stretch& s) {
  return to << s.pages << " x " << name(s.what);
}

class land {
 public:
  explicit land(const std::vector<stretch>& all) {
    for (const stretch& s : all) pages_ += s.pages;
    arena_ = kit::detail::reserve((pages_ + 2) * page_size);
    std::size_t at = 0;
    for (const stretch& s : all) {
      make(s, page(at));
      at += s.pages;
    }
  }
  ~land() { ::munmap(arena_, (pages_ + 2) * page_size); }
  land(const land&) = delete;
  land& operator=(const land&) = delete;

  unsigned char* page(std::size_t i) const { return arena_ + (i + 1) * page_size; }
  unsigned char* data() const { return page(0); }
  std::size_t size() const { return pages_ * page_size; }

  // Could all guard pages be laid? Those of files are of Linux 6.15.
  bool has_all_guards() const { return has_all_guards_; }

 private:
  static constexpr int both = PROT_READ | PROT_WRITE;
  static constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

  static void map(unsigned char* at, std::size_t pages, int protection, int flags, int file = -1) {
    kit::detail::require(
        ::mmap(at, pages * page_size, protection, flags | MAP_FIXED, file, 0) == at, "mmap");
  }
  static void fill(unsigned char* at, std::size_t pages) {
    for (std::size_t i = 0; i < pages * page_size; i += 8) at[i] = kit::pattern(at + i);
  }
  void guard(unsigned char* at, std::size_t pages) {
    has_all_guards_ &= kit::detail::advise(at, pages * page_size, kit::detail::install_guard);
  }
  void guard_every_third(unsigned char* at, std::size_t pages) {
    for (std::size_t i = 1; i < pages; i += 3) guard(at + i * page_size, 1);
  }
  static void lay_file(unsigned char* at, std::size_t pages, int flags,
                       const kit::detail::descriptor& file) {
    map(at, pages, both, flags, file.number());
    fill(at, pages / 2);
  }

  void make(const stretch& s, unsigned char* at) {
    switch (s.what) {
      case kind::good: map(at, s.pages, both, anonymous); return fill(at, s.pages);
      case kind::gap: return kit::detail::require(::munmap(at, s.pages * page_size) == 0, "munmap");
      case kind::none: return map(at, s.pages, PROT_NONE, anonymous);
      case kind::none_shared: return map(at, s.pages, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS);
      case kind::guards: map(at, s.pages, both, anonymous); return guard(at, s.pages);
      case kind::guards_apart:
        map(at, s.pages, both, anonymous);
        fill(at, s.pages);
        for (std::size_t i = 1; i < s.pages; i += 2) guard(at + i * page_size, 1);
        return;
      case kind::file_end:
        return lay_file(at, s.pages, MAP_SHARED,
                        kit::detail::unnamed_file(s.pages / 2 * page_size));
      case kind::private_file_end:
        return lay_file(at, s.pages, MAP_PRIVATE,
                        kit::detail::unnamed_file(s.pages / 2 * page_size));
      case kind::file_end_guards:
        lay_file(at, s.pages, MAP_SHARED, kit::detail::unnamed_file(s.pages / 2 * page_size));
        return guard_every_third(at, s.pages);
      case kind::missing:
      case kind::missing_guards: lay_each(kit::tile::userfault_missing, at, s.pages); break;
      case kind::missing_and_poison:
        for (std::size_t i = 0; i < s.pages; ++i)
          kit::lay(i % 3 == 1 ? kit::tile::userfault_poison : kit::tile::userfault_missing,
                   at + i * page_size, kept_);
        return;
      case kind::secret_end:
        return lay_file(at, s.pages, MAP_SHARED, kit::detail::secret_file(s.pages / 2 * page_size));
      case kind::write_only:
        map(at, s.pages, both, anonymous);
        fill(at, s.pages);
        return kit::detail::require(::mprotect(at, s.pages * page_size, PROT_WRITE) == 0,
                                    "mprotect");
      case kind::no_space: return lay_each(kit::tile::full_tmpfs, at, s.pages);
      case kind::none_apart:
        map(at, s.pages, both, anonymous);
        fill(at, s.pages);
        for (std::size_t i = 1; i < s.pages; i += 3)
          kit::detail::protect(at + i * page_size, PROT_NONE);
        return;
      case kind::broken:
        map(at, s.pages, both, anonymous);
        fill(at, s.pages);
        for (std::size_t i = 1; i < s.pages; i += 3)
          kit::lay(kit::tile::hardware_poison, at + i * page_size, kept_);
        return;
    }
    if (s.what == kind::missing_guards) guard_every_third(at, s.pages);
  }
  void lay_each(kit::tile t, unsigned char* at, std::size_t pages) {
    for (std::size_t i = 0; i < pages; ++i) kit::lay(t, at + i * page_size, kept_);
  }

  std::size_t pages_ = 0;
  unsigned char* arena_ = nullptr;
  bool has_all_guards_ = true;
  kit::ground kept_;
};

inline bool is_here(kind k) {
  if (!kit::is_here(needs(k))) return false;
  if (k == kind::missing_guards && !kit::is_here(kit::tile::userfault_missing)) return false;
  return land({{k, 2}}).has_all_guards();
}
inline const std::vector<kind>& kinds_here() {
  static const std::vector<kind> here = [] {
    std::vector<kind> all;
    for (std::size_t i = 0; i < kinds; ++i)
      if (is_here(static_cast<kind>(i))) all.push_back(static_cast<kind>(i));
    return all;
  }();
  return here;
}

struct hole {
  fault why;
  std::size_t offset = 0, bytes = 0;
  friend bool operator==(const hole&, const hole&) = default;
};
inline std::ostream& operator<<(std::ostream& to, const hole& h) {
  char line[160];
  surefoot::format(h.why, line, sizeof line);
  return to << h.bytes << " bytes at " << h.offset << ": " << line;
}

// Adds a hole to those before it, or makes the last one longer.
inline void add(std::vector<hole>& all, const fault& why, std::size_t offset, std::size_t bytes) {
  const bool goes_on = !all.empty() && all.back().offset + all.back().bytes == offset &&
                       all.back().why.kind == why.kind && all.back().why.signal == why.signal &&
                       all.back().why.code == why.code;
  if (goes_on)
    all.back().bytes += bytes;
  else
    all.push_back({why, offset, bytes});
}

// The slow way: each page in a call of its own, which knows nothing of any other.
template <class E>
std::vector<hole> one_by_one(const unsigned char* p, std::size_t n, E e) {
  std::vector<hole> all;
  for (std::size_t at = 0; at < n;) {
    const auto here = reinterpret_cast<std::uintptr_t>(p) + at;
    const std::size_t some =
        surefoot::detail::smaller(n - at, surefoot::detail::to_next(here, page_size));
    const auto met = surefoot::fault_in_readable(p + at, some, e);
    if (!met.all()) add(all, met.stopped_by, at, some);
    at += some;
  }
  return all;
}

// What find_holes and salvage say.
template <class E>
std::vector<hole> found(const unsigned char* p, std::size_t n, E e,
                        surefoot::holes_found* sums = nullptr) {
  std::vector<hole> all;
  const auto sum = surefoot::find_holes(
      p, n,
      [&](const fault& why, std::size_t offset, std::size_t bytes) {
        all.push_back({why, offset, bytes});
      },
      e);
  if (sums != nullptr) *sums = sum;
  return all;
}
template <class E>
std::vector<hole> left_out(unsigned char* to, const unsigned char* p, std::size_t n, E e,
                           surefoot::salvaged* sums = nullptr) {
  std::vector<hole> all;
  const auto sum = surefoot::salvage(
      to, p, n,
      [&](const fault& why, std::size_t offset, std::size_t bytes) {
        all.push_back({why, offset, bytes});
      },
      e);
  if (sums != nullptr) *sums = sum;
  return all;
}

}  // namespace terrain
