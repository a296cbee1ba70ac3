/// @file
/// The few options, and what they are part of: the inline namespace's name. Two translation units
/// with different options, or with different versions of this library, may be linked into one
/// program: no function of the one is ever taken for a function of the other.
///
/// `SUREFOOT_DEFAULT_JUMP`: define it (to nothing) before the first include, or for the whole target,
/// to make `engine::jump` the default engine where `engine::table` would be.
#pragma once

#include <surefoot/version.hpp>

#if __cplusplus < 202002L
#error "surefoot needs C++20"
#endif
#if !defined(__linux__) || !defined(__LP64__) || !defined(__GNUC__) || \
    !(defined(__x86_64__) || (defined(__aarch64__) && defined(__AARCH64EL__)) || defined(__riscv))
#error \
    "surefoot supports Linux on x86-64, aarch64 and riscv64 (LP64), with g++ 12 or clang 14 and later"
#endif

#if defined(__x86_64__) || defined(__aarch64__)
/// Is there an exception table, and so `engine::table`? 1 or 0; elsewhere (riscv64) `engine::jump` is the default.
#define SUREFOOT_HAS_TABLE 1
#else
#define SUREFOOT_HAS_TABLE 0
#endif

// `v0_1_0`, or `jump0_1_0` with the option: a part of every name that must not be mixed.
#ifdef SUREFOOT_DEFAULT_JUMP
#define SUREFOOT_DETAIL_TAG jump
#else
#define SUREFOOT_DETAIL_TAG v
#endif
#define SUREFOOT_DETAIL_JOIN_(a, b, c, d) a##b##_##c##_##d
#define SUREFOOT_DETAIL_JOIN(a, b, c, d) SUREFOOT_DETAIL_JOIN_(a, b, c, d)
#define SUREFOOT_DETAIL_VERSIONED                                                           \
  SUREFOOT_DETAIL_JOIN(SUREFOOT_DETAIL_TAG, SUREFOOT_VERSION_MAJOR, SUREFOOT_VERSION_MINOR, \
                       SUREFOOT_VERSION_PATCH)

// Functions and state are hidden: each linked image has its own, and nobody interposes them. Public
// types say `gnu::visibility("default")` themselves, so that a user's shared object may export
// functions that return them (g++ gives such a function the lower visibility of its type); the
// members of such a type that are state or code of an image are hidden again.
#define SUREFOOT_PUBLIC [[gnu::visibility("default")]]
#define SUREFOOT_HIDDEN [[gnu::visibility("hidden")]]
#define SUREFOOT_ABI SUREFOOT_HIDDEN SUREFOOT_DETAIL_VERSIONED

// The testing kit hides nothing: it is a part of the test program that it is compiled into, whose own
// types hold its.
#define SUREFOOT_TESTING_ABI SUREFOOT_DETAIL_VERSIONED

// A function of which its callers know no more than its type: it may change registers that its compiler knows
// nothing of, and every register that a call may change counts as changed.
#ifdef __clang__
#define SUREFOOT_OPAQUE [[gnu::noinline]]
#else
#define SUREFOOT_OPAQUE [[gnu::noipa]]
#endif
