// A target with a bug of its own: a null is written, outside of any guard and of any call of the library.
// planted.sh sees that fuzzers report it.
#include "target.hpp"

namespace fuzz {

namespace {

// By a pointer that the compiler does not know.
[[gnu::noinline]] void write_null(volatile int* volatile p) { *p = 1; }

// The library at work before, so that its handler stands wherever it stands.
void refuse() {
  expect(!surefoot::try_load<int>(static_cast<const volatile void*>(nullptr)).ok(),
         "a load of null");
}
void after_ours(kit::fuzzed_call&) {
  if (is_warming_up()) return;
  refuse();
  write_null(nullptr);
}
void after_install(kit::fuzzed_call&) {
  if (is_warming_up()) return;
  refuse();
  expect(bool(surefoot::install()), "install()");
  refuse();
  write_null(nullptr);
}
void nothing(kit::fuzzed_call&) {}

constexpr call table[] = {
    {"a fault of ours, and a null write", after_ours},
    {"the signals taken back, and a null write", after_install},
    {"nothing", nothing},
};

}  // namespace

const char* const target_name = "planted";
const std::span<const call> calls = table;

void begin(const kit::fuzzed&) {}
void end() {}

}  // namespace fuzz
