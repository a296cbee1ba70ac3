// How many pages in a row are faulted in: by a touch each, or by the kernel, which is asked for many at once
// (MADV_POPULATE_*). What the better way is depends on the memory, so that is learnt on the way, by the time
// that touches take (arch/*/clock.hpp). The answer is that of a touch each: where the kernel populates, each of
// those pages could be accessed; where it does not it says neither which page nor why, and they are touched.
//
// Measured on bench/fault_in.cpp's machine (AMD EPYC, Linux 6.18 in a virtual machine), ns a page of 4 KiB:
//
//                                                touch   one touch every 64 KiB, then each   MADV_POPULATE_*
//   resident, small pages                      0.5 - 4                                                    43
//   resident, huge pages                         3 - 4                                                   0.2
//   cold, anonymous, small, read / write   810 / 1,500                         640 / 1,600       440 / 1,000
//   cold, anonymous, huge, read                    4.9                                 4.9               1.3
//   cold, anonymous, huge, write             clears memory, whoever asks
//   cold, memfd, read                              345                                 207               280
//   cold, memfd, write                           2,200                               2,000             1,900
//   cold, cached file in large folios, read         23                                  21               140
//   cold, cached file in large folios, write        43          5,200 (read touches first)               160
//   cold, cached file page by page, read           140                                 120               214
//   cold, cached file page by page, write          850                                 950               760
//
// A fault for reading maps up to 16 pages of a file that are in the page cache (fault_around_bytes). That
// several of those come before the touches of what they brought keeps the kernel's walk over its records of
// the pages in step with the processor's prefetchers: 1.6 times faster for a memfd of 128 MiB. Elsewhere the calls
// are faster (Intel Granite Rapids, the same memfd: 120 by touches, also so; 93 by calls): so they are tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/engine/walk.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/os/linux.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {
namespace detail {

// Where a page is not the granule, the kernel does not answer for all of it.
inline constexpr bool is_possible = arch::has_clock && any_byte_will_do(arch::page_size());

// Is a probe for each `stride` of n bytes to be made this way? Below a MiB there is little to gain: cold, it
// takes 0.2 ms by touches.
constexpr bool are_many(std::size_t n, std::size_t stride) noexcept {
  return is_possible && stride == arch::page_size() && n >= std::size_t{1} << 20;
}

struct clock {
  static std::uint64_t ticks() noexcept { return arch::ticks(); }
};

// touch(from, to, unit) probes each unit of the bytes [from, to), ascending; true where a fault ended that.
// `from` is 0 or begins a page. Clock is a type, so that a test may say what is slow.
template <access_kind K, class Clock, class Touch>
class faulting_in {
 public:
  faulting_in(const volatile void* p, std::size_t n, Touch& touch) noexcept
      : p_(p), n_(n), touch_(touch) {}

  // True where a fault ended it.
  bool run() noexcept {
    lap();
    if (!is_possible || then_ == 0) return touch_to(n_);
    bool may_be_huge = n_ >= huge_bytes;
    // Pages that are touched between two looks at the clock, and how many more are to be looked at alone.
    std::size_t window = first_window, alone = 1;
    while (at_ < n_) {
      if (refusals_ == most_refusals) return touch_to(n_);
      if (touch_pages(window)) return true;
      if (took_ > (window == 1              ? slow_touch
                   : window == first_window ? slow_start
                                            : window * slow_page)) {
        if (window <= first_window && cold()) return true;
        // Somewhere in a large window a fault brought in one page or sixteen.
        alone = window <= first_window ? 1 : around_pages;
        window = 1;
      } else if (may_be_huge) {
        may_be_huge = false;
        if (try_huge()) return true;
      } else if (window > 1 || --alone == 0) {
        window = window <= first_window ? second_window : smaller(8 * window, most_in_window);
      }
    }
    return false;
  }

 private:
  static constexpr std::size_t page = arch::page_size();

