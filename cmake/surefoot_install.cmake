# `cmake --install`: the headers, the exported targets, and a version file that refuses what we are not.

include(CMakePackageConfigHelpers)

# The same place on every architecture: headers do not depend on one.
set(surefoot_package_dir "share/cmake/surefoot")

install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/include/" DESTINATION include
  FILES_MATCHING PATTERN "*.hpp")
install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/LICENSE" DESTINATION share/doc/surefoot)
install(TARGETS surefoot surefoot_pinned EXPORT surefoot-targets)
install(EXPORT surefoot-targets NAMESPACE surefoot:: DESTINATION "${surefoot_package_dir}")

# Before 1.0 each minor version may change what a program sees: 0.1 is not satisfied by 0.2.
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/surefoot-config-version.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  "${CMAKE_CURRENT_SOURCE_DIR}/cmake/surefoot-config.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/surefoot-config-version.cmake"
  DESTINATION "${surefoot_package_dir}")

# For those who build without CMake: `pkg-config --cflags surefoot`, and for shared objects that install a handler
# `pkg-config --libs surefoot-pinned`. Relative to where the file is, so that the tree can be moved.
foreach(package surefoot surefoot-pinned)
  configure_file("${CMAKE_CURRENT_SOURCE_DIR}/cmake/${package}.pc.in" "${CMAKE_CURRENT_BINARY_DIR}/${package}.pc" @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${package}.pc" DESTINATION share/pkgconfig)
endforeach()
