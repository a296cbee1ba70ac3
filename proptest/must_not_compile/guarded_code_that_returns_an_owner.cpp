// expect: satisfaction of .*guardable.*no operand of the disjunction|__is_trivially_copyable.*result_of.*evaluated to false
#include <string>
#include <surefoot/surefoot.hpp>

#ifdef BAD
using value = std::string;
#else
using value = char;
#endif
bool ran() {
  return surefoot::guarded([]() noexcept { return value{}; }).ok();
}
