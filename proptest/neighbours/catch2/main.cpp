// Catch2's main as it is by itself, with its handlers; alone because it takes 15 seconds to compile.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
