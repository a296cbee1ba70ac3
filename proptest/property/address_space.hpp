// A model of a few pages of address space and of one file: what is mapped where, with which rights,
// and what every byte is. Commands change it and the real thing in the same way.
#pragma once

#include <signal.h>
#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <ostream>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

#include "property.hpp"

namespace property::model {

inline constexpr std::size_t page_size = kit::tile_size;
inline constexpr std::size_t page_count = 6;
inline constexpr std::size_t file_pages = 4;  // the file is never larger
inline constexpr std::size_t space_size = page_count * page_size;

// What a page holds. Copies share it until one of them is written, so that a model is cheap to copy.
class content {
 public:
  using bytes = std::array<unsigned char, page_size>;

  const bytes& read() const { return *bytes_; }
  bytes& write() {
    if (bytes_.use_count() > 1) bytes_ = std::make_shared<bytes>(*bytes_);
    return *bytes_;
  }

 private:
  static const std::shared_ptr<bytes>& zeros() {
    static const auto all = std::make_shared<bytes>();
    return all;
  }
  std::shared_ptr<bytes> bytes_ = zeros();
};

enum class backing : unsigned char { nothing, anonymous, private_file, shared_file };

struct page {
  backing what = backing::nothing;
  int protection = PROT_NONE;
  bool guarded = false;  // MADV_GUARD_INSTALL; anonymous memory only
  std::size_t of_file = 0;
  bool is_own = false;  // of a private file page: it was written, and does not follow the file
  content own{};        // of anonymous memory and of such a page
};

// Some pages in a row.
struct pages {
  std::size_t first, count;
  std::size_t end() const { return first + count; }
  void* in(unsigned char* arena) const { return arena + first * page_size; }
  std::size_t bytes() const { return count * page_size; }
};
inline std::ostream& operator<<(std::ostream& to, const pages& p) {
  return to << "page " << p.first << " to " << p.end() - 1;
}

struct address_space {
  std::array<page, page_count> at{};
  std::array<content, file_pages> file{};
  std::size_t file_size = file_pages;  // pages

  // What the processor meets in this page.
  kit::answer ask(std::size_t i, access_kind during) const {
    const page& p = at[i];
    if (p.what == backing::nothing) return {surefoot::cause::unmapped, SIGSEGV, SEGV_MAPERR};
    if (!allows(i, during)) return {surefoot::cause::denied, SIGSEGV, SEGV_ACCERR};
    if (p.guarded) return {surefoot::cause::unmapped, SIGSEGV, SEGV_MAPERR};
    if (p.what != backing::anonymous && p.of_file >= file_size)
      return {surefoot::cause::no_backing, SIGBUS, BUS_ADRERR};
    return {};
  }

  bool allows(std::size_t i, access_kind during) const {
    return (at[i].protection & (during == access_kind::read ? PROT_READ : PROT_WRITE)) != 0;
  }

  const content::bytes& bytes_of(std::size_t i) const {
    return follows_file(i) ? file[at[i].of_file].read() : at[i].own.read();
  }
  unsigned char byte(std::size_t offset) const {
    return bytes_of(offset / page_size)[offset % page_size];
  }

  // Is there a page among these that will be copied from the file when it is written, while another
  // one of them changes the file just there? What it gets then depends on the width of a store that
  // lies across both.
  bool copies_what_it_changes(std::size_t first, std::size_t end) const {
    for (std::size_t i = first; i < end; ++i)
      for (std::size_t k = first; k < end; ++k)
        if (at[i].what == backing::shared_file && at[k].what == backing::private_file &&
            !at[k].is_own && at[i].of_file == at[k].of_file)
          return true;
    return false;
  }

  // A write, or a write probe, came to this page.
  void touch_for_write(std::size_t i) {
    if (at[i].what != backing::private_file || at[i].is_own) return;
    at[i].own = file[at[i].of_file];
    at[i].is_own = true;
  }
  void store(std::size_t offset, unsigned char byte) {
    const std::size_t i = offset / page_size;
    touch_for_write(i);
    content& to = at[i].what == backing::shared_file ? file[at[i].of_file] : at[i].own;
    to.write()[offset % page_size] = byte;
  }

  template <class T>
  void store_value(std::size_t offset, T value) {
    unsigned char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    for (std::size_t i = 0; i < sizeof value; ++i) store(offset + i, bytes[i]);
  }

  template <class Each>
  bool all_of(const pages& which, Each holds) const {
    for (std::size_t i = which.first; i < which.end(); ++i)
      if (!holds(at[i])) return false;
    return true;
  }
  bool is_mapped(const pages& which) const {
    return all_of(which, [](const page& p) { return p.what != backing::nothing; });
  }
  bool is_anonymous(const pages& which) const {
    return all_of(which, [](const page& p) { return p.what == backing::anonymous; });
  }

 private:
  bool follows_file(std::size_t i) const {
    return at[i].what == backing::shared_file ||
           (at[i].what == backing::private_file && !at[i].is_own);
  }
};

// What an engine says of it.
template <class E>
kit::answer ask(const address_space& s, std::size_t offset, access_kind during) {
  const std::size_t i = offset / page_size;
  const bool meets_guard = s.at[i].guarded && s.allows(i, during);
  return said_by<E>(meets_guard ? kit::tile::guard_page : kit::tile::read_write, s.ask(i, during),
                    during);
}

// How many bytes come before the first one that refuses.
template <class E>
std::size_t reaches(const address_space& s, const kit::reach& r, access_kind during) {
  for (std::size_t at = r.offset; at < r.end(); at += page_size - at % page_size)
    if (!ask<E>(s, at, during).accessible()) return at - r.offset;
  return r.length;
}

// The answer of an operation that keeps what it did.
template <class E>
surefoot::progress progress_of(const address_space& s, const unsigned char* arena,
                               const kit::reach& r, access_kind during) {
  const std::size_t done = reaches<E>(s, r, during), bad = r.offset + done;
  if (done == r.length) return {done, 0};
  return {done, r.length - done, ask<E>(s, bad, during).at(arena + bad, during)};
}

}  // namespace property::model
