/// Who owns every number: a Layout says where each weight lies, an Arena is one buffer of that shape.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "panels.hpp"

namespace lamella {

/// One weight in an arena, in panels of `width` columns whose rows are `stride` apart; the padding between them is always zero.
struct Slot {
    Index offset = 0, rows = 0, cols = 0, stride = 0, width = 0;
    int index = 0;  // its place among the weights
    bool transposed = false;  // a column that lies as a row
    Index span() const { return rows * (cols > width ? padded(cols) : stride); }
};

/// The book of slots, shared by weights, gradients and optimizer state.
class Layout {
public:
    Slot add(Index rows, Index cols);
    /// A weight of one column, as one row: a register of it holds that many numbers instead of one.
    Slot add_column(Index rows);
    Index size() const { return size_; }
    const std::vector<Slot>& slots() const { return slots_; }
    Index weight_count() const;  // without padding

private:
    std::vector<Slot> slots_;
    Index size_ = 0;
};

/// Zeroed numbers on huge pages where the system grants them; freed with the object.
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(Index size);
    Buffer(const Buffer& other);
    Buffer(Buffer&&) noexcept = default;
    Buffer& operator=(Buffer other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    Scalar* data() const { return data_.get(); }
    Index size() const { return size_; }

private:
    struct Free {
        std::size_t mapped;  // bytes that came from the system, not from the heap
        Free() : Free(0) {}
        explicit Free(std::size_t bytes) : mapped(bytes) {}
        void operator()(Scalar* data) const;
    };
    std::unique_ptr<Scalar[], Free> data_;
    Index size_ = 0;
};

/// A buffer laid out by a Layout, and `more` numbers behind it.
class Arena {
public:
    Arena() = default;
    explicit Arena(const Layout& layout, Index more = 0) : buffer_(layout.size() + more) {}
    /// Of `part` of the layout alone: views may be taken of slots in it.
    Arena(const Layout&, Range part) : origin_(part.first), buffer_(std::max<Index>(part.count(), kLanes)) {}
    Panels operator[](const Slot& slot) const { return {at(slot.offset), slot.rows, slot.cols, slot.stride, slot.width}; }
    Scalar* at(Index offset) const { return buffer_.data() + (offset - origin_); }
    Scalar* data() const { return buffer_.data(); }
    Index size() const { return buffer_.size(); }

private:
    Index origin_ = 0;
    Buffer buffer_;
};

/// Makes all weights `value`.
void fill(const Layout& layout, const Arena& arena, Scalar value);

/// Makes all numbers zero that belong to no weight.
void clear_padding(const Layout& layout, const Arena& arena);

/// Copies all weights of an arena, slot after slot without padding, to or from `values`; of an arena that has only `part` of
/// the layout those in it, and others are read as zero.
void read(const Layout& layout, const Arena& arena, Range part, Scalar* values);
void write(const Layout& layout, const Arena& arena, Range part, const Scalar* values);
/// The same for all of those weights.
void read(const std::vector<Slot>& slots, const Arena& arena, Scalar* values);
void write(const std::vector<Slot>& slots, const Arena& arena, const Scalar* values);

}  // namespace lamella
