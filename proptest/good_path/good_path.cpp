// What good_path.sh looks at: one function for each way into a primitive.
#include <cstddef>
#include <surefoot/surefoot.hpp>

using proven = surefoot::engine::installed<surefoot::engine::table>;

extern "C" {

long load_proven(const long* p, proven e) { return surefoot::try_load(p, e).value_or(0); }
long load_default(const long* p) { return surefoot::try_load(p).value_or(0); }

bool store_proven(long* p, proven e) { return static_cast<bool>(surefoot::try_store(p, 42, e)); }
bool store_default(long* p) { return static_cast<bool>(surefoot::try_store(p, 42)); }

[[gnu::flatten]] std::size_t copy_proven(void* dst, const void* src, std::size_t n, proven e) {
  return surefoot::try_copy(dst, src, n, e).done;
}
[[gnu::flatten]] std::size_t copy_default(void* dst, const void* src, std::size_t n) {
  return surefoot::try_copy(dst, src, n).done;
}
}
