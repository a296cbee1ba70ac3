# The part that both ways in share. Expects the targets to be there.

# A flag here would change how users compile their own code.
foreach(target surefoot::surefoot surefoot::pinned)
  foreach(property COMPILE_OPTIONS COMPILE_DEFINITIONS)
    get_target_property(leaked ${target} INTERFACE_${property})
    if(leaked)
      message(FATAL_ERROR "${target} passes on ${property}: ${leaked}")
    endif()
  endforeach()
endforeach()

# No CMAKE_CXX_STANDARD: the language level is what the target asks for.
add_executable(program "${CMAKE_CURRENT_LIST_DIR}/main.cpp")
target_link_libraries(program PRIVATE surefoot::surefoot)
add_test(NAME program COMMAND program)

add_library(plugin MODULE "${CMAKE_CURRENT_LIST_DIR}/plugin.cpp")
target_link_libraries(plugin PRIVATE surefoot::pinned)
add_test(NAME pinned_is_never_unloaded COMMAND readelf --dynamic "$<TARGET_FILE:plugin>")
set_tests_properties(pinned_is_never_unloaded PROPERTIES PASS_REGULAR_EXPRESSION "NODELETE")
