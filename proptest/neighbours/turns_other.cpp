#define SUREFOOT_DEFAULT_JUMP
#include <surefoot/surefoot.hpp>

#include "turns.hpp"

namespace turns {

bool other::install() { return static_cast<bool>(surefoot::install()); }
bool other::is_installed() { return surefoot::installed().both(); }
bool other::uninstall() { return surefoot::uninstall().both(); }
bool other::loads(const int* p) { return surefoot::try_load(p).ok(); }

}  // namespace turns
