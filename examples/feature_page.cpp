// feature_page: is there a page at this fixed address, and what does it offer?
//
// A powerpc guest of KVM asks its host to map a "magic page" at a fixed address, touches it, and from then
// on uses it in place of privileged instructions. kvm_use_magic_page() had the test the wrong way round:
// fault_in_pages_readable() is an int, 0 where all is well, and reads like "was it?". So the guest gave the
// page up where it was there. Right is one guarded load, whose answer is no bool and holds what it read.
//
//   feature_page [ADDRESS]   where the page is looked for, hexadecimal (40000000)
#include <sys/mman.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>

namespace {

using surefoot::try_load;

constexpr std::size_t page = surefoot::engine::standard::page_size();

// What stands at its beginning. Eight bytes: one instruction loads all of it.
struct header {
  std::uint32_t magic;
  std::uint32_t features;
};
constexpr std::uint32_t magic = 0x736f6674;

// 0 where there is no such page.
std::uint32_t features_at(const volatile void* p) {
  const surefoot::result<header> there = try_load<header>(p);
  if (!there.ok() || there.value().magic != magic) return 0;
  return there.value().features;
}

// The old question, with the old answer; and how it was asked.
int fault_in_pages_readable(const volatile void* p) { return try_load<char>(p).ok() ? 0 : -EFAULT; }
bool is_used_by_the_old_guest(const volatile void* p) { return !!fault_in_pages_readable(p); }

bool map(void* at, int protection) {
  return ::mmap(at, page, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at;
}

bool as_expected = true;

// A row for the page as it is now. `offered` is what the program should find there.
void show(const char* what, const volatile void* at, std::uint32_t offered) {
  const bool old_uses = is_used_by_the_old_guest(at);
  const std::uint32_t features = features_at(at);
  const surefoot::result<header> there = try_load<header>(at);
  std::printf("%-26s old guest: %-12s try_load: %-13s features %#x\n", what,
              old_uses ? "uses it" : "gives it up", surefoot::name(there.stopped_by.kind),
              features);
  as_expected &= features == offered && old_uses == !there.ok();
}

// A page-aligned address, in hexadecimal; 0 where it is none.
std::uintptr_t address(const char* text) {
  std::uintptr_t n = 0;
  if (std::strncmp(text, "0x", 2) == 0) text += 2;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n, 16);
  return error == std::errc{} && *end == '\0' && n % page == 0 ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uintptr_t where = argc > 1 ? address(argv[1]) : 0x4000'0000;
  if (argc > 2 || where == 0) {
    std::fputs("usage: feature_page [ADDRESS], of a page, hexadecimal (40000000)\n", stderr);
    return 2;
  }
  void* const fixed = reinterpret_cast<void*>(where);
  // Ours from here on, if nobody has something there.
  if (::mmap(fixed, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
      fixed)
    return std::perror("feature_page: mmap"), 3;

  ::munmap(fixed, page);
  show("nothing is mapped", fixed, 0);
  if (!map(fixed, PROT_NONE)) return std::perror("feature_page: mmap"), 3;
  show("mapped, without access", fixed, 0);
  if (!map(fixed, PROT_READ | PROT_WRITE)) return std::perror("feature_page: mmap"), 3;
  std::memset(fixed, 'x', page);
  show("another program's data", fixed, 0);
  const header offered{magic, 0b101};
  std::memcpy(fixed, &offered, sizeof offered);
  show("the page", fixed, offered.features);

  std::printf("kvm_use_magic_page | one guarded load | try_load | - | 1 | %zu\n", sizeof(header));
  return as_expected ? 0 : 1;
}
