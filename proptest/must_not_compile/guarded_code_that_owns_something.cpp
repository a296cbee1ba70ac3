// expect: (__is_trivially_copyable.*evaluated to.*false|is not trivially copyable)
#include <string>
#include <surefoot/surefoot.hpp>

bool ran(const std::string& text) {
#ifdef BAD
  return surefoot::guarded([text]() noexcept { return text.size(); }).ok();
#else
  return surefoot::guarded([&text]() noexcept { return text.size(); }).ok();
#endif
}
