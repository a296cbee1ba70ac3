// A user's program: one load that works, one that does not, and neither ends it.
#include <surefoot/surefoot.hpp>

int main() {
  const int here = 42;
  const auto good = surefoot::try_load(&here);
  const auto bad = surefoot::try_load(static_cast<const int*>(nullptr));
  return good.ok() && good.value() == 42 && !bad.ok() ? 0 : 1;
}
