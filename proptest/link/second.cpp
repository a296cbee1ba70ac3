#include "program.hpp"

#include "its_table.hpp"

namespace program {

surefoot::result<long> load(const long* p) { return surefoot::try_load(p); }
surefoot::progress copy(void* dst, const void* src, std::size_t n) {
  return surefoot::try_copy(dst, src, n);
}
surefoot::verdict store(int* p, int v) { return surefoot::try_store(p, v); }
surefoot::result<void> run(void (*f)(const long*) noexcept, const long* p) {
  return surefoot::guarded([=]() noexcept { f(p); });
}
surefoot::result<long> (*shared())(const long*) { return &shared_load; }
int look_at_second(bool has_to_be_sorted) {
  look_at_the_table("second half", has_to_be_sorted);
  return broken;
}

surefoot::result<long> not_called(const long* p) { return surefoot::try_load(p); }

}  // namespace program
