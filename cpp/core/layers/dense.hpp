/// The fully connected layer.
#pragma once

#include "../activations.hpp"
#include "../pass.hpp"
#include "../sinks.hpp"

namespace lamella {

/// y = act(x·W + b).  Shapes: x (batch × in), W (in × units), b (1 × units), y (batch × units).
struct Dense {
    static constexpr auto name = "Dense";
    static constexpr bool kReadsCompressed = true;

    Index units = 1;
    bool use_bias = true, trainable = true;
    Activation activation = Linear{};
    Slot kernel = {}, bias = {};  // set by build()

    static constexpr auto fields() {
        return std::tuple{Field{"units", &Dense::units}, Field{"use_bias", &Dense::use_bias},
                          Field{"activation", &Dense::activation}, Field{"trainable", &Dense::trainable}};
    }

    /// Reserves the parameters; returns the shape of the output. W of one output lies as a row, unless it might meet compressed
    /// rows of x, which come to a first layer only.
    Shape build(Shape inputs, Layout& layout) {
        kernel = units == 1 && !layout.slots().empty() ? layout.add_column(inputs.width) : layout.add(inputs.width, units);
        if (use_bias) bias = layout.add(1, units);
        return {inputs.groups, units};
    }
    Index kept(Index) const { return 0; }

    void forward(const Pass& pass, const Trace& t) const {
        const Arena& params = pass.params;
        const View y = t.y;
        const bool split_rows = is_rowwise(activation) && !Split::by_rows(pass.team.size(), y.cols);
        pass.team.phase([&](Member member) {
            const Split mine(member, y.rows, y.cols);
            const View out = mine.of(y);
            const Entries* rows = t.x.rows(member.rank);
            if (kernel.transposed) {
                const Scalar* b = use_bias ? params[bias].data : nullptr;
                multiply_row(t.x.dense().middle_rows(mine.rows.first, mine.rows.count()), params[kernel][0], b, out);
                return activate(activation, out);
            }
            // Gradients and updates go the other way, so that here the panels are found in cache that they left last.
            for_panels_backwards(mine.cols, kernel.width, [&](Range cols) {
                const View w = params[kernel].middle_cols(cols);
                const View part = out.middle_cols(cols.first - mine.cols.first, cols.count());
                const Scalar* b = use_bias ? params[bias].data + cols.first : nullptr;
                if (rows)
                    multiply(rows + mine.rows.first, w, b, part);
                else
                    multiply(t.x.dense().middle_rows(mine.rows.first, mine.rows.count()), w, b, part);
            });
            if (!split_rows) activate(activation, out);
        });
        if (!split_rows) return;
        pass.team.phase([&](Member member) {
            const Range rows = member.share(y.rows);
            activate(activation, y.middle_rows(rows.first, rows.count()));
        });
    }

    /// Turns dy into dz in place, and fills dx unless it is empty.
    void backward(const Pass& pass, const Trace& t) const {
        const View dy = t.dy, dx = t.dx;
        if (!std::holds_alternative<Linear>(activation))
            pass.team.phase([&](Member member) {
                if (is_rowwise(activation)) {
                    const Range rows = member.share(dy.rows);
                    activation_gradient(activation, {}, t.y.middle_rows(rows.first, rows.count()),
                                        dy.middle_rows(rows.first, rows.count()));
                } else {  // what the member wrote and will read
                    const Split mine(member, dy.rows, dy.cols);
                    activation_gradient(activation, {}, mine.of(t.y), mine.of(dy));
                }
            });
        if (dx.data == nullptr) return;
        pass.team.phase([&](Member member) {
            const Split mine(member, dx.rows, dx.cols);
            const ConstPanels w = pass.params[kernel];
            if (kernel.transposed)
                multiply(dy.middle_rows(mine.rows.first, mine.rows.count()), w.middle_cols(mine.cols), nullptr, mine.of(dx));
            else
                multiply_transposed(dy, w, mine.rows, mine.cols, dx, (*t.scratch)[member.rank]);
        });
    }

