# surefoot_catch_tests(target): one ctest case for each TEST_CASE of a Catch2 2.x executable, labelled
# with the target's name.
#
# Why not catch_discover_tests: it reads the names into a CMake list, so a name with half an
# interval in it, "[0, n)", swallows all names that follow, in silence.

set(surefoot_catch_script "${CMAKE_CURRENT_LIST_DIR}/surefoot_catch_list.cmake")

function(surefoot_catch_tests target)
  set(tests "${CMAKE_CURRENT_BINARY_DIR}/${target}_tests.cmake")
  add_custom_command(TARGET ${target} POST_BUILD
    BYPRODUCTS "${tests}"
    COMMAND "${CMAKE_COMMAND}"
      "-Dprogram=$<TARGET_FILE:${target}>" "-Dlabel=${target}" "-Dtests=${tests}" "-Dtimeout=${SUREFOOT_TEST_TIMEOUT}"
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
