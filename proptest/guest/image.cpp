// One image: the library, and everything of it that another image may ask for. Compiled once for
// each executable and shared object of these tests:
//
//   GUEST_NAME        the image's name; it exports guest_image_<name>() and exports.hpp's functions
//   GUEST_HIDDEN      this file is compiled with -fvisibility=hidden, and says itself what is to be
//                     seen; otherwise it says nothing
#include "image.hpp"

#include <surefoot/engine/table.hpp>
#include <surefoot/surefoot.hpp>

#include "exports.hpp"

namespace {

template <class R>
guest::answer told(const R& r) noexcept {
  return {.ok = r.ok(),
          .value = r.value_or(0),
          .kind = static_cast<int>(r.stopped_by.kind),
          .address = r.stopped_by.address,
          .done = 0};
}
guest::answer told(const surefoot::result<void>& r) noexcept {
  return {.ok = r.ok(),
          .value = 0,
          .kind = static_cast<int>(r.stopped_by.kind),
          .address = r.stopped_by.address,
          .done = 0};
}

guest::answer load(const long* p) { return told(surefoot::try_load(p)); }
guest::answer load_by_table(const long* p) {
  return told(surefoot::try_load(p, surefoot::engine::table{}));
}
guest::answer load_by_jump(const long* p) {
  return told(surefoot::try_load(p, surefoot::engine::jump{}));
}
guest::answer copy(void* dst, const void* src, std::size_t n) {
  const surefoot::progress p = surefoot::try_copy(dst, src, n);
  return {.ok = p.all(),
          .value = 0,
          .kind = static_cast<int>(p.stopped_by.kind),
          .address = p.stopped_by.address,
          .done = p.done};
}
guest::answer run(guest::callback f, void* argument) {
  return told(surefoot::guarded([=]() noexcept { f(argument); }));
}
guest::answer run_within(const void* p, std::size_t n, guest::callback f, void* argument) {
  return told(surefoot::guarded(p, n, [=]() noexcept { f(argument); }));
}

int count(surefoot::for_each_signal s) { return (s.segv ? 1 : 0) + (s.bus ? 1 : 0); }
bool install() {
  (void)surefoot::install();
  return surefoot::installed().both();
}
int installed() { return count(surefoot::installed()); }
int uninstall() { return count(surefoot::uninstall()); }
void* exchange_guard(void* next) { return surefoot::exchange_guard({next}).innermost; }
bool pin() { return surefoot::pin() == surefoot::pinned::yes; }

const void* table_begin() { return surefoot::arch::table_begin(); }
const void* table_end() { return surefoot::arch::table_end(); }
const void* record() { return &surefoot::signals::this_image; }

#define GUEST_TEXT_(x) #x
#define GUEST_TEXT(x) GUEST_TEXT_(x)
#ifdef __clang__
#define GUEST_COMPILER "clang"
#else
#define GUEST_COMPILER "gcc"
#endif

constexpr guest::image self{GUEST_TEXT(GUEST_NAME),
                            GUEST_COMPILER,
                            GUEST_TEXT(SUREFOOT_DETAIL_VERSIONED),
                            load,
                            load_by_table,
                            load_by_jump,
                            copy,
                            run,
                            run_within,
                            install,
                            installed,
                            uninstall,
                            exchange_guard,
                            pin,
                            table_begin,
                            table_end,
                            record};

}  // namespace

extern "C" GUEST_EXPORT const guest::image* GUEST_NAMED(guest_image, GUEST_NAME)() { return &self; }

namespace guest {

surefoot::progress GUEST_NAMED(touch, GUEST_NAME)(const void* p, std::size_t n) {
  return surefoot::fault_in_readable(p, n);
}
surefoot::verdict GUEST_NAMED(writeable, GUEST_NAME)(void* p, std::size_t n) {
  return surefoot::ensure_writeable(p, n);
}
surefoot::result<int> GUEST_NAMED(load_int, GUEST_NAME)(const int* p) {
  return surefoot::try_load(p);
}

}  // namespace guest
