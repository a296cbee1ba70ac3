/// @file
/// Every engine that this machine has.
#pragma once

#include <surefoot/config.hpp>
#include <surefoot/engine/jump.hpp>
#include <surefoot/engine/kernel.hpp>
#include <surefoot/engine/standard.hpp>

#if SUREFOOT_HAS_TABLE
#include <surefoot/engine/table.hpp>
#endif
