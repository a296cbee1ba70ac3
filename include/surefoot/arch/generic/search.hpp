// Searches without assembly: there are no steps of vectors (engine/search.hpp); what is searched is copied first.
#pragma once

#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_searches = false;
struct searches;

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
