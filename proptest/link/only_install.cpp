// An image that only installs: no access but those that installing itself makes.
#include <surefoot/handler.hpp>

[[gnu::visibility("default")]] bool installs();

bool installs() {
  (void)surefoot::install();
  return surefoot::installed().both() && surefoot::uninstall().both();
}
