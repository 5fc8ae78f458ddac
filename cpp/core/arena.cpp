#include "arena.hpp"

#include <cstdlib>
#include <limits>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace lamella {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;
constexpr std::size_t kBig = std::size_t{1} << 18;  // from here on a buffer starts on a huge page of its own

constexpr std::size_t alignment(std::size_t bytes) { return bytes >= kBig ? kHugePage : 64; }

std::size_t bytes_of(Index size) {
    if (size < 0 || static_cast<std::size_t>(size) > (std::numeric_limits<std::size_t>::max() >> 1) / sizeof(Scalar))
        throw std::bad_alloc();
    const std::size_t bytes = std::max<std::size_t>(static_cast<std::size_t>(size) * sizeof(Scalar), 64);
    return (bytes + alignment(bytes) - 1) / alignment(bytes) * alignment(bytes);
}

}  // namespace

Slot Layout::add(Index rows, Index cols) {
    const Index stride = rows == 1 ? padded(cols) : padded_stride(cols);
    if (rows > 0 && stride > (std::numeric_limits<Index>::max() / Index{16} - size_) / rows) throw std::bad_alloc();
    const Slot slot{size_, rows, cols, stride, static_cast<int>(slots_.size())};
    constexpr Index line = 64 / sizeof(Scalar);
    size_ += (slot.span() + line - 1) / line * line;
    slots_.push_back(slot);
    return slot;
}

Index Layout::weight_count() const {
    Index count = 0;
    for (const Slot& slot : slots_) count += slot.rows * slot.cols;
    return count;
}

void read(const Layout& layout, const Arena& arena, Scalar* values) {
    for (const Slot& slot : layout.slots())
        for (Index r = 0; r < slot.rows; ++r) values = std::copy_n(arena[slot].row(r), slot.cols, values);
}

void write(const Layout& layout, const Arena& arena, const Scalar* values) {
    for (const Slot& slot : layout.slots())
        for (Index r = 0; r < slot.rows; ++r, values += slot.cols) std::copy_n(values, slot.cols, arena[slot].row(r));
}

Buffer::Buffer(Index size) : size_(size) {
    const std::size_t bytes = bytes_of(size);
    auto* data = static_cast<Scalar*>(::operator new(bytes, std::align_val_t{alignment(bytes)}));
    data_.reset(data);
#ifdef __linux__
    if (bytes >= kBig) madvise(data, bytes, MADV_HUGEPAGE);
#endif
    std::fill_n(data, size, Scalar(0));
}

Buffer::Buffer(const Buffer& other) : Buffer(other.size_) {
    if (size_) std::copy_n(other.data(), size_, data());
}

void Buffer::Free::operator()(Scalar* data) const {
    // Both alignments are powers of two that free() ignores; libstdc++ and libc++ pass them through.
    ::operator delete(data, std::align_val_t{64});
}

}  // namespace lamella
