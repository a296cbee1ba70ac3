# The version stands in one place, include/surefoot/version.hpp; here it is read from there.
# Runs before project(), so the paths are relative to this file.

set(surefoot_version_header "${CMAKE_CURRENT_LIST_DIR}/../include/surefoot/version.hpp")
# A changed version must reach the package files without anybody thinking of it.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${surefoot_version_header}")

set(surefoot_version_parts "")
foreach(part MAJOR MINOR PATCH)
  file(STRINGS "${surefoot_version_header}" line
    REGEX "^#[ ]*define[ ]+SUREFOOT_VERSION_${part}[ ]+[0-9]+")
  if(NOT line MATCHES "SUREFOOT_VERSION_${part}[ ]+([0-9]+)")
    message(FATAL_ERROR "${surefoot_version_header}: no line '#define SUREFOOT_VERSION_${part} <number>'")
  endif()
  list(APPEND surefoot_version_parts "${CMAKE_MATCH_1}")
endforeach()
list(JOIN surefoot_version_parts "." surefoot_version)
