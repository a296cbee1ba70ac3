// Catch2's main, alone because it takes 15 seconds to compile.
//
// Catch2 2.x takes SIGSEGV around every test case; a handler installed in the first case would be
// gone in the second. This keeps it from doing so.
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
