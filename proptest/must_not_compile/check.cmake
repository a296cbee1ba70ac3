# One case: source, object (where to put it), compiler, flags. See CMakeLists.txt for its form.

cmake_minimum_required(VERSION 3.25)

file(STRINGS "${source}" first LIMIT_COUNT 1)
if(NOT first MATCHES "^// expect: (.+)$")
  message(FATAL_ERROR "${source}: the first line must be '// expect: <regular expression>'")
endif()
set(expected "${CMAKE_MATCH_1}")

# Messages in one language, whatever the user's.
set(ENV{LC_ALL} C)
set(compile "${compiler}" ${flags} -c "${source}" -o "${object}")

execute_process(COMMAND ${compile} RESULT_VARIABLE status ERROR_VARIABLE message)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${source}: does not compile without -DBAD, so a failure with it proves nothing:\n${message}")
endif()

execute_process(COMMAND ${compile} -DBAD RESULT_VARIABLE status ERROR_VARIABLE message)
if(status EQUAL 0)
  message(FATAL_ERROR "${source}: compiles with -DBAD")
endif()
if(message MATCHES "No such file or directory|file not found")
  message(FATAL_ERROR "${source}: fails for a missing header only:\n${message}")
endif()
# The file's own name is no reason.
string(REPLACE "${source}" "" words "${message}")
if(NOT words MATCHES "${expected}")
  message(FATAL_ERROR "${source}: refused, but not for the reason '${expected}':\n${message}")
endif()
message(STATUS "refused: ${CMAKE_MATCH_0}")
