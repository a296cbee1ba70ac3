// The name of the exception table's section, as text for the assembler and as names for the linker. It
// carries the version and the options: tables of two versions in one image stay apart.
#pragma once

#include <surefoot/config.hpp>

#define SUREFOOT_DETAIL_TEXT_(x) #x
#define SUREFOOT_DETAIL_TEXT(x) SUREFOOT_DETAIL_TEXT_(x)
#define SUREFOOT_DETAIL_TABLE_(prefix, tag) prefix##_##tag
#define SUREFOOT_DETAIL_TABLE(prefix, tag) SUREFOOT_DETAIL_TABLE_(prefix, tag)
#define SUREFOOT_DETAIL_SECTION SUREFOOT_DETAIL_TABLE(surefoot_table, SUREFOOT_DETAIL_VERSIONED)
#define SUREFOOT_DETAIL_START \
  SUREFOOT_DETAIL_TABLE(__start_surefoot_table, SUREFOOT_DETAIL_VERSIONED)
#define SUREFOOT_DETAIL_STOP SUREFOOT_DETAIL_TABLE(__stop_surefoot_table, SUREFOOT_DETAIL_VERSIONED)
