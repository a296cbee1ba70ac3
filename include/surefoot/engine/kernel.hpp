/// @file
/// engine::kernel: no signal at all. The kernel makes the accesses (process_vm_readv on oneself, and
/// a futex operation as write probe) and says where it could not. For hosts that may not have a
/// handler, threads that block SIGSEGV, and code that itself runs in a SIGSEGV handler.
///
/// It keeps no descriptor and needs no install(). It offers no atomics and no guarded().
/// `fault::signal` is 0; why an access failed is asked afterwards (MADV_POPULATE_*), and what the
/// kernel does not tell apart is `unknown`: past the end of a file, guard pages, userfaultfd, and
/// addresses without bit 63 that may be canonical on another machine (with it: `bad_address`). How much
/// was lost with poison it does not tell: `fault::extent` is a page.
/// Memory tags (arm64) are not looked at: what a load would refuse for its tag, this engine reads.
/// Memory that the kernel does not read for others is `denied` for reading, although a plain load
/// would work: memfd_secret, mappings of devices, PROT_WRITE alone. The other way round, it reads past a
/// protection key and past memory tags, where a plain load faults (Linux 6.12); it does not write past a key,
/// and says `denied`. A load or store is not one
/// instruction: it may tear under a concurrent writer. Costs 0.2 to 0.6 us a call.
#pragma once

#include <errno.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/probed_store.hpp>
#include <surefoot/engine/sanitizers.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/os/linux.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {

/// The kernel makes the accesses. What it costs, and what it cannot tell, stands above; its members are those of the
/// concept (engine/concept.hpp). It offers no search, atomic, tag, run and survey.
///
/// @snippet engines.cpp kernel
struct SUREFOOT_PUBLIC kernel {
  /// @cond
  static constexpr bool offers(verb v) noexcept {
    return v != verb::search && v != verb::atomic && v != verb::tag && v != verb::run &&
           v != verb::survey;
  }
  static constexpr bool sees(cause c) noexcept {
    return c == cause::none || c == cause::unmapped || c == cause::denied || c == cause::poisoned;
  }
  static constexpr std::size_t page_size() noexcept { return arch::page_size(); }
  // The kernel does not look at memory tags.
  static constexpr std::size_t granule() noexcept { return arch::page_size(); }
  static constexpr bool ready() noexcept { return true; }

  template <access_kind K>
  SUREFOOT_HIDDEN static fault probe(const volatile void* p) noexcept {
    return accessible<K>(p) ? fault{} : why(p, K);
  }

  template <access_kind K>
  SUREFOOT_HIDDEN static progress probe_each(const volatile void* p, std::size_t n,
                                             std::size_t stride) noexcept {
    for (std::size_t at = 0;;) {
      const volatile void* const here = surefoot::detail::forward(p, at);
      if (!accessible<K>(here)) return {at, n - at, why(here, K)};
      const std::size_t step = surefoot::detail::to_next(surefoot::detail::address(here), stride);
      if (n - at <= step) return {n, 0};
      at += step;
    }
  }

  SUREFOOT_HIDDEN static progress scan(const volatile void* p, std::size_t n) noexcept {
    // What is read goes to one small buffer, again and again.
    unsigned char nowhere[1024];
    iovec to[32];
    for (iovec& each : to) each = {nowhere, sizeof nowhere};
    std::size_t at = 0;
    for (unsigned idle = 0; at < n;) {
      const volatile void* const here = surefoot::detail::forward(p, at);
      const iovec from = buffer(here, surefoot::detail::smaller(n - at, sizeof nowhere * 32));
      const ssize_t got = os::copy_through_kernel(to, 32, &from, 1);
      if (got > 0) {
        at += static_cast<std::size_t>(got);
        idle = 0;
      } else if (!accessible<access_kind::read>(here) || ++idle == patience) {
        return {at, n - at, why(here, access_kind::read)};
      }
    }
    return {n, 0};
  }

  SUREFOOT_HIDDEN static progress copy(volatile void* dst, const volatile void* src,
                                       std::size_t n) noexcept {
    const std::size_t apart = arch::untagged(surefoot::detail::address(src)) -
                              arch::untagged(surefoot::detail::address(dst));
    return apart < n ? copy_down(dst, src, n, apart) : copy_apart(dst, src, n);
  }

  SUREFOOT_HIDDEN static progress fill(volatile void* dst, std::uint8_t byte,
                                       std::size_t n) noexcept {
    unsigned char pattern[1024];
    __builtin_memset(pattern, byte, sizeof pattern);
    for (std::size_t at = 0; at < n;) {
      const progress part = copy(surefoot::detail::forward(dst, at), pattern,
                                 surefoot::detail::smaller(n - at, sizeof pattern));
      at += part.done;
      if (!part.all()) return {at, n - at, part.stopped_by};
    }
    return {n, 0};
  }

  template <class W>
  SUREFOOT_HIDDEN static result<W> load(const volatile void* p) noexcept {
    W word{};
    const progress got = copy(&word, p, sizeof word);
    if (!got.all()) return result<W>::stopped(got.stopped_by);
    return word;
  }

  // Both ends are probed first, so that a store which crosses into a bad page stores nothing.
  template <class W>
  SUREFOOT_HIDDEN static verdict store(volatile void* p, W word) noexcept {
    return detail::probed_store(kernel{}, p, &word, sizeof word);
  }
  /// @endcond

