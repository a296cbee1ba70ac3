// What kind of build a test is in.
#pragma once

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

// So does everything under an emulator (./run vm).
#if defined(SUREFOOT_TESTS_EMULATED)
inline constexpr bool is_slow = true;
#else
inline constexpr bool is_slow = is_sanitized;
#endif

}  // namespace build
