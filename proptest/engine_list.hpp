// For TEMPLATE_TEST_CASE: the engines of this machine.
#pragma once

#include <surefoot/surefoot.hpp>

// Those that are told by a signal; only they offer atomics.
#if SUREFOOT_HAS_TABLE
#define SUREFOOT_SIGNAL_ENGINES surefoot::engine::table, surefoot::engine::jump
#else
#define SUREFOOT_SIGNAL_ENGINES surefoot::engine::jump
#endif
// Every engine that makes accesses.
#define SUREFOOT_ALL_ENGINES SUREFOOT_SIGNAL_ENGINES, surefoot::engine::kernel