 private:
  // Onto the source, which begins `apart` bytes further on. The kernel's copy is no walk in order: it may be the
  // processor's `rep movsb` between two addresses of one page, and that goes by cache lines where it sees no overlap
  // (measured: Intel, Granite Rapids). So it goes in pieces that do not overlap, or through a buffer where those were
  // small.
  SUREFOOT_HIDDEN static progress copy_down(volatile void* dst, const volatile void* src,
                                            std::size_t n, std::size_t apart) noexcept {
    unsigned char between[1024];
    const bool is_close = apart < sizeof between;
    for (std::size_t at = 0; at < n;) {
      volatile void* const there = surefoot::detail::forward(dst, at);
      const volatile void* const here = surefoot::detail::forward(src, at);
      const std::size_t piece =
          surefoot::detail::smaller(n - at, is_close ? sizeof between : apart);
      const progress loaded = copy_apart(is_close ? between : there, here, piece);
      const progress stored = is_close ? copy_apart(there, between, loaded.done) : loaded;
      at += stored.done;
      if (!stored.all()) return {at, n - at, stored.stopped_by};
      if (!loaded.all()) return {at, n - at, loaded.stopped_by};
    }
    return {n, 0};
  }

  // The two do not overlap, or it does not matter.
  SUREFOOT_HIDDEN static progress copy_apart(volatile void* dst, const volatile void* src,
                                             std::size_t n) noexcept {
    std::size_t at = 0;
    for (unsigned idle = 0; at < n;) {
      volatile void* const there = surefoot::detail::forward(dst, at);
      const volatile void* const here = surefoot::detail::forward(src, at);
      std::size_t piece = surefoot::detail::smaller(n - at, most_at_once);
      if (idle > 0)
        piece = surefoot::detail::smaller(
            piece, surefoot::detail::smaller(rest_of_page(there), rest_of_page(here)));
      const iovec to = buffer(there, piece);
      const iovec from = buffer(here, piece);
      const ssize_t got = os::copy_through_kernel(&to, 1, &from, 1);
      if (got > 0) {
        detail::written(there, static_cast<std::size_t>(got));
        at += static_cast<std::size_t>(got);
        idle = 0;
      } else if (!accessible<access_kind::read>(here) || ++idle == patience) {
        return {at, n - at, why(here, access_kind::read)};
      } else if (!accessible<access_kind::write>(there)) {
        return {at, n - at, why(there, access_kind::write)};
      } else if (const std::size_t passed = copy_past_tags(there, here, piece); passed > 0) {
        detail::written(there, passed);
        at += passed;
        idle = 0;
      }
    }
    return {n, 0};
  }

  // How often in a row a call may refuse what a probe then finds accessible: memory that another
  // thread takes away and gives back.
  static constexpr unsigned patience = 16;

  // The kernel refuses, without copying what could be, a length beyond SSIZE_MAX and a destination
  // that reaches out of the user's half. So a copy goes in pieces, and after a refusal in pieces
  // that lie in one page on both sides.
  static constexpr std::size_t most_at_once = std::size_t{1} << 20;
  static std::size_t rest_of_page(const volatile void* p) noexcept {
    return surefoot::detail::to_next(surefoot::detail::address(p), page_size());
  }

  // The kernel takes addresses, not tagged pointers (unless a thread asks for that).
  static iovec buffer(const volatile void* p, std::size_t n) noexcept {
    return {reinterpret_cast<void*>(arch::untagged(surefoot::detail::address(p))), n};
  }

  // The kernel checks the tags of the memory that it copies to, with the pointer's cut off, but not those of
  // memory that it takes for another process's: so through a buffer. How many bytes; 0 where it refuses.
  SUREFOOT_HIDDEN static std::size_t copy_past_tags(volatile void* dst, const volatile void* src,
                                                    std::size_t n) noexcept {
    if (!arch::tags_are_here()) return 0;
    unsigned char between[1024];
    iovec local{between, surefoot::detail::smaller(n, sizeof between)};
    const iovec from = buffer(src, local.iov_len), to = buffer(dst, local.iov_len);
    const ssize_t got = os::copy_through_kernel(&local, 1, &from, 1);
    if (got <= 0) return 0;
    local.iov_len = static_cast<std::size_t>(got);
    const ssize_t put = os::write_through_kernel(&local, &to);
    return put > 0 ? static_cast<std::size_t>(put) : 0;
  }

  template <access_kind K>
  SUREFOOT_HIDDEN static bool accessible(const volatile void* p) noexcept {
    if constexpr (K == access_kind::read) {
      unsigned char byte = 0;
      const iovec to{&byte, 1};
      const iovec from = buffer(p, 1);
      return os::copy_through_kernel(&to, 1, &from, 1) == 1;
    } else {
      // The word around the byte: it lies in the same granule.
      return os::or_zero(reinterpret_cast<void*>(arch::untagged(surefoot::detail::address(p)) &
                                                 ~std::uintptr_t{3}));
    }
  }

  [[gnu::cold, gnu::noinline]] SUREFOOT_HIDDEN static fault why(const volatile void* p,
                                                                access_kind during) noexcept {
    const std::uintptr_t at = surefoot::detail::address(p);
    const std::size_t size = os::page_size();
    fault met{.address = p, .kind = cause::unknown, .during = during};
    if (arch::in_kernel_half(at)) {
      met.kind = cause::bad_address;
      return met;
    }
    switch (os::populate(arch::untagged(at) & ~(size - 1), size, during == access_kind::write)) {
      // Beyond the smallest address space of this machine "no mapping" may also mean "no such
      // address".
      case ENOMEM: met.kind = arch::surely_canonical(at) ? cause::unmapped : cause::unknown; break;
      case EINVAL: met.kind = cause::denied; break;
      case EHWPOISON:
        met.kind = cause::poisoned;
        met.extent = size;
        break;
      default: break;
    }
    return met;
  }
};

static_assert(complete<kernel>);

}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
