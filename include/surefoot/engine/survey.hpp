// What lies behind a hole, asked of the kernel instead of met by one signal a page. For engines whose
// faults are signals, and salvage() and find_holes(), which go on behind them.
//
// What a survey foretells is the fault that a load would meet, signal and code included. The kernel says
// which pages refuse, but seldom how; so each reason is first met by an access, and is foretold of other
// pages only where they have it in common:
//
//  - Between mappings (`unmapped`): all pages up to the next mapping. Where that one may be a stack that
//    grows down (private and anonymous; the kernel does not say which do), an access of a page further up
//    may succeed where one further down was refused, never the other way round. So the last page is
//    probed: if it is refused for the same reason, all before it would be.
//  - A mapping without any permission (`denied`, and `key_denied`, where keys are looked at first): all of
//    it. Not the next one of its kind, which may have another protection key.
//  - A guard page in a mapping: the mapping's other guard pages, which PAGEMAP_SCAN lists. What is looked
//    at before, permissions and key, is the mapping's, and let the first one pass.
//  - SIGBUS (`no_backing`: behind the end of a file, no space, userfaultfd): pages behind it that
//    MADV_POPULATE_READ refuses with EFAULT, as it does the first one, up to the end of the mapping or its
//    next guard page, of which it says EFAULT too. That a driver answers some pages of one mapping with
//    SIGBUS and others with SIGSEGV cannot be seen.
//  - Everything else is met by an access, each page: poison, tags, addresses that are nobody's.
//
// A page that would be fine is never foretold: it is accessed. Where the kernel does not answer (older ones,
// no /proc, seccomp), all is met by accesses, as if there were no survey. As any answer, what is foretold is of
// its moment: of guard pages up to 2 MiB ahead of the access. While other threads change the mappings, its
// parts may be of two moments: that a page is refused, and why.
//
// When it asks: measured (Linux 6.18, AMD EPYC), in units of one fault, which is a signal and its return: to
// open and close a file of /proc costs 1.0, PROCMAP_QUERY 0.15, PAGEMAP_SCAN 0.2, and 0.0007 a page or 0.005 a
// run of guard pages, MADV_POPULATE_READ of a page that is refused 0.24 (of one that is fine 0.2,
// process_vm_readv 0.36 in both cases: so no page is asked that may be fine), a line of /proc/self/maps 0.2.
// So a question is put once there were as many faults as it costs, or where the last one has saved some: the
// whole never costs more than twice what the faults alone would. By the list, alternating guard pages cost
// 0.04 of a fault each (bench/holes.cpp); it was 0.30 when each was asked of by MADV_POPULATE_READ besides.
#pragma once

#include <errno.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/engine/concept.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/os/linux.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {
namespace detail {

using surefoot::detail::forward;
using surefoot::detail::smaller;

template <class E>
class survey {
 public:
  void met(const fault& why) noexcept {
    const std::uintptr_t page = page_of(why.address);
    in_a_row_ = page == behind_ ? in_a_row_ + 1 : 1;
    behind_ = page + page_size;
    met_ = why;
    is_new_ = is_behind_hole_ = true;
    ++faults_;
  }

  outlook look(const volatile void* p, std::size_t n) noexcept {
    if (faults_ < enough_faults) [[likely]]
      return {n};
    return further(p, n);
  }

 private:
  static constexpr std::size_t page_size = arch::page_size();
  using pages = os::own_memory::pages;
  using told = os::own_memory::told;

  // So many cost what it costs to open both files.
  static constexpr unsigned enough_faults = 2;
  // After a run of a single page one is asked about only in so many, or once it is longer.
  static constexpr unsigned seldom = 8;
  // A look for guard pages at so many costs less than one fault.
  static constexpr std::size_t window = 512 * page_size;
  static constexpr std::size_t most_runs = 32;
  // A trial of huge pages costs three faults, where they are small. Touches of that many bytes of huge ones cost six.
  static constexpr std::size_t near = std::size_t{8} << 20;
  // To read so many lines of /proc/self/maps costs a fault.
  static constexpr unsigned lines_a_fault = 4;

  static std::uintptr_t place(const volatile void* p) noexcept {
    return arch::untagged(surefoot::detail::address(p));
  }
  static std::uintptr_t page_of(const volatile void* p) noexcept {
    return place(p) & ~(page_size - 1);
  }
  static bool populates_with(int error, std::uintptr_t page) noexcept {
    return os::populate(page, page_size, false) == error;
  }

  [[gnu::noinline]] SUREFOOT_HIDDEN outlook further(const volatile void* p,
                                                    std::size_t n) noexcept {
    const std::size_t within = place(p) & (page_size - 1);
    if (within != 0) return {smaller(n, page_size - within)};  // behind a tag
    if (is_new_) {
      is_new_ = false;
      const std::size_t more = rest_of_run(p, n);
      if (more > 0) return foretold(p, more, met_);
    }
    return has_guards_ ? between_guards(p, n) : unknown(n);
  }

  // Where one hole was the next may be near, before what a trial of huge pages would save (engine/populate.hpp).
  outlook unknown(std::size_t n) noexcept {
    if (!is_behind_hole_) return {n};
    is_behind_hole_ = false;
    return {smaller(n, near)};
  }

  static outlook foretold(const volatile void* p, std::size_t n, fault why) noexcept {
    why.address = p;
    return {n, why};
  }

