/// A wide matrix cut into panels of columns, which lie one behind the other.
#pragma once

#include <algorithm>

#include "simd.hpp"

namespace lamella {

/// Registers of a panel's row, and of a strip of compressed products: one visit to an entry then pays for all of them.
inline constexpr int kPanelRegisters = 8;

/// `width` columns a panel, the last may have fewer; each is row-major. A narrow matrix or a vector is one panel, which is
/// found without a division: steps of small networks take as long as some tens of them.
template <class T>
struct BasicPanels {
    T* data = nullptr;
    Index rows = 0, cols = 0, stride = 0, width = 0;

    Index count() const { return cols <= width ? Index(cols > 0) : (cols + width - 1) / width; }
    BasicView<T> operator[](Index panel) const {
        const Index first = panel * width, mine = std::min(width, cols - first);
        return {data + first * rows, rows, mine, mine < width ? padded(mine) : stride};
    }
    /// Columns of one panel.
    BasicView<T> middle_cols(Range part) const {
        const Index panel = part.first < width ? 0 : part.first / width;
        return (*this)[panel].middle_cols(part.first - panel * width, part.count());
    }
    T& at(Index row, Index col) const { return (*this)[col / width].row(row)[col % width]; }
    operator BasicPanels<const T>() const { return {data, rows, cols, stride, width}; }
};
using Panels = BasicPanels<Scalar>;
using ConstPanels = BasicPanels<const Scalar>;

/// A matrix as one panel.
template <class T>
BasicPanels<T> one_panel(BasicView<T> whole) {
    return {whole.data, whole.rows, whole.cols, whole.stride, std::max<Index>(whole.cols, 1)};
}

/// Calls use(part) for the parts of a range of columns that lie in one panel each, from the first to the last.
template <class Use>
void for_panels(Range cols, Index width, const Use& use) {
    for (Index first = cols.first; first < cols.last;) {
        const Index last = std::min(cols.last, first < width ? width : (first / width + 1) * width);
        use(Range{first, last});
        first = last;
    }
}

/// The same from the last to the first.
template <class Use>
void for_panels_backwards(Range cols, Index width, const Use& use) {
    for (Index last = cols.last; last > cols.first;) {
        const Index first = std::max(cols.first, last <= width ? 0 : (last - 1) / width * width);
        use(Range{first, last});
        last = first;
    }
}

}  // namespace lamella
