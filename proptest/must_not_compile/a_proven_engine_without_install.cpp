// expect: no matching (function for call to|constructor for initialization of).*(installed|proven)
#include <surefoot/surefoot.hpp>

using proven = surefoot::engine::installed<surefoot::engine::table>;

bool loaded(const int* p) {
#ifdef BAD
  const proven e{};
#else
  const proven e = surefoot::install<surefoot::engine::table>();
#endif
  return surefoot::try_load(p, e).ok();
}
