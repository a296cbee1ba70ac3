// expect: could not convert.*progress.*bool|progress.*not contextually convertible to 'bool'
#include <surefoot/surefoot.hpp>

int copied(void* to, const void* from) {
  const auto met = surefoot::try_copy(to, from, 8);
#ifdef BAD
  if (met) return 1;
#else
  if (met.all()) return 1;
#endif
  return 0;
}
