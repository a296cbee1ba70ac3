// Images that come with dlopen(RTLD_LOCAL), and what only such can show.
#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "cast.hpp"
#include "child.hpp"
#include "image.hpp"
#include "stage.hpp"
#include "surefoot/fault.hpp"

extern "C" const guest::image* guest_image_main();

namespace {

void* open_image(const std::string& file) {
  void* const opened =
      ::dlopen((GUEST_DIRECTORY "/libguest_" + file + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) {
    child::note(std::string(::dlerror()) + "\n");
    ::_exit(94);
  }
  return opened;
}

template <class F>
F* symbol(void* opened, const std::string& name) {
  void* const found = ::dlsym(opened, name.c_str());
  if (found == nullptr) {
    child::note(std::string(::dlerror()) + "\n");
    ::_exit(95);
  }
  return reinterpret_cast<F*>(found);
}

const guest::image* image_of(void* opened, const std::string& name) {
  return symbol<const guest::image*()>(opened, "guest_image_" + name)();
}
const guest::image* load(const std::string& name) { return image_of(open_image(name), name); }

std::vector<const guest::image*> three_in_one() {
  void* const opened = open_image("three");
  return {guest_image_main(), image_of(opened, "first"), image_of(opened, "second"),
          image_of(opened, "third")};
}

}  // namespace

namespace cast {

std::vector<company> companies() {
  return {
      {"default and hidden visibility", 3,
       [] {
         return std::vector{guest_image_main(), load("plain"), load("hidden")};
       }},
      {"two versions in one process", 3,
       [] {
         return std::vector{guest_image_main(), load("plain"), load("newer")};
       }},
      {"two versions and an option in one image", 4, three_in_one},
#ifdef GUEST_OTHER_COMPILER
      {"two compilers, hidden", 3,
       [] {
         return std::vector{guest_image_main(), load("hidden"), load("foreign_hidden")};
       }},
      {"two compilers and two versions, default visibility", 3,
       [] {
         return std::vector{guest_image_main(), load("foreign_plain"), load("newer")};
       }},
#endif
  };
}

}  // namespace cast

TEST_CASE("dlopened: the images are of two compilers") {
#ifdef GUEST_OTHER_COMPILER
  const std::string said = child::trouble_in([] {
    EXPECT(strcmp(load("foreign_hidden")->compiler, guest_image_main()->compiler) != 0);
    EXPECT(strcmp(load("foreign_plain")->compiler, guest_image_main()->compiler) != 0);
  });
  CHECK(said == "");
#else
  std::puts("SKIPPED: images of two compilers: needs both g++ and clang++");
#endif
}

TEST_CASE("dlopened: versions and options in one process and in one image stay apart") {
  const std::string said = child::trouble_in([] {
    const std::vector all = three_in_one();
    const std::vector others = {all[0], all[1], all[2], all[3], load("newer"), load("plain")};
    EXPECT(strcmp(all[0]->abi, all[1]->abi) == 0);
    EXPECT(strcmp(all[1]->abi, all[2]->abi) != 0);
    EXPECT(strcmp(all[1]->abi, all[3]->abi) != 0);
    EXPECT(strcmp(all[2]->abi, all[3]->abi) != 0);
    EXPECT(strcmp(all[0]->abi, others[4]->abi) != 0);
    for (const guest::image* const a : others) {
      EXPECT(a->table_begin() < a->table_end());
      for (const guest::image* const b : others) {
        if (a == b) continue;
        EXPECT(a->record() != b->record());
        EXPECT(a->table_end() <= b->table_begin() || b->table_end() <= a->table_begin());
      }
    }
  });
  CHECK(said == "");
}

TEST_CASE("dlopened: behind each handler stands the header by which all versions find its record") {
  // Byte for byte as arch/header.hpp has it: another version, built years ago, looks for it.
  const std::string said = child::trouble_in([] {
    std::vector all = three_in_one();
    all.push_back(load("newer"));
    all.push_back(load("hidden"));
    for (const guest::image* const i : all) {
      child::at = i->name;
      EXPECT(i->install());
      struct sigaction a {};
      ::sigaction(SIGSEGV, nullptr, &a);
      const auto entry = reinterpret_cast<std::uintptr_t>(a.sa_sigaction);
      const auto at_distance = [](const char* from) {
        std::int32_t distance = 0;
        memcpy(&distance, from, sizeof distance);
        return from + distance;
      };
      const void* record = nullptr;
      std::uint32_t number = 99;
      for (std::uintptr_t at = (entry + 15) / 16 * 16; at + 28 <= entry + 64; at += 16) {
        const auto* const header = reinterpret_cast<const char*>(at);
        if (memcmp(header, "surefoot.image.3", 16) != 0) continue;
        EXPECT(reinterpret_cast<std::uintptr_t>(at_distance(header + 16)) == entry);
        record = at_distance(header + 20);
        memcpy(&number, header + 24, sizeof number);
        break;
      }
      EXPECT(record == i->record());
      EXPECT(number == 0);  // of an image that registered for the first time
    }
  });
  CHECK(said == "");
}

TEST_CASE("dlopened: functions that return the library's types are found by dlsym") {
  std::vector<std::string> files = {"hidden", "plain"};
#ifdef GUEST_OTHER_COMPILER
  files.push_back("foreign_hidden");
  files.push_back("foreign_plain");
#endif
  for (const std::string& file : files) {
    const std::string said = child::trouble_in([&] {
      void* const opened = open_image(file);
      // A function's return type is no part of its name.
      const auto mangled = [&](const char* name, const char* arguments) {
        const std::string full = std::string(name) + "_" + file;
        return "_ZN5guest" + std::to_string(full.size()) + full + "E" + arguments;
      };
      auto* const touch =
          symbol<surefoot::progress(const void*, std::size_t)>(opened, mangled("touch", "PKvm"));
      auto* const writeable =
          symbol<surefoot::verdict(void*, std::size_t)>(opened, mangled("writeable", "Pvm"));
      auto* const load_int =
          symbol<surefoot::result<int>(const int*)>(opened, mangled("load_int", "PKi"));
      stage::bad_memory bad;
      int good = 42;
      EXPECT(touch(&good, sizeof good).all());
      EXPECT(touch(bad.denied, 8).stopped_by.kind == surefoot::cause::denied);
      EXPECT(static_cast<bool>(writeable(&good, sizeof good)));
      // A write probe that a load would be refused as well: arm64 says why the load is.
#if defined(__aarch64__)
      constexpr auto why = surefoot::cause::no_backing;
#else
      constexpr auto why = surefoot::cause::denied;
#endif
      EXPECT(writeable(bad.past_end, 8).stopped_by.kind == why);
      EXPECT(load_int(&good).value() == 42);
      const auto* const past_end = reinterpret_cast<const int*>(bad.past_end);
      EXPECT(load_int(past_end).stopped_by.kind == surefoot::cause::no_backing);
      EXPECT(load_int(past_end).stopped_by.address == past_end);
    });
    INFO(file);
    CHECK(said == "");
  }
}

namespace {

// Behaves like a loaded image whose user has had enough of it, then lets it go.
const guest::image* used_and_closed(const std::string& name, bool pins, long* bad) {
  void* const opened = open_image(name);
  const guest::image* const i = image_of(opened, name);
  EXPECT(i->install());
  if (pins) EXPECT(i->pin());
  EXPECT(!i->load(bad).ok);
  EXPECT(::dlclose(opened) == 0);
  return i;
}

}  // namespace

TEST_CASE("dlopened: an image that was closed after nodelete or pin still answers") {
  for (const bool pins : {false, true}) {
    const std::string said = child::trouble_in([&] {
      stage::previous::own_both_signals();
      stage::bad_memory bad;
      const std::string name = pins ? "pinning" : "nodelete";
      child::at = name;
      const guest::image* const gone = used_and_closed(name, pins, bad.denied);
      EXPECT(gone->installed() == 2);
      for (long* const p : bad.both) {
        const guest::answer a = gone->load_by_table(p);
        EXPECT(!a.ok && a.address == p);
        EXPECT(!gone->run(stage::read_there, p).ok);
      }
      stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
      // The next one finds it.
      const guest::image* const main = guest_image_main();
      EXPECT(main->install());
      EXPECT(!main->load(bad.denied).ok && !gone->load(bad.denied).ok);
      stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    });
    INFO(pins);
    CHECK(said == "");
  }
}

TEST_CASE("dlopened: an image without nodelete or pin does go, so the test above can fail") {
  const std::string said = child::trouble_in([] {
    void* const opened = open_image("pinning");
    EXPECT(::dlclose(opened) == 0);
    EXPECT(::dlopen(GUEST_DIRECTORY "/libguest_pinning.so", RTLD_NOLOAD | RTLD_NOW) == nullptr);
    void* const stays = open_image("nodelete");
    EXPECT(::dlclose(stays) == 0);
    EXPECT(::dlopen(GUEST_DIRECTORY "/libguest_nodelete.so", RTLD_NOLOAD | RTLD_NOW) != nullptr);
  });
  CHECK(said == "");
}

namespace {

// A handler in the last bytes of a mapping, nothing readable behind it: it jumps to `to`.
using handler = void (*)(int, siginfo_t*, void*);
handler at_the_end_of_a_mapping(handler to, std::size_t bytes_before_the_end) {
  auto* const p = static_cast<unsigned char*>(
      ::mmap(nullptr, 2 * stage::page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (p == MAP_FAILED) ::_exit(96);
  unsigned char* const code = p + stage::page - bytes_before_the_end;
  const auto address = reinterpret_cast<std::uint64_t>(to);
#if defined(__aarch64__)
  // ldr x16, .+8; br x16; the address.
  const std::uint32_t instructions[] = {0x58000050, 0xd61f0200};
  memcpy(code, instructions, 8);
  memcpy(code + 8, &address, 8);
#else
  // movabs $to, %rax; jmp *%rax
  code[0] = 0x48;
  code[1] = 0xb8;
  memcpy(code + 2, &address, 8);
  code[10] = 0xff;
  code[11] = 0xe0;
#endif
  __builtin___clear_cache(reinterpret_cast<char*>(code), reinterpret_cast<char*>(p + stage::page));
  if (::mprotect(p, stage::page, PROT_READ | PROT_EXEC) != 0) ::_exit(97);
  // Not unmapped: another mapping might come there.
  if (::mprotect(p + stage::page, stage::page, PROT_NONE) != 0) ::_exit(98);
  return reinterpret_cast<handler>(reinterpret_cast<std::uintptr_t>(code));
}

// Replaces the handlers by stubs at the end of a mapping that lead to them.
void put_at_the_end_of_a_mapping(std::size_t bytes_before_the_end) {
  for (const int signal : {SIGSEGV, SIGBUS}) {
    struct sigaction a {};
    ::sigaction(signal, nullptr, &a);
    a.sa_sigaction = at_the_end_of_a_mapping(a.sa_sigaction, bytes_before_the_end);
    ::sigaction(signal, &a, nullptr);
  }
}

// Passes on to the handler before it, and does not let the signal in meanwhile: no SA_NODEFER.
struct sigaction passed_on_to[2];
void pass_on(int signal, siginfo_t* info, void* ucontext) {
  passed_on_to[signal == SIGBUS ? 1 : 0].sa_sigaction(signal, info, ucontext);
}

}  // namespace

TEST_CASE("dlopened: a foreign handler at the very end of a mapping is displaced and reached") {
#if defined(__aarch64__)
  constexpr std::size_t distances[] = {16, 20, 28, 48, 60};
#else
  constexpr std::size_t distances[] = {12, 16, 20, 28, 48, 63};
#endif
  for (const std::size_t before_the_end : distances) {
    const std::string said = child::trouble_in([&] {
      stage::previous::own_both_signals();
      put_at_the_end_of_a_mapping(before_the_end);
      stage::bad_memory bad;
      for (const guest::image* const i : {guest_image_main(), load("plain"), load("hidden")}) {
        EXPECT(i->install());
        EXPECT(!i->load(bad.denied).ok);
        stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
      }
    });
    INFO(before_the_end);
    CHECK(said == "");
  }
}

TEST_CASE("dlopened: it is reached also from an owner that blocks the signal and passes it on") {
  const std::string said = child::trouble_in([] {
    stage::previous::own_both_signals();
    put_at_the_end_of_a_mapping(16);
    stage::bad_memory bad;
    EXPECT(guest_image_main()->install());
    struct sigaction a {};
    a.sa_sigaction = pass_on;
    a.sa_flags = SA_SIGINFO;
    ::sigaction(SIGSEGV, &a, &passed_on_to[0]);
    ::sigaction(SIGBUS, &a, &passed_on_to[1]);
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
  });
  CHECK(said == "");
}
