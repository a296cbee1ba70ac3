/// @file
/// The engine that a call gets when it names none: the table where there is one.
#pragma once

#include <surefoot/config.hpp>
#include <surefoot/engine/concept.hpp>

#if defined(SUREFOOT_DEFAULT_JUMP) || !SUREFOOT_HAS_TABLE
#include <surefoot/engine/jump.hpp>
#else
#include <surefoot/engine/table.hpp>
#endif

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {

#if defined(SUREFOOT_DEFAULT_JUMP) || !SUREFOOT_HAS_TABLE
using standard = jump;
#else
/// The default of every primitive: `table` where there is one, else `jump`; `jump` with SUREFOOT_DEFAULT_JUMP.
/// guarded() takes `jump` always.
///
/// @snippet engines.cpp standard
using standard = table;
#endif

}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
