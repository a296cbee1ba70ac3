// What kind of build a test is in.
#pragma once

#include <cstdlib>

namespace build {

// A fault costs a hundred times more under a sanitizer, a jump out of a handler a thousand times
// (siglongjmp() walks /proc/self/maps there), and memory that was freed is kept.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_sanitized = true;
#elif defined(__has_feature)
inline constexpr bool is_sanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool is_sanitized = false;
#endif

// It has to be told of fibers, and has a thread of its own.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool is_thread_sanitized = true;
#elif defined(__has_feature)
inline constexpr bool is_thread_sanitized = __has_feature(thread_sanitizer);
#else
inline constexpr bool is_thread_sanitized = false;
#endif

// So does everything under an emulator. ./run vm and ./run cross say that there is one.
inline const bool is_emulated = std::getenv("SUREFOOT_TESTS_EMULATED") != nullptr;
inline const bool is_slow = is_sanitized || is_emulated;

}  // namespace build
