// What sanitizers do not see, and are told: MemorySanitizer what assembly or the kernel wrote, AddressSanitizer which
// frames a jump leaves behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/config.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define SUREFOOT_DETAIL_MSAN 1
extern "C" void __msan_unpoison(const volatile void*, std::size_t);
#endif
#if __has_feature(address_sanitizer)
#define SUREFOOT_DETAIL_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SUREFOOT_DETAIL_ASAN 1
#endif
#ifdef SUREFOOT_DETAIL_ASAN
extern "C" void __asan_unpoison_memory_region(const volatile void*, std::size_t);
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

#ifdef SUREFOOT_DETAIL_ASAN
// Below `end` of a stack there are no frames any more, down to `begin`. A jump tells AddressSanitizer so itself, but only
// of a stack that it knows: neither a fiber's, nor an alternate one that disarms itself.
inline void left_behind(std::uintptr_t begin, std::uintptr_t end) noexcept {
  constexpr std::uintptr_t largest_stack = std::uintptr_t{64} << 20;  // else they are of two
  if (begin < end && end - begin <= largest_stack)
    __asan_unpoison_memory_region(reinterpret_cast<const void*>(begin), end - begin);
}
#endif

// A handler that was given this context is about to jump to a function whose frame is at `frame`, from code that was
// interrupted where the stack ended at `stack`.
#ifdef SUREFOOT_DETAIL_ASAN
[[gnu::noinline]] inline void leaves_by_jump(const void* ucontext, std::uintptr_t stack,
                                             std::uintptr_t frame) noexcept {
  left_behind(stack, frame);
  left_behind(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)),
              surefoot::detail::address(ucontext));
}
#else
inline void leaves_by_jump(const void*, std::uintptr_t, std::uintptr_t) noexcept {}
#endif

}  // namespace detail
}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot

#undef SUREFOOT_DETAIL_MSAN
#undef SUREFOOT_DETAIL_ASAN
