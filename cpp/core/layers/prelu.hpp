/// The activation with a learned slope.
#pragma once

#include "../kernels/columns.hpp"
#include "../pass.hpp"
#include "../sinks.hpp"

namespace lamella {

/// y = max(x, 0) + α min(x, 0), one α a column (He et al. 2015).
struct PReLU {
    static constexpr auto name = "PReLU";
    static constexpr bool kReadsCompressed = false;
    bool trainable = true;
    Slot alpha = {};

    static constexpr auto fields() { return std::tuple{Field{"trainable", &PReLU::trainable}}; }

    Shape build(Shape inputs, Layout& layout) {
        alpha = layout.add(1, inputs.width);
        return inputs;
    }
    Index kept(Index width) const { return width; }
    Index scratch() const { return padded(alpha.cols); }

    void forward(const Pass& pass, const Trace& t) const {
        for_rows(pass.team, t.y.rows, [&](Index r) {
            const Scalar* x = t.x.dense().row(r);
            for (Index c = 0; c < t.y.cols; c += kLanes) {
                const Vec z = Vec::load(x + c);
                where_at_most(z, Scalar(0), z * Vec::load(pass.params[alpha].data + c), z).store(t.y.row(r) + c);
                if (t.keeps) where_at_most(z, Scalar(0), z, Scalar(0)).store(t.kept.row(r) + c);
            }
        });
    }

    void backward(const Pass& pass, const Trace& t) const {
        if (t.dx.data == nullptr) return;
        for_rows(pass.team, t.y.rows, [&](Index r) {
            for (Index c = 0; c < t.y.cols; c += kLanes) {
                const Vec x = Vec::load(t.x.dense().row(r) + c), dy = Vec::load(t.dy.row(r) + c);
                where_at_most(x, Scalar(0), dy * Vec::load(pass.params[alpha].data + c), dy).store(t.dx.row(r) + c);
            }
        });
    }

    template <class Sink>
    void gradients(Member member, const Pass&, const Trace& t, const Sink& sink, Scalar* scratch) const {
        const Range cols = member.share(t.y.cols, kLanes);
        if (cols.count() == 0) return;
        const Block block{alpha, {0, 1}, cols};
        const View tile = sink.target(block, scratch);
        for (Index c = 0; c < cols.count(); c += kLanes)
            sum_rows(t.dy.rows, [&](Index r) {
                return Vec::load(t.dy.row(r) + cols.first + c) * Vec::load(t.kept.row(r) + cols.first + c);
            }).store(tile.data + c);
        sink.take(block, tile);
    }
};

}  // namespace lamella
