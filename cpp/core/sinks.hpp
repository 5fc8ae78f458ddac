/// Where weight gradients go, tile by tile: into the update at once (update.hpp), or into a gradient arena.
#pragma once

#include "arena.hpp"
#include "kernels/products.hpp"

namespace lamella {

/// A block of one panel of a weight: the gradient tile has the shape rows × cols. Where the layer's input is compressed, `inputs` are
/// the columns of the input that belong to the rows: an empty one means a gradient of zeros.
struct Block {
    Slot slot;
    Range rows, cols;
    const Entries* inputs = nullptr;

    bool is_idle(Index row) const { return inputs && inputs[row].count == 0; }

    View of(const Arena& arena) const {
        return arena[slot].middle_cols(cols).middle_rows(rows.first, rows.count());
    }
};

/// What layers hand their weight gradients to. Called by members at once, for blocks that do not overlap.
class Sink {
public:
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    /// Where the gradient of `block` is to be written: `scratch`, which stays in the first-level cache, or its last place.
    virtual View target(const Block& block, Scalar* scratch) const = 0;
    /// What take() will read besides the gradient.
    virtual Ahead ahead(const Block&) const { return {}; }
    /// Takes the gradient that has been written there.
    virtual void take(const Block& block, View gradient) const = 0;

protected:
    ~Sink() = default;

    static View tile_of(const Block& block, Scalar* scratch) {
        return {scratch, block.rows.count(), block.cols.count(), padded(block.cols.count())};
    }
};

/// Keeps the whole gradient, in an arena laid out like the weights.
class Collect final : public Sink {
public:
    explicit Collect(const Arena& gradients) : gradients_(gradients) {}
    View target(const Block& block, Scalar*) const override { return block.of(gradients_); }
    void take(const Block&, View) const override {}

private:
    const Arena& gradients_;
};

/// Adds the gradient to what the arena holds.
class Accumulate final : public Sink {
public:
    explicit Accumulate(const Arena& gradients) : gradients_(gradients) {}
    View target(const Block& block, Scalar* scratch) const override { return tile_of(block, scratch); }
    void take(const Block& block, View gradient) const override {
        const View total = block.of(gradients_);
        for (Index r = 0; r < gradient.rows; ++r)
            for (Index c = 0; c < padded(gradient.cols); c += kLanes)
                (Vec::load(total.row(r) + c) + Vec::load(gradient.row(r) + c)).store(total.row(r) + c);
    }

private:
    const Arena& gradients_;
};

}  // namespace lamella
