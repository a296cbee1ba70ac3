/// @file
/// surefoot: touch memory whose fate you do not own, and come back with an answer instead of a
/// crash.
///
///   try_load, try_store                     one value
///   try_exchange, try_fetch_add, ...        one value that others change too
///   try_copy, try_gather, try_scatter       bytes; exactly `done` of them are written
///   try_fill, try_zero                      the same byte many times
///   try_length, try_find, try_compare,
///   try_copy_string                         strings
///   salvage, find_holes, heal               what can be copied; what cannot; zeros for what is lost
///   fault_in_readable, fault_in_writeable   "can I make some progress here?"
///   ensure_readable, ensure_writeable       "can I access every byte?"
///   resume, restart                         the retry loops, each with its question
///   guarded                                 arbitrary code
///   install, uninstall, installed, ...      the signal handler, where its moment matters
///
/// Everything but the testing kit. README.md beside this file is the map of the house.
#pragma once

#include <surefoot/engine/models.hpp>
#include <surefoot/ensure_accessible.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/fault_in.hpp>
#include <surefoot/find_holes.hpp>
#include <surefoot/guarded.hpp>
#include <surefoot/handler.hpp>
#include <surefoot/heal.hpp>
#include <surefoot/loop.hpp>
#include <surefoot/range.hpp>
#include <surefoot/salvage.hpp>
#include <surefoot/try_atomic.hpp>
#include <surefoot/try_copy.hpp>
#include <surefoot/try_fill.hpp>
#include <surefoot/try_gather.hpp>
#include <surefoot/try_string.hpp>
#include <surefoot/try_value.hpp>
#include <surefoot/version.hpp>