  // Ticks, of which there are 1 to 4 in a nanosecond. A touch that faults takes 1,800 and more here, and some
  // 700 on bare metal; one that does not 26, but up to 500 in code that has just begun to run. The first window
  // takes up to 1,400 then, and with one fault that brings in more than a page 3,500 and more.
  static constexpr std::uint64_t slow_touch = 600, slow_start = 2000;
  // A page, of many: resident memory takes 2 to 80, one of a file whose fault maps hundreds of them 60 to 260, one that
  // is faulted in by sixteens 400.
  static constexpr std::uint64_t slow_page = 300;
  // A page that the kernel is asked to populate: 0.5 where it is huge and resident, 3.3 where it is the zero page
  // of that size, 110 where it is small and resident, 500 and more where it is cold; and the call itself. The limit lies
  // where a trial of huge pages may take four times as long as on a core of its own: with 40, whole runs of bench/ were
  // seen to touch huge pages one by one.
  static constexpr std::uint64_t huge_page = 70, resident_page = 200;

  // To read the clock takes 10 ns, and 50 more where loads are under way that it does not wait for: 256
  // resident pages take 110. The first page alone says little: that of a fresh malloc() has been written to.
  static constexpr std::size_t first_window = 4, second_window = 252, most_in_window = 2048;
  // From here on huge pages that are there already are asked for: 64 small pages first, which takes 0.5 us if they
  // are in a huge one, and 3 us if not, 3 % of what touching 64 MiB of resident small pages takes.
  static constexpr std::size_t huge_bytes = std::size_t{64} << 20, trial_pages = 64;
  // What is asked for at once where it seems to be huge: a call takes 0.4 us, 0.75 where it is cold, as much as a huge
  // page. Not everything at once, for it is a guess: small resident pages take ten times as long so.
  static constexpr std::size_t first_huge_pages = 4096, most_huge_pages = 16384;
  // From that much on cold huge pages are looked for. Their first fault is made by a touch, which costs 0.8 us more
  // than one in the kernel: a range of 16 MiB takes 1.15 times as long as if it had been known.
  static constexpr std::size_t huge = std::size_t{2} << 20, worth_huge = 4 * huge;
  // What is asked for at once of small pages: the system call is 0.4 % of 256 cold ones. More than that is asked
  // for only where the last ones were cold, and a quarter of it; so what turns out to be there already (43 ns a
  // page, where a touch takes 4) costs less than what was not.
  static constexpr std::size_t first_pages = 256, most_pages = 4096;
  // Twice that the kernel does not populate memory that touches do: it never will (memfd_secret).
  static constexpr unsigned most_refusals = 2;
  // What a fault maps of a file, as Linux comes, and how many such pieces are touched first. (In one call: where
  // a function returns between two faults, each takes 8 % longer.)
  static constexpr std::size_t around_pages = 16, around = around_pages * page, ahead = 16 * around;
  // Where that much is left of a file behind the fifth of those, and they took longer than what is there already, it is
  // tried whether calls take less: 24 us a MiB of a memfd on an Intel Granite Rapids, where touches take 29. Pages of
  // large folios take 5 by touches: there it is not tried.
  static constexpr unsigned tried_after = 4;
  static constexpr std::size_t worth_trying = std::size_t{64} << 20, trial_of_calls = 1024;
  // Ticks a page, from which on a fault did not bring in what lies around it.
  static constexpr std::uint64_t alone_page = 256;

  // The last page was touched, and was not there; or code or a stack was not, or the processor was taken away:
  // then the next ones take far less. Of cold pages that have no neighbours each takes nearly the same.
  bool cold() noexcept {
    const std::uint64_t slow = larger(slow_touch, took_ / 16);
    if (touch_pages(1)) return true;
    if (took_ > slow) {
      if (touch_pages(1)) return true;
      if (took_ > slow) return populate_cold();
    }
    if (at_ == n_) return false;
    // That fault brought in what lies around it. For writing there is no more to it: each does, and to touch for
    // reading first makes small pages of a file's large ones.
    if constexpr (K == access_kind::read)
      return touch_around();
    else
      return false;
  }

  bool populate_cold() noexcept {
    const std::size_t pages = pages_;
    if (populate_to(end_of(pages))) return true;
    pages_ = took_ > pages * resident_page ? smaller(4 * pages, most_pages) : first_pages;
    return false;
  }

