// A page of tagged memory, of which some granules have another tag than the pointers to it.
//
//   const tagged::page land(tagged::of_one_process);
//   land.spoil(4);  // bytes 64 to 79
//   CHECK(try_load<char>(land.data() + 70).stopped_by ==
//         land.damaged().met<engine::table>(access_kind::read, land.data() + 70));
#pragma once

#include <signal.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/tile/select.hpp>

#include "../every_verb.hpp"

namespace tagged {

namespace kit = surefoot::testing;
using kit::tag_checks;
using memory::page_size;
using surefoot::access_kind;
using surefoot::fault;
using surefoot::progress;

inline constexpr std::size_t granule = kit::tag_granule;
inline constexpr unsigned own_tag = 5, other_tag = 9;

// What a sweep asks: ranges of these lengths, each of which begins in this granule.
inline constexpr std::size_t lengths[] = {1, 3, 8, 16, 31, 64, 130, 200};
inline constexpr std::size_t first_granule = 8;

// Asks the machine; where it has no tags, the running test says so.
inline bool offered() {
  if (kit::is_here(kit::tile::tag_granules)) return true;
  memory::say_skipped(kit::tag_tiles::need({}));
  return false;
}

// What this thread's checks are, for a scope.
class checks {
 public:
  explicit checks(tag_checks to) { kit::check_tags(to); }
  ~checks() { kit::check_tags(tag_checks::none); }
  checks(const checks&) = delete;
  checks& operator=(const checks&) = delete;
};

// What is met at the bytes [first, end); nothing where there are none.
struct damage {
  const std::uint8_t* first = nullptr;
  const std::uint8_t* end = nullptr;

  template <class E>
  fault met(access_kind during, const std::uint8_t* p) const {
    constexpr int segv_mteserr = 9;
    return {p, surefoot::cause::tag_mismatch, during, SIGSEGV, segv_mteserr};
  }
  // One byte of each page is asked, here the first one: that is what tags make of the question.
  template <class E>
  progress faulted_in(access_kind during, const std::uint8_t* p, std::size_t n) const {
    if (p < first || p >= end) return {n, 0};
    return {0, n, met<E>(during, p)};
  }
};

inline constexpr int of_one_process = MAP_PRIVATE, shared = MAP_SHARED;

class page {
 public:
  explicit page(int sharing)
      : mapped_(::mmap(nullptr, page_size, PROT_READ | PROT_WRITE | kit::tagged_memory,
                       sharing | MAP_ANONYMOUS, -1, 0)) {
    memory::require(mapped_ != MAP_FAILED, "mmap of tagged memory");
    for (std::size_t i = 0; i < page_size / granule; ++i) give(i, own_tag);
    lay(0, page_size);
  }
  ~page() { ::munmap(mapped_, page_size); }
  page(const page&) = delete;
  page& operator=(const page&) = delete;

  std::uint8_t* data() const { return kit::with_tag(static_cast<std::uint8_t*>(mapped_), own_tag); }
  static std::uint8_t content(std::size_t at) { return static_cast<std::uint8_t>(at % 251 + 1); }

  // From now on this granule, and none but it, has another tag.
  void spoil(std::size_t which) {
    mend();
    spoilt_ = which;
    give(which, its_tag_ = other_tag);
  }
  void mend() { give(spoilt_, its_tag_ = own_tag); }
  damage damaged() const {
    if (its_tag_ == own_tag) return {};
    return {data() + spoilt_ * granule, data() + (spoilt_ + 1) * granule};
  }

  // Lays n bytes from `at` on again, through pointers that each granule takes.
  void lay(std::size_t at, std::size_t n) const {
    for (std::size_t i = at; i < at + n; ++i) *own(i) = content(i);
  }
  // Are n bytes from `at` on, or all, as they were laid?
  bool intact(std::size_t at = 0, std::size_t n = page_size) const {
    for (std::size_t i = at; i < at + n; ++i)
      if (*own(i) != content(i)) return false;
    return true;
  }

  // This byte by a pointer that its granule takes.
  std::uint8_t* own(std::size_t at) const {
    return kit::with_tag(data() + at, at / granule == spoilt_ ? its_tag_ : own_tag);
  }

 private:
  void give(std::size_t which, unsigned tag) const {
    kit::set_tag(static_cast<std::uint8_t*>(mapped_) + which * granule, tag);
  }

  void* mapped_;
  std::size_t spoilt_ = 0;
  unsigned its_tag_ = own_tag;
};

}  // namespace tagged
