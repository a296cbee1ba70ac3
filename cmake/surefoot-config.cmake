# What find_package(surefoot) reads. We depend on nothing, so the targets are all there is.
include("${CMAKE_CURRENT_LIST_DIR}/surefoot-targets.cmake")
