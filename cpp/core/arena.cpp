#include "arena.hpp"

#include <cstdint>
#include <limits>
#include <new>

#include "memory.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace lamella {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;
constexpr std::size_t kBig = std::size_t{1} << 18;  // from here on a buffer has huge pages of its own

// Columns of a panel. Members own neighbouring columns, and a processor fetches ahead over the border into lines that another
// has just written, in every row: so the border is to be between panels, once. Also, the rows of a strip of compressed products
// lie side by side: those of half a panel would fall into half of the first level's sets.
constexpr Index kPanel = std::max<Index>(64, kPanelRegisters * kLanes);

constexpr std::size_t granule(std::size_t bytes) { return bytes >= kBig ? kHugePage : 64; }

std::size_t bytes_of(Index size) {
    const std::size_t bytes = std::max<std::size_t>(static_cast<std::size_t>(times(size, sizeof(Scalar))), 64);
    claim(bytes);
    return (bytes + granule(bytes) - 1) / granule(bytes) * granule(bytes);
}

#ifdef __linux__
/// Zeroed memory of the system's that starts on a huge page. The heap would keep holes between such blocks.
void* map_zeros(std::size_t bytes) {
    const std::size_t all = bytes + kHugePage;
    void* start = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) throw OutOfMemory(bytes);
    auto* const from = static_cast<char*>(start);
    const std::size_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(from) % kHugePage) % kHugePage;
    if (before) munmap(from, before);
    if (kHugePage - before) munmap(from + before + bytes, kHugePage - before);
    madvise(from + before, bytes, MADV_HUGEPAGE);
    return from + before;
}
#endif

}  // namespace

Slot Layout::add(Index rows, Index cols) {
    const bool cut = rows > 1 && padded(cols) > kPanel;
    const Index stride = cut ? kPanel : rows == 1 ? padded(cols) : padded_stride(cols);
    if (rows > 0 && std::max(padded(cols), stride) > (std::numeric_limits<Index>::max() / Index{16} - size_) / rows)
        throw OutOfMemory(0);
    const Slot slot{size_, rows, cols, stride, cut ? kPanel : std::max<Index>(cols, 1), static_cast<int>(slots_.size())};
    constexpr Index line = 64 / sizeof(Scalar);
    size_ += (slot.span() + line - 1) / line * line;
    slots_.push_back(slot);
    return slot;
}

Slot Layout::add_column(Index rows) {
    add(1, rows);
    slots_.back().transposed = true;
    return slots_.back();
}

Index Layout::weight_count() const {
    Index count = 0;
    for (const Slot& slot : slots_) count += slot.rows * slot.cols;
    return count;
}

namespace {

/// Calls use(place in the arena, place among the weights, count) for the rows of all panels in the order of the arena.
template <class Use>
void for_rows(const std::vector<Slot>& slots, const Use& use) {
    Index place = 0;  // of the weight
    for (const Slot& slot : slots) {
        for_panels({0, slot.cols}, slot.width, [&](Range cols) {
            const Index stride = cols.count() < slot.width ? padded(cols.count()) : slot.stride;
            for (Index r = 0; r < slot.rows; ++r)
                use(slot.offset + cols.first * slot.rows + r * stride, place + r * slot.cols + cols.first, cols.count());
        });
        place += slot.rows * slot.cols;
    }
}

/// The same for what lies in `part` of the arena.
template <class Use>
void for_rows_in(const Layout& layout, Range part, const Use& use) {
    for_rows(layout.slots(), [&](Index row, Index place, Index count) {
        const Index first = std::max(row, part.first), last = std::min(row + count, part.last);
        if (first < last) use(first, place + (first - row), last - first);
    });
}

}  // namespace

void fill(const Layout& layout, const Arena& arena, Scalar value) {
    for_rows(layout.slots(), [&](Index row, Index, Index count) { std::fill_n(arena.at(row), count, value); });
}

void clear_padding(const Layout& layout, const Arena& arena) {
    Index end = 0;  // of the row before
    const auto clear_to = [&](Index next) { std::fill_n(arena.at(end), next - end, Scalar(0)); };
    for_rows(layout.slots(), [&](Index row, Index, Index count) {
        clear_to(row);
        end = row + count;
    });
    clear_to(layout.size());
}

void read(const Layout& layout, const Arena& arena, Range part, Scalar* values) {
    if (part.count() < layout.size()) std::fill_n(values, layout.weight_count(), Scalar(0));
    for_rows_in(layout, part, [&](Index from, Index place, Index count) { std::copy_n(arena.at(from), count, values + place); });
}

void write(const Layout& layout, const Arena& arena, Range part, const Scalar* values) {
    for_rows_in(layout, part, [&](Index to, Index place, Index count) { std::copy_n(values + place, count, arena.at(to)); });
}

void read(const std::vector<Slot>& slots, const Arena& arena, Scalar* values) {
    for_rows(slots, [&](Index from, Index place, Index count) { std::copy_n(arena.at(from), count, values + place); });
}

void write(const std::vector<Slot>& slots, const Arena& arena, const Scalar* values) {
    for_rows(slots, [&](Index to, Index place, Index count) { std::copy_n(values + place, count, arena.at(to)); });
}

Buffer::Buffer(Index size) : size_(size) {
    const std::size_t bytes = bytes_of(size);
#ifdef __linux__
    if (bytes >= kBig) {
        data_ = std::unique_ptr<Scalar[], Free>(static_cast<Scalar*>(map_zeros(bytes)), Free{bytes});
        return;
    }
#endif
    data_.reset(static_cast<Scalar*>(::operator new(bytes, std::align_val_t{64})));
    std::fill_n(data(), size, Scalar(0));
}

Buffer::Buffer(const Buffer& other) : Buffer(other.size_) {
    if (size_) std::copy_n(other.data(), size_, data());
}

void Buffer::Free::operator()(Scalar* data) const {
#ifdef __linux__
    if (mapped) return static_cast<void>(munmap(data, mapped));
#endif
    ::operator delete(data, std::align_val_t{64});
}

}  // namespace lamella
