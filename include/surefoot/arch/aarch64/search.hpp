// Searches on aarch64: no steps of vectors so far (engine/search.hpp); what is searched is copied first.
#pragma once

#include <surefoot/arch/generic/search.hpp>
