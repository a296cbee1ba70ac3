# surefoot_own(target...): what each program, test and example of this repository is built with.
# Warnings are errors here and nowhere else.

set(surefoot_warnings
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror)

function(surefoot_own)
  foreach(target IN LISTS ARGN)
    target_compile_options(${target} PRIVATE ${surefoot_warnings})
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    target_link_libraries(${target} PRIVATE surefoot::surefoot)
  endforeach()
endfunction()
