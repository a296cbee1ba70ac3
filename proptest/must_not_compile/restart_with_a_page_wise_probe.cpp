// expect: same<.*verdict>.*(evaluated to .*false|is not satisfied)
#include <cstddef>
#include <surefoot/surefoot.hpp>

// The wrong pairing: the first page is fine, so it would retry for ever.
#ifdef BAD
constexpr auto probe = surefoot::touch;
#else
constexpr auto probe = surefoot::ensure;
#endif
surefoot::verdict go(char* to, const char* p, std::size_t size) {
  const auto op = [=]() noexcept { return surefoot::try_copy(to, p, size); };
  return surefoot::restart(surefoot::reads(p, size), op, {}, probe);
}
