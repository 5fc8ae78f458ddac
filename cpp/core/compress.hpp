/// Compression of a whole dense matrix, once for a fit.
#pragma once

#include "kernels/batch.hpp"

namespace lamella {

/// starts (rows + 1): where each row's nonzeros begin.
void count_rows(const Source& source, std::int64_t* starts, int threads, const Poll& poll);

/// Columns and values of the nonzeros, row after row. Rows that have lost nonzeros since they were counted are filled up with zeros.
template <class I>
void compress_rows(const Source& source, const std::int64_t* starts, I* indices, float* values, int threads, const Poll& poll);

}  // namespace lamella
