// The one place that says which version this is. CMake, the inline namespace and the name of the
// exception table's section are all made from these three numbers.
#pragma once

#define SUREFOOT_VERSION_MAJOR 0
#define SUREFOOT_VERSION_MINOR 1
#define SUREFOOT_VERSION_PATCH 0