    /// Sends dW and db to `sink` in tiles. All of dz is complete and nobody reads W any more: the sink may rewrite it.
    template <class Sink>
    void gradients(Member member, const Pass&, const Trace& t, const Sink& sink, Scalar* scratch) const {
        const Input& x = t.x;
        const ConstView dz = t.dy;
        if (const Batch* cuts = x.cuts())
            scatter(member, *cuts, dz, sink, scratch);
        else if (kernel.transposed)
            row(member, x.dense(), dz, sink, scratch);
        else
            tiles(member, x, dz, sink, scratch);
        if (!use_bias) return;
        const Range cols = member.share(units, kLanes);
        if (cols.count() == 0) return;
        const Block block{bias, {0, 1}, cols};
        const View tile = sink.target(block, scratch);
        column_sums(dz.middle_cols(cols.first, cols.count()), tile.data);
        sink.take(block, tile);
    }

    /// Whether compressed rows are added to dW one after the other, which has to stay in the second-level cache: then nobody
    /// has to list the batch by columns.
    bool scatters() const { return padded(units) <= 4 * kLanes; }

    /// Numbers of scratch that a member needs for the calls above, at any batch size.
    Index scratch() const {
        const Index whole = scatters() ? kernel.rows * padded(units) : 0;
        return std::max({transpose_scratch(units), kTileNumbers, padded(units), whole});
    }

private:
    template <class Sink>
    void scatter(Member member, const Batch& x, ConstView dz, const Sink& sink, Scalar* scratch) const {
        const Block block{kernel, x.share(member.rank), {0, units}};
        if (block.rows.count() == 0) return;
        const View tile = sink.target(block, scratch);
        for (Index r = 0; r < tile.rows; ++r) std::fill_n(tile.row(r), padded(units), Scalar(0));
        for (Index r = 0; r < dz.rows; ++r) add_outer(x.cut(r, member.rank), block.rows.first, dz.row(r), tile);
        sink.take(block, tile);
    }

    /// The one row of a W that lies transposed.
    template <class Sink>
    void row(Member member, ConstView x, ConstView dz, const Sink& sink, Scalar* scratch) const {
        const Range mine = member.share(kernel.cols, kLanes);
        for (Index c = mine.first; c < mine.last; c += kTileNumbers) {
            const Block block{kernel, {0, 1}, {c, std::min(c + kTileNumbers, mine.last)}};
            const View tile = sink.target(block, scratch);
            outer(dz, x.middle_cols(c, tile.cols), tile, sink.ahead(block));
            std::fill(tile.data + tile.cols, tile.data + padded(tile.cols), Scalar(0));  // the padding of x may hold anything
            sink.take(block, tile);
        }
    }

    template <class Sink>
    void tiles(Member member, const Input& x, ConstView dz, const Sink& sink, Scalar* scratch) const {
        const Entries* columns = x.columns(member.rank);
        const Split mine(member, kernel.rows, kernel.cols);
        const auto send = [&](Range cols) {
            const ConstView delta = dz.middle_cols(cols.first, cols.count());
            const Index height = std::max(kTileNumbers / padded(cols.count()) / 8, Index{1}) * 8;
            for (Index r = mine.rows.first; r < mine.rows.last; r += height) {
                const Block block{kernel, {r, std::min(r + height, mine.rows.last)}, cols, columns ? columns + r : nullptr};
                const View tile = sink.target(block, scratch);
                if (columns)
                    outer(columns + r, delta, tile, sink.ahead(block));
                else
                    outer(x.dense().middle_cols(r, block.rows.count()), delta, tile, sink.ahead(block));
                sink.take(block, tile);
            }
        };
        for_panels(mine.cols, kernel.width, [&](Range panel) {
            if (columns) return send(panel);
            const Index strips = (panel.count() + kTileCols - 1) / kTileCols;
            const Index width = padded((panel.count() + strips - 1) / strips);
            for (Index c = panel.first; c < panel.last; c += width) send({c, std::min(c + width, panel.last)});
        });
    }
};

}  // namespace lamella
