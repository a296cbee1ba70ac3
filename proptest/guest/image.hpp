// What an image of these tests lets others call. Plain types only, so that images with different
// versions of the library understand each other.
#pragma once

#include <signal.h>

#include <cstddef>

namespace guest {

struct answer {
  bool ok;
  long value;
  int kind;                      // a surefoot::cause
  const volatile void* address;  // where it was stopped
  std::size_t done;              // bytes, of a copy
};

using callback = void (*)(void*) noexcept;

struct image {
  const char* name;
  const char* compiler;
  const char* abi;  // the inline namespace

  answer (*load)(const long*);  // with the default engine
  answer (*load_by_table)(const long*);
  answer (*load_by_jump)(const long*);
  answer (*copy)(void* dst, const void* src, std::size_t n);
  answer (*run)(callback f, void* argument);  // guarded, for any fault
  answer (*run_within)(const void* p, std::size_t n, callback f, void* argument);

  bool (*install)();   // does it own both signals afterwards?
  int (*installed)();  // how many of the two signals it owns
  int (*uninstall)();  // how many of them it gave back
  void* (*exchange_guard)(void* next);
  bool (*pin)();

  const void* (*table_begin)();
  const void* (*table_end)();
  const void* (*record)();
};

}  // namespace guest
