// A shared object that may be unloaded: it has the library in it, and uses only what needs no handler.
#include "passing.hpp"

#include <surefoot/surefoot.hpp>

extern "C" [[gnu::visibility("default")]] int soak_passing_ask(const long* good,
                                                               const long* denied) {
  const surefoot::engine::kernel kernel;
  const auto load = surefoot::try_load<long>(good, kernel);
  if (!load.ok() || load.value() != 42) return __LINE__;
  const auto refused = surefoot::try_load<long>(denied, kernel);
  if (refused.ok() || refused.stopped_by.address != denied) return __LINE__;
  long to[4] = {};
  const auto copied = surefoot::try_copy(to, denied - 2, sizeof to, kernel);
  if (copied.done != 2 * sizeof(long) || copied.stopped_by.address != denied) return __LINE__;
  if (surefoot::ensure_readable(denied - 1, 2 * sizeof(long), kernel)) return __LINE__;
  return 0;
}
