// From a siginfo to a cause. All pure functions.
#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/fault.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace signals {

// Codes that libc's headers do not all have; the kernel's generic siginfo.h does.
inline constexpr int segv_pkuerr = 4;
inline constexpr int segv_accadi = 5;
inline constexpr int segv_adiperr = 7;
inline constexpr int segv_mteaerr = 8;
inline constexpr int segv_mteserr = 9;
inline constexpr int bus_mceerr_ar = 4;
inline constexpr int bus_mceerr_ao = 5;
inline constexpr int si_kernel = 0x80;

// Does this signal report an access that the interrupted instruction just made? Not so: what a
// process sent (si_code <= 0), the advisory about poisoned memory that nobody touched yet, and the
// late report of an asynchronous tag check. The kernel forces only real reports on a thread; those
// three can be ignored.
inline bool reports_access(int signal, const siginfo_t& info) noexcept {
  if (info.si_code <= 0) return false;
  if (signal == SIGBUS) return info.si_code != bus_mceerr_ao;
  return signal == SIGSEGV && info.si_code != segv_mteaerr;
}

// Reported without an address: a general protection or stack fault, an alignment check; on arm64 an
// error of the memory itself whose place the processor does not know (arch/arm64/mm/fault.c: do_sea). The
// first bad byte then counts as the first one of the access, or of the step of a copy by engine::jump: up to
// a block of bytes before the broken ones is refused with them.
inline bool lacks_address(int signal, const siginfo_t& info) noexcept {
  const bool may = info.si_code == si_kernel ||
                   (signal == SIGBUS && (info.si_code == BUS_ADRALN || info.si_code == BUS_OBJERR));
  return may && info.si_addr == nullptr;
}

inline bool is_poison(int signal, int code) noexcept {
  return signal == SIGBUS && code == bus_mceerr_ar;
}

// How many bytes the report is about: 1, or the lost bytes of poisoned memory. The kernel gives the
// size as a shift; one that is no shift at all counts as a page.
inline std::size_t extent(int signal, const siginfo_t& info) noexcept {
  if (!is_poison(signal, info.si_code)) return 1;
  const auto shift = static_cast<unsigned>(info.si_addr_lsb);
  return shift < 8 * sizeof(std::size_t) ? std::size_t{1} << shift : arch::page_size();
}

// The first of them. A machine check names the beginning of what was lost, a page fault that meets
// known poison the byte that it met: what is lost is aligned to its own size.
inline std::uintptr_t first_byte(int signal, const siginfo_t& info) noexcept {
  return reinterpret_cast<std::uintptr_t>(info.si_addr) & ~(extent(signal, info) - 1);
}

constexpr cause cause_of(int signal, int code, std::uint64_t address) noexcept {
  if (code == si_kernel || arch::in_kernel_half(address)) return cause::bad_address;
  if (signal == SIGSEGV) {
    if (code == SEGV_MAPERR) return cause::unmapped;
    if (code == SEGV_ACCERR) return cause::denied;
    if (code == segv_pkuerr) return cause::key_denied;
    if (code >= segv_accadi && code <= segv_mteserr) return cause::tag_mismatch;
  }
  if (signal == SIGBUS) {
    if (code == BUS_ADRERR) return cause::no_backing;
    if (code == bus_mceerr_ar) return cause::poisoned;
    if (code == BUS_ADRALN) return cause::misaligned;
  }
  return cause::unknown;
}

// trap::info, packed: signal in bits 0 to 7, the shift of the extent in 8 to 15, then flags,
// si_code in the upper half.
inline constexpr std::uint64_t trap_writes = 1u << 16;    // the access was a store
inline constexpr std::uint64_t trap_unplaced = 1u << 17;  // the report had no address
inline constexpr std::uint64_t trap_second = 1u << 18;    // of the second row, or range, of a step

inline std::uint64_t pack(int signal, const siginfo_t& info) noexcept {
  std::uint64_t packed = static_cast<std::uint8_t>(signal);
  if (is_poison(signal, info.si_code))
    packed |= static_cast<std::uint64_t>(__builtin_ctzll(extent(signal, info))) << 8;
  if (lacks_address(signal, info)) packed |= trap_unplaced;
  return packed | static_cast<std::uint64_t>(static_cast<std::uint32_t>(info.si_code)) << 32;
}

// How many bytes a packed report names: 1, or what poison takes.
inline std::size_t extent_of(std::uint64_t info) noexcept {
  return std::size_t{1} << (info >> 8 & 0xff);
}

// The fault that `info` tells of, for an access of this kind whose first bad byte is `address`.
[[gnu::cold, gnu::noinline]] inline fault unpack(std::uint64_t info, std::uint64_t address,
                                                 access_kind during) noexcept {
  const int signal = static_cast<int>(info & 0xff);
  const int code = static_cast<int>(static_cast<std::uint32_t>(info >> 32));
  return {.address = reinterpret_cast<const volatile void*>(address),
          .kind = cause_of(signal, code, address),
          .during = during,
          .signal = signal,
          .code = code,
          .extent = is_poison(signal, code) ? extent_of(info) : 0};
}

}  // namespace signals
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
