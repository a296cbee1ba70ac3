// expect: is_const.*evaluated to .*false
#include <surefoot/surefoot.hpp>
#include <vector>

surefoot::progress touch(std::vector<int>& data) {
#ifdef BAD
  const std::vector<int>& target = data;
#else
  std::vector<int>& target = data;
#endif
  return surefoot::fault_in_writeable(target);
}
