/// @file
/// The one place that says which version this is. CMake, the inline namespace and the name of the
/// exception table's section are all made from these three numbers.
#pragma once

/// The first number of the version.
#define SUREFOOT_VERSION_MAJOR 0
/// The second; before 1.0 each may change what a program sees.
#define SUREFOOT_VERSION_MINOR 1
/// The third.
#define SUREFOOT_VERSION_PATCH 0
