// Poison and the kernel's own hands: the signal that MADV_HWPOISON itself sends, and system calls that
// are given broken memory.
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "../unit/process.hpp"
#include "poisoned.hpp"

namespace {

using memory::page_size;
using poisoned::row;

constexpr int hwpoison = 100;  // MADV_HWPOISON

std::uint8_t* filled_page() {
  std::uint8_t* const p = poisoned::anonymous.make().begin;
  memory::fill(p, page_size);
  return p;
}

// What became of code that breaks a page, and what the owner before us heard of it.
struct broken {
  bool went_on = false;
  int answer = -1;
  const std::uint8_t* page = nullptr;
};

// Calls around(page, break it) in a child whose SIGBUS has had an owner before us.
template <class Around>
void check_reaches_the_owner(Around around) {
  const process::shared<broken> seen;
  const process::ending end = process::run([&] {
    process::owner<>::take(SIGBUS);
    (void)surefoot::install();
    std::uint8_t* const p = filled_page();
    seen->page = p;
    broken* const out = &*seen;
    around(p, [=]() noexcept { out->answer = ::madvise(p, page_size, hwpoison); });
    if (surefoot::try_load(p).stopped_by !=
        poisoned::fault_of<surefoot::engine::standard>(surefoot::access_kind::read, p))
      ::_exit(1);
  });
  CHECK(end.status == 0);
  CHECK(seen->answer == 0);
  const process::delivery& heard = process::ledger[0];
  CHECK(heard.calls == 1);
  CHECK(heard.info.si_code == BUS_MCEERR_AR);
  CHECK(heard.info.si_addr == seen->page);
  CHECK(heard.info.si_addr_lsb == 12);
}

}  // namespace

TEST_CASE("the signal of MADV_HWPOISON itself goes to the owner before us, also inside a guard") {
  if (!poisoned::offered()) return;
  check_reaches_the_owner([](std::uint8_t*, auto breaks) { breaks(); });
  check_reaches_the_owner([](std::uint8_t*, auto breaks) {
    if (!surefoot::guarded(breaks).ok()) ::_exit(2);
  });
  check_reaches_the_owner([](std::uint8_t* p, auto breaks) {
    if (!surefoot::guarded(p, page_size, breaks).ok()) ::_exit(2);
  });
  check_reaches_the_owner([](std::uint8_t* p, auto breaks) {
    const auto nested = [=]() noexcept { return surefoot::guarded(p, page_size, breaks).ok(); };
    if (!surefoot::guarded(nested).value_or(false)) ::_exit(2);
  });
}

TEST_CASE("try_handle says no to the signal of MADV_HWPOISON itself, also inside a guard") {
  if (!poisoned::offered()) return;
  // For a host that keeps its own handler.
  static const process::shared<int> taken, left;
  const process::ending end = process::run([&] {
    struct sigaction host {};
    host.sa_sigaction = [](int signal, siginfo_t* info, void* context) {
      ++*left;
      if (surefoot::try_handle(signal, info, context) == surefoot::handled::no) return;
      --*left;
      ++*taken;
    };
    host.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGBUS, &host, nullptr);
    (void)surefoot::install(surefoot::hosted);
    const auto breaks = [p = filled_page()]() noexcept {
      return ::madvise(p, page_size, hwpoison);
    };
    if (breaks() != 0) ::_exit(1);
    const auto inside = [p = filled_page()]() noexcept { ::madvise(p, page_size, hwpoison); };
    if (!surefoot::guarded(inside).ok()) ::_exit(2);
    if (*left != 2 || *taken != 0) ::_exit(3);
    const row land(poisoned::anonymous);
    if (surefoot::try_load(land.bad()).ok()) ::_exit(4);
  });
  CHECK(end.status == 0);
  CHECK(*left == 2);
  CHECK(*taken == 1);
}

// Measured on Linux 6.12: no signal comes. write(), read() and pipes say EFAULT, and process_vm_readv
// says it where already the first page is bad, else how many bytes of good pages came before.
// MADV_POPULATE_READ alone says EHWPOISON.
TEST_CASE("system calls refuse poison without a signal, also inside a guard") {
  if (!poisoned::offered()) return;
  const row land(poisoned::anonymous);
  std::uint8_t* const p = land.bad();
  int pipe[2] = {-1, -1};
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  const int zeros = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  REQUIRE(zeros >= 0);

  // The answer, or the error number with a minus.
  const auto calls = [=]() noexcept {
    struct answers {
      long write, write_across, read, copy, copy_across, copy_to, populate;
    } a{};
    const auto said = [](long answer) noexcept { return answer < 0 ? -errno : answer; };
    static std::uint8_t other[3 * page_size];
    iovec mine{other, sizeof other};
    const auto copied = [&](bool from, std::uint8_t* q) noexcept {
      iovec theirs{q, 2 * page_size};
      return said(from ? ::process_vm_readv(::getpid(), &mine, 1, &theirs, 1, 0)
                       : ::process_vm_writev(::getpid(), &mine, 1, &theirs, 1, 0));
    };
    a.write = said(::write(pipe[1], p + 10, 5));
    a.write_across = said(::write(pipe[1], p - 5, 10));
    a.read = said(::read(zeros, p + 10, 5));
    a.copy = copied(true, p);
    a.copy_across = copied(true, p - page_size);
    a.copy_to = copied(false, p);
    a.populate = said(::madvise(p, page_size, 22));  // MADV_POPULATE_READ
    return a;
  };
  const process::shared<decltype(calls())> seen[2];
  const process::ending end = process::run([&] {
    process::owner<>::take(SIGBUS);
    (void)surefoot::install();
    *seen[0] = calls();
    *seen[1] = surefoot::guarded(land.begin(), 3 * page_size, calls).value_or({});
  });
  CHECK(end.status == 0);
  CHECK(process::ledger[0].calls == 0);
  for (const auto& a : seen) {
    CHECK(a->write == -EFAULT);
    CHECK(a->write_across == -EFAULT);
    CHECK(a->read == -EFAULT);
    CHECK(a->copy == -EFAULT);
    CHECK(a->copy_across == static_cast<long>(page_size));
    CHECK(a->copy_to == -EFAULT);
    CHECK(a->populate == -EHWPOISON);
  }
  CHECK(land.intact());
  for (const int d : {pipe[0], pipe[1], zeros}) ::close(d);
}
