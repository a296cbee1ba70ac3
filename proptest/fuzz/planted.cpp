// A target with a bug of its own: a null is written, outside of any guard and of any call of the library.
// planted.sh sees that fuzzers report it.
#include "target.hpp"

namespace fuzz {

namespace {

constexpr const char* names[] = {"a fault of ours, and a null write",
                                 "the signals taken back, and a null write", "nothing"};

// By a pointer that the compiler does not know.
[[gnu::noinline]] void write_null(volatile int* volatile p) { *p = 1; }

}  // namespace

const char* const target_name = "planted";
const std::span<const char* const> calls = names;

void begin(const kit::fuzzed&) {}
void end() {}

void call(kit::fuzzed_call&, unsigned which) {
  static bool is_warm = false;  // the first program of a process is LLVMFuzzerInitialize's
  if (which == 2) is_warm = true;
  if (which == 2 || !is_warm) return;
  // The library at work before and after, so that its handler stands wherever it stands.
  expect(!surefoot::try_load<int>(static_cast<const volatile void*>(nullptr)).ok(),
         "a load of null");
  if (which == 1) {
    expect(bool(surefoot::install()), "install()");
    expect(!surefoot::try_load<int>(static_cast<const volatile void*>(nullptr)).ok(),
           "a load of null");
  }
  write_null(nullptr);
}

}  // namespace fuzz
