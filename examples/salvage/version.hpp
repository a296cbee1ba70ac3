// The version, which is the library's.
#pragma once

#include <surefoot/version.hpp>

namespace tool {

#define SALVAGE_TEXT_(x) #x
#define SALVAGE_TEXT(x) SALVAGE_TEXT_(x)
inline constexpr const char* version = SALVAGE_TEXT(SUREFOOT_VERSION_MAJOR) "." SALVAGE_TEXT(
    SUREFOOT_VERSION_MINOR) "." SALVAGE_TEXT(SUREFOOT_VERSION_PATCH);
#undef SALVAGE_TEXT
#undef SALVAGE_TEXT_

}  // namespace tool
