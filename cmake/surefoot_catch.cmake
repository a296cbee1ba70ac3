# surefoot_catch_tests(target): one ctest case for each TEST_CASE of a Catch2 2.x executable, with the
# target's name as its label.
#
# surefoot_catch_program(name SOURCES a.cpp b.cpp LIBRARIES ...): one such executable of several
# sources, each of which stands for itself. And name_static, of the same objects, where it is asked for
# (./run vm: a machine with nothing but tests in it).
#
# Why not catch_discover_tests: it reads the names into a CMake list, so a name with half an
# interval in it, "[0, n)", swallows all names that follow, in silence.

option(SUREFOOT_TESTS_APART
  "Make a program of each source of tests, NAME_a and NAME_b: who breaks a header compiles one of them" OFF)

set(surefoot_catch_script "${CMAKE_CURRENT_LIST_DIR}/surefoot_catch_list.cmake")

function(surefoot_catch_tests target)
  set(tests "${CMAKE_CURRENT_BINARY_DIR}/${target}_tests.cmake")
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS
    "${surefoot_catch_script}" ${surefoot_emulator_lacks})
  add_custom_command(TARGET ${target} POST_BUILD
    BYPRODUCTS "${tests}"
    COMMAND "${CMAKE_COMMAND}"
      "-Dprogram=$<TARGET_FILE:${target}>" "-Dtests=${tests}" "-Dtimeout=${SUREFOOT_TEST_TIMEOUT}"
      "-Dlabel=${target}" "-Demulator=${CMAKE_CROSSCOMPILING_EMULATOR}"
      "-Dlacks=${surefoot_emulator_lacks}"
      -P "${surefoot_catch_script}"
    VERBATIM)

  # A program that was not built is a failed test, never a missing one.
  set(include "${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake")
  file(WRITE "${include}" "if(EXISTS [==[${tests}]==])
  include([==[${tests}]==])
else()
  add_test(${target}_was_not_built ${target}_was_not_built)
  set_tests_properties(${target}_was_not_built PROPERTIES LABELS ${target})
endif()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include}")
endfunction()

# Catch2's header is compiled once for all of them: CMake puts it in front of each source.
function(surefoot_catch_precompiled)
  if(TARGET catch_precompiled)
    return()
  endif()
  # A program, so that it is compiled as they are (-fPIE).
  set(source "${PROJECT_BINARY_DIR}/catch_precompiled.cpp")
  file(GENERATE OUTPUT "${source}" CONTENT "int main() {}\n")
  add_executable(catch_precompiled EXCLUDE_FROM_ALL "${source}")
  surefoot_own(catch_precompiled)
  target_link_libraries(catch_precompiled PRIVATE Catch2::Catch2)
  target_precompile_headers(catch_precompiled PRIVATE <catch2/catch.hpp>)
endfunction()

function(surefoot_catch_program name)
  surefoot_catch_precompiled()
  cmake_parse_arguments(PARSE_ARGV 1 with "" "" "SOURCES;LIBRARIES")
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
    # The tests' own atomics of a byte: g++ 12 has none there.
    list(APPEND with_LIBRARIES atomic)
    # libc's ucontext_t ends with an array without size there, and a fiber has two.
    set_property(SOURCE ${with_SOURCES} APPEND PROPERTY COMPILE_OPTIONS -Wno-pedantic)
  endif()
  list(LENGTH with_SOURCES count)
  if(NOT SUREFOOT_TESTS_APART OR count EQUAL 1)
    add_executable(${name} ${with_SOURCES})
    set(programs ${name})
  else()
    foreach(source IN LISTS with_SOURCES)
      cmake_path(GET source STEM stem)
      add_executable(${name}_${stem} ${source})
      list(APPEND programs ${name}_${stem})
    endforeach()
  endif()
  foreach(program IN LISTS programs)
    surefoot_own(${program})
    # Catch2::Catch2 is imported, so CMake passes its headers as system ones: no warnings from there.
    target_link_libraries(${program} PRIVATE Catch2::Catch2 Threads::Threads ${with_LIBRARIES})
    target_precompile_headers(${program} REUSE_FROM catch_precompiled)
    surefoot_catch_tests(${program})
    surefoot_static_twin(${program} Catch2::Catch2 Threads::Threads ${with_LIBRARIES})
  endforeach()
endfunction()