  // How many of the n bytes from p on, a page behind the one of met_, are refused as that was.
  std::size_t rest_of_run(const volatile void* p, std::size_t n) noexcept {
    const std::uintptr_t at = place(p), bad = page_of(met_.address);
    switch (met_.kind) {
      case cause::unmapped:
      case cause::denied:
      case cause::key_denied:
      case cause::no_backing: break;
      default: return 0;
    }
    if (at != bad + page_size || !is_worth_asking()) return 0;
    os::mapping m;
    if (!find(bad, m)) return 0;
    std::size_t more = 0;
    if (m.first > bad)
      more = met_.kind == cause::unmapped ? rest_of_gap(p, n, m) : 0;
    else if (met_.kind == cause::key_denied || (met_.kind == cause::denied && m.protection == 0))
      more = smaller(n, std::size_t{m.end - at});
    else if (met_.kind == cause::no_backing)
      more = rest_without_backing(bad, smaller(n, std::size_t{m.end - at}));
    else if (met_.kind == cause::unmapped)
      begin_guards(bad, n + page_size);
    pays_ = more > 0 || has_guards_;
    return more;
  }

  bool is_worth_asking() noexcept {
    if (pays_ || in_a_row_ > 1 || ++not_asked_ == seldom) {
      not_asked_ = 0;
      return true;
    }
    return false;
  }

  // The mapping around or above this page.
  bool find(std::uintptr_t page, os::mapping& m) noexcept {
    const told t = memory_.mapping_from(page, m);
    if (t != told::no) return t == told::yes && !arch::in_kernel_half(m.first);
    if (in_a_row_ * lines_a_fault < lines_) return false;
    bool found = false;
    lines_ = in_a_row_ = 0;
    (void)os::each_mapping([&](const os::mapping& each) noexcept {
      ++lines_;
      if (each.end <= page) return true;
      m = each;
      found = !arch::in_kernel_half(m.first);
      return false;
    });
    return found;
  }

  std::size_t rest_of_gap(const volatile void* p, std::size_t n, const os::mapping& next) noexcept {
    const std::size_t more = smaller(n, std::size_t{next.first - place(p)});
    if (more == 0 || next.of_file || next.shared) return more;
    const fault last =
        E{}.template probe<access_kind::read>(forward(p, (more - 1) & ~(page_size - 1)));
    return last.kind == met_.kind && last.signal == met_.signal && last.code == met_.code ? more
                                                                                          : 0;
  }

  std::size_t rest_without_backing(std::uintptr_t bad, std::size_t n) noexcept {
    const std::uintptr_t at = bad + page_size;
    const bool are_none = os::has_no_guard_pages();
    std::uintptr_t known = are_none ? at + n : at;  // no guard page before
    std::size_t more = 0;
    for (; more < n; more += page_size) {
      if (at + more >= known) {
        pages guard;
        const int guards =
            memory_.guard_pages(known, page_end(at + smaller(n, more + window)), &guard, 1, known);
        if (guards < 0) break;
        if (guards > 0) n = smaller(n, std::size_t{guard.first - at});
        if (more >= n) break;
      }
      if (!populates_with(EFAULT, at + more)) break;
      // Asked for a run of pages only: it may be a broken disk's, which takes its time.
      if (more == 0 && !populates_with(EFAULT, bad)) break;
    }
    return smaller(more, n);
  }

  static std::uintptr_t page_end(std::uintptr_t at) noexcept {
    return (at + (page_size - 1)) & ~(page_size - 1);
  }

  // A guard page was met there: where are more of this mapping?
  void begin_guards(std::uintptr_t bad, std::size_t n) noexcept {
    guard_ = bad;
    guard_met_ = met_;
    has_guards_ = list_guards(bad, n) && runs_ > 0 && list_[0].first == bad &&
                  (runs_ > 1 || list_[0].end > behind_);
  }

  // Lists the guard pages from here on, in the mapping where one was met. False where the kernel does not
  // say, and where it is another mapping.
  bool list_guards(std::uintptr_t at, std::size_t n) noexcept {
    os::mapping m;
    runs_ = run_ = 0;
    if (!find(at, m) || m.first > guard_ || m.protection == 0) return false;
    const std::size_t span = smaller(smaller(n, window), std::size_t{m.end - at});
    const int runs = memory_.guard_pages(at, page_end(at + span), list_, most_runs, until_);
    if (runs < 0) return false;
    runs_ = static_cast<unsigned>(runs);
    return true;
  }

  // Goes by the list, and makes another one at its end, if it had a guard page.
  outlook between_guards(const volatile void* p, std::size_t n) noexcept {
    const std::uintptr_t at = place(p);
    while (run_ < runs_ && list_[run_].end <= at) ++run_;
    if (run_ == runs_ && at >= until_) {
      has_guards_ = runs_ > 0 && list_guards(at, n);
      if (!has_guards_) return unknown(n);
    }
    if (run_ == runs_) return {smaller(n, std::size_t{until_ - at})};
    const pages& next = list_[run_];
    if (next.first > at) return {smaller(n, std::size_t{next.first - at})};
    return foretold(p, smaller(n, std::size_t{next.end - at}), guard_met_);
  }

  // The last fault that was met; how many there were, and how many of them page by page up to it.
  fault met_{};
  std::uintptr_t behind_ = 0;
  unsigned faults_ = 0;
  unsigned in_a_row_ = 0;
  bool is_new_ = false;
  bool is_behind_hole_ = false;  // nothing behind the last one was offered yet
  bool pays_ = true;             // the last question saved a fault
  unsigned not_asked_ = 0;
  unsigned lines_ = 16 * lines_a_fault;  // that had to be read of /proc/self/maps

  // The guard page that was met, and what the kernel said of the pages up to `until_` when it was asked.
  bool has_guards_ = false;
  unsigned runs_ = 0;
  unsigned run_ = 0;  // the first that may still come
  std::uintptr_t guard_ = 0;
  std::uintptr_t until_ = 0;
  fault guard_met_{};
  os::own_memory memory_;
  pages list_[most_runs];
};

}  // namespace detail
}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
