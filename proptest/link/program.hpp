// What the two halves of the program share.
#pragma once

#include <cstddef>
#include <surefoot/surefoot.hpp>

namespace program {

// In both halves: the linker keeps one of them, and its entries with it.
inline surefoot::result<long> shared_load(const long* p) { return surefoot::try_load(p); }

// The second half's; it may be a shared object.
surefoot::result<long> load(const long* p);
surefoot::progress copy(void* dst, const void* src, std::size_t n);
surefoot::verdict store(int* p, int v);
surefoot::result<void> run(void (*f)(const long*) noexcept, const long* p);
surefoot::result<long> (*shared())(const long*);
int look_at_second(bool has_to_be_sorted);  // what is broken in the table of its image

// Nobody calls it. The linker drops it, with its entries, where it is told to collect garbage.
[[gnu::visibility("hidden")]] surefoot::result<long> not_called(const long* p);

}  // namespace program
