// Where nobody was before us, a fault that is not ours kills as it would without us: the last that
// a debugger or a core file sees is the original signal, at the instruction that caused it.
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <surefoot/surefoot.hpp>

#include "process.hpp"

namespace {

struct example {
  const char* name;
  int signal;
  int code;
  const volatile void* bad;
};

// The child touches bad memory with us installed; the debugger sees the signal twice.
void check_dies_of_the_original(const example& e) {
  INFO(e.name);
  const auto seen = process::run_traced([&] {
    (void)surefoot::install();
    process::stray_load(e.bad);
  });
  if (!seen) return memory::say_skipped("ptrace");
  CHECK(seen->end.signal == e.signal);
  REQUIRE(seen->stops.size() == 2);
  CHECK(seen->stops[0].info.si_code == e.code);
  CHECK(std::memcmp(&seen->stops[1].info, &seen->stops[0].info, sizeof(siginfo_t)) == 0);
  CHECK(seen->stops[0].pc == process::address_of(&process::stray_load));
  CHECK(seen->stops[1].pc == seen->stops[0].pc);
}

}  // namespace

TEST_CASE("a stray fault without an owner before kills with its own signal, code and address") {
  const memory::pages hole{memory::kind::hole};
  const memory::pages denied{memory::kind::no_access};
  const memory::pages past_end{memory::kind::past_end_of_file};
  check_dies_of_the_original({"hole", SIGSEGV, SEGV_MAPERR, hole.data() + 5});
  check_dies_of_the_original({"no access", SIGSEGV, SEGV_ACCERR, denied.data() + 5});
  check_dies_of_the_original({"past end of file", SIGBUS, BUS_ADRERR, past_end.data() + 5});
  if constexpr (!machine::non_canonical_has_address)
    check_dies_of_the_original(
        {"non-canonical", SIGSEGV, SI_KERNEL, memory::at(memory::non_canonical[0])});
}

TEST_CASE("a stray fault kills also where the page was repaired meanwhile") {
  const memory::pages denied{memory::kind::no_access};
  static void* page;
  page = denied.data();
  const auto seen = process::run_traced([&] {
    (void)surefoot::install();
    // Comes between our handler and the return to the instruction.
    process::owner<>::take(SIGSEGV);
    process::owner<>::then = [](int signal, siginfo_t* info, void* ucontext) {
      process::owner<>::chain(signal, info, ucontext);
      ::mprotect(page, memory::page_size, PROT_READ);
    };
    process::stray_load(page);
  });
  if (!seen) return memory::say_skipped("ptrace");
  CHECK(seen->end.signal == SIGSEGV);
  REQUIRE(seen->stops.size() == 2);
  CHECK(seen->stops[1].info.si_code == SEGV_ACCERR);
  CHECK(seen->stops[1].info.si_addr == page);
  CHECK(seen->stops[1].pc == process::address_of(&process::stray_load));
}

TEST_CASE("a stray fault leaves a core where it would without us") {
  // Where cores are named without a directory they lie in the working directory.
  char directory[] = "/tmp/surefoot-core-XXXXXX";
  REQUIRE(::mkdtemp(directory) != nullptr);
  const auto dies = [&](bool with_us) {
    const process::ending end = process::run([&] {
      const rlimit no_limit{RLIM_INFINITY, RLIM_INFINITY};
      ::setrlimit(RLIMIT_CORE, &no_limit);
      if (::chdir(directory) != 0) ::_exit(1);
      if (with_us) (void)surefoot::install();
      process::stray_load(nullptr);
    });
    CHECK(end.signal == SIGSEGV);
    return end.dumped;
  };
  const bool without = dies(false);
  if (without)
    CHECK(dies(true));
  else
    memory::say_skipped("core files");
  std::filesystem::remove_all(directory);
}
