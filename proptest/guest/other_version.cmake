# from, to: copies a header, as another version has it.
cmake_minimum_required(VERSION 3.25)

file(READ "${from}" text)
if(from MATCHES "/version\\.hpp$")
  string(REGEX REPLACE "(SUREFOOT_VERSION_PATCH) [0-9]+" "\\1 77" changed "${text}")
  if(changed STREQUAL text)
    message(FATAL_ERROR "${from}: no line '#define SUREFOOT_VERSION_PATCH <number>'")
  endif()
  set(text "${changed}")
endif()
file(WRITE "${to}" "${text}")
