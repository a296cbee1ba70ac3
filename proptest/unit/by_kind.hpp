// The verbs that come once for reading and once for writing, with the kind of access as a value.
#pragma once

#include <cstddef>
#include <surefoot/ensure_accessible.hpp>
#include <surefoot/fault_in.hpp>

namespace memory {

inline constexpr surefoot::access_kind both_kinds[] = {surefoot::access_kind::read,
                                                       surefoot::access_kind::write};

template <class E>
surefoot::progress fault_in(surefoot::access_kind k, volatile void* p, std::size_t n, E e) {
  return k == surefoot::access_kind::read ? surefoot::fault_in_readable(p, n, e)
                                          : surefoot::fault_in_writeable(p, n, e);
}

template <surefoot::granularity G, class E>
surefoot::verdict ensure(surefoot::access_kind k, volatile void* p, std::size_t n, E e) {
  using surefoot::access_kind;
  return k == access_kind::read ? surefoot::ensure_accessible<access_kind::read, G>(p, n, e)
                                : surefoot::ensure_accessible<access_kind::write, G>(p, n, e);
}

}  // namespace memory
