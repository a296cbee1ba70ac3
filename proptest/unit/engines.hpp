// What the engines have in common in tests, and where their answers differ.
#pragma once

#include <cstddef>
#include <surefoot/surefoot.hpp>

#include "../engine_list.hpp"
#include "memory.hpp"

namespace memory {

template <class E>
inline constexpr bool without_signals = surefoot::detail::same<E, surefoot::engine::kernel>;

// The fault that this engine reports of an access to such a page. engine::kernel hears of no signal,
// and says `unknown` where it cannot tell: always then, and never else.
template <class E>
surefoot::fault fault_of(kind k, surefoot::access_kind during, const volatile void* at) {
  surefoot::fault f = fault_of(k, during, at);
  if constexpr (without_signals<E>) {
    f.signal = f.code = 0;
    // The kernel refuses to populate a guard page as it does one past the end of a file.
    if (!E::sees(f.kind) || k == kind::guard_page) f.kind = surefoot::cause::unknown;
  }
  return f;
}

// What this engine answers where n bytes met such a page after `done` of them.
template <class E>
surefoot::progress stopped(std::size_t done, std::size_t n, kind k, surefoot::access_kind during,
                           const volatile void* at) {
  return {done, n - done, fault_of<E>(k, during, at)};
}

// Is this what the engine says of an address that is nobody's?
template <class E>
bool is_non_canonical(const surefoot::fault& f, const volatile void* p,
                      surefoot::access_kind during) {
  if constexpr (without_signals<E>) {
    // Without bit 63 the address may be somebody's on a machine with five levels of page tables.
    const bool surely = reinterpret_cast<std::uintptr_t>(p) >> 63 != 0;
    return f == surefoot::fault{p, surely ? surefoot::cause::bad_address : surefoot::cause::unknown,
                                during};
  } else {
    return is_non_canonical(f, p, during);
  }
}
template <class E>
bool is_kernel_half(const surefoot::fault& f, const volatile void* p,
                    surefoot::access_kind during) {
  if constexpr (without_signals<E>)
    return f == surefoot::fault{p, surefoot::cause::bad_address, during};
  else
    return is_kernel_half(f, p, during);
}

}  // namespace memory
