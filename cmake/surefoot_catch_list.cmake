# Run after each link: asks the program for its test cases and writes them down for ctest.
# program: the executable; tests: the file to write; timeout: seconds for one test; label: the tests';
# emulator: what runs a program of another machine, with its arguments; empty for one of this machine;
# lacks: files that say which tests cannot run there (toolchain/qemu_user.txt), or nothing.

cmake_minimum_required(VERSION 3.25)

# The exit status is the number of test cases (modulo 256), so it says nothing.
execute_process(COMMAND ${emulator} "${program}" --list-test-names-only
  OUTPUT_VARIABLE names RESULT_VARIABLE status)
if(NOT status MATCHES "^[0-9]+$")
  message(FATAL_ERROR "${program} --list-test-names-only: ${status}")
endif()

# Characters that would make or break a CMake list get a stand-in until the name is written.
string(ASCII 1 open)
string(ASCII 2 close)
string(ASCII 3 semicolon)
string(ASCII 4 backslash)
string(REPLACE "[" "${open}" names "${names}")
string(REPLACE "]" "${close}" names "${names}")
string(REPLACE ";" "${semicolon}" names "${names}")
string(REPLACE "\\" "${backslash}" names "${names}")
string(REGEX REPLACE "\n+" ";" names "${names}")

set(command "")
foreach(part IN LISTS emulator)
  string(APPEND command "[==[${part}]==] ")
endforeach()
string(APPEND command "[==[${program}]==]")

set(lacking "")
foreach(file IN LISTS lacks)
  file(STRINGS "${file}" lines REGEX "^[^#]")
  list(APPEND lacking ${lines})
endforeach()

set(script "")
set(seen "")
foreach(name IN LISTS names)
  if(name STREQUAL "")
    continue()
  endif()
  string(REPLACE "${open}" "[" plain "${name}")
  string(REPLACE "${close}" "]" plain "${plain}")
  string(REPLACE "${semicolon}" ";" plain "${plain}")
  string(REPLACE "${backslash}" "\\" plain "${plain}")
  # These mean something to Catch2 that cannot be escaped: another test, or none, would run.
  if(plain MATCHES "^[ ~*\"]|^exclude:|[ *\"]$|]==]")
    message(FATAL_ERROR "Catch2 cannot select the test case '${plain}' by its name: choose another name")
  endif()
  if(name IN_LIST seen)
    message(FATAL_ERROR "two test cases are named '${plain}'")
  endif()
  list(APPEND seen "${name}")
  set(needs "")
  foreach(line IN LISTS lacking)
    string(FIND "${line}" ": " colon)
    math(EXPR behind "${colon} + 2")
    string(SUBSTRING "${line}" ${behind} -1 pattern)
    if(plain MATCHES "${pattern}")
      string(SUBSTRING "${line}" 0 ${colon} needs)
      break()
    endif()
  endforeach()
  if(NOT needs STREQUAL "")
    string(APPEND script
      "add_test([==[${plain}]==] [==[${CMAKE_COMMAND}]==] -E echo [==[SKIPPED: ${plain}: needs ${needs}]==])\n"
      "set_tests_properties([==[${plain}]==] PROPERTIES LABELS [==[${label}]==])\n")
    continue()
  endif()

  # NoTests: a name that selects nothing would otherwise count as passed.
  string(REGEX REPLACE "([][\\,\"])" "\\\\\\1" selector "${plain}")
  string(APPEND script
    "add_test([==[${plain}]==] ${command} [==[${selector}]==] --warn NoTests)\n"
    "set_tests_properties([==[${plain}]==] PROPERTIES TIMEOUT ${timeout} LABELS [==[${label}]==])\n")
endforeach()
if(seen STREQUAL "")
  message(FATAL_ERROR "${program} has no test cases")
endif()
file(WRITE "${tests}" "${script}")
