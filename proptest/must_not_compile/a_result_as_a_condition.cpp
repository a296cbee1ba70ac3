// expect: could not convert.*result<bool>.*bool|result<bool>.*not contextually convertible to 'bool'
#include <surefoot/surefoot.hpp>

int loaded(const bool* from) {
  const auto met = surefoot::try_load(from);
#ifdef BAD
  if (met) return 1;
#else
  if (met.ok()) return 1;
#endif
  return 0;
}
