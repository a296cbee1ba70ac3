// A clock that is read without a system call: none that serves. The counter may tick once in 40 ns, which does not
// tell a fault from a load; and where pages have tags, that a page is there does not answer for its granules.
#pragma once

#include <surefoot/arch/generic/clock.hpp>
