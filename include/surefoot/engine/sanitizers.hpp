// What assembly or the kernel wrote: MemorySanitizer sees neither, and is told.
#pragma once

#include <cstddef>
#include <surefoot/config.hpp>
#include <surefoot/fault.hpp>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define SUREFOOT_DETAIL_MSAN 1
extern "C" void __msan_unpoison(const volatile void*, std::size_t);
#endif
#endif

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {
namespace detail {

// n bytes at p are initialised now.
inline void written([[maybe_unused]] const volatile void* p,
                    [[maybe_unused]] std::size_t n) noexcept {
#ifdef SUREFOOT_DETAIL_MSAN
  __msan_unpoison(p, n);
#endif
}
inline progress written(const volatile void* p, const progress& got) noexcept {
  written(p, got.done);
  return got;
}

}  // namespace detail
}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot

#undef SUREFOOT_DETAIL_MSAN
