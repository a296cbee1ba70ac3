// For TEMPLATE_TEST_CASE: the engines of this machine.
#pragma once

#include <surefoot/surefoot.hpp>

// Every engine that makes accesses.
#define SUREFOOT_ALL_ENGINES \
  surefoot::engine::table, surefoot::engine::jump, surefoot::engine::kernel
// Those that are told by a signal; only they offer atomics.
#define SUREFOOT_SIGNAL_ENGINES surefoot::engine::table, surefoot::engine::jump