  bool touch_around() noexcept {
    if (n_ - at_ >= worth_huge && seems_huge()) return populate_huge(first_huge_pages);
    for (unsigned i = 0; at_ < n_; ++i) {
      const std::size_t to = at_ + smaller(n_ - at_, to_next(address(p_) + at_, ahead));
      const bool looks = i % 4 == 0;
      if (looks) lap();
      touch_ahead(at_, to);
      if (looks) lap();
      const std::uint64_t faults = took_;
      if (touch_(at_, to, page)) return true;
      at_ = to;
      if (looks) lap();
      if (looks && took_ > ahead / page * alone_page) return false;
      if (i == tried_after && n_ - at_ >= worth_trying &&
          faults + took_ > ahead / page * resident_page && populate_around(faults + took_))
        return true;
    }
    return false;
  }

  // The kernel does as much by itself without a fault for each piece, and does not meet what lies there, which no
  // cache has where it is much. Up to the end, as long as that takes less than touches did, which took that long
  // for `ahead`, and more than what is there already.
  bool populate_around(std::uint64_t touched) noexcept {
    for (std::size_t pages = trial_of_calls; at_ < n_ && refusals_ == 0; pages = most_pages) {
      const std::size_t from = at_;
      if (populate_to(end_of(pages))) return true;
      const std::size_t done = (at_ - from) / page;
      if (took_ >= touched * done / (ahead / page) || took_ <= done * resident_page) break;
    }
    return false;
  }

  // One page of each piece that a fault maps. A page that refuses is met again, where its turn comes.
  void touch_ahead(std::size_t from, std::size_t to) noexcept {
    if (from < to) (void)touch_(from, to, around);
  }

  // Did the last fault bring in all there is up to the end of a huge page? n_ lies behind that.
  bool seems_huge() noexcept {
    const std::size_t to_end = to_next(address(p_) + at_, huge);
    const std::size_t to = at_ + to_end + (to_end < huge / 2 ? huge : 0);
    const std::size_t first = at_ + ahead;
    touch_ahead(at_, first);
    lap();
    if (is_slow()) return false;
    touch_ahead(first, to);
    lap();
    return !is_slow();
  }

  bool try_huge() noexcept {
    if (populate_to(end_of(trial_pages))) return true;
    return took_ <= trial_pages * huge_page && populate_huge(first_huge_pages);
  }

  // Asks for that much and then more, as long as it goes as fast as huge pages do.
  bool populate_huge(std::size_t pages) noexcept {
    while (at_ < n_ && refusals_ == 0) {
      if (populate_to(end_of(pages))) return true;
      if (took_ > pages * huge_page) break;
      pages = most_huge_pages;
    }
    return false;
  }

  // Up to `to`: populated, or touched where the kernel does not.
  bool populate_to(std::size_t to) noexcept {
    if (at_ == n_) return false;
    const std::uintptr_t first = address(p_) + at_, begin = first & ~(page - 1);
    if (refusals_ < most_refusals && os::populates() &&
        os::populate(begin, address(p_) + to - begin, K == access_kind::write) == 0) {
      at_ = to;
      lap();
      return false;
    }
    ++refusals_;
    return touch_to(to);
  }

  bool touch_pages(std::size_t pages) noexcept { return touch_to(end_of(pages)); }
  bool touch_to(std::size_t to) noexcept {
    if (at_ < to) {
      if (touch_(at_, to, page)) return true;
      at_ = to;
    }
    if (at_ < n_) lap();
    return false;
  }

  // The end of that many pages, the first of which is in part done where at_ is within it; n_ at most.
  std::size_t end_of(std::size_t pages) const noexcept {
    const std::size_t bytes = to_next(address(p_) + at_, page) + (pages - 1) * page;
    return n_ - at_ > bytes ? at_ + bytes : n_;
  }

  void lap() noexcept {
    const std::uint64_t now = Clock::ticks();
    took_ = now - then_;
    then_ = now;
  }
  bool is_slow() const noexcept { return took_ > slow_touch; }

  const volatile void* const p_;
  const std::size_t n_;
  Touch& touch_;
  std::size_t at_ = 0;      // up to here each page could be accessed
  std::uint64_t then_ = 0;  // when the clock was read last
  std::uint64_t took_ = 0;  // since the time before
  std::size_t pages_ = first_pages;
  unsigned refusals_ = 0;
};

template <access_kind K, class Clock, class Touch>
bool fault_in_pages(const volatile void* p, std::size_t n, Touch touch) noexcept {
  return faulting_in<K, Clock, Touch>(p, n, touch).run();
}

}  // namespace detail
}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
