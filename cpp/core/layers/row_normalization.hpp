/// Normalization row by row, and by given statistics.
#pragma once

#include "../kernels/columns.hpp"
#include "../pass.hpp"
#include "../sinks.hpp"

namespace lamella {

/// y = γ x̂ + β with x̂ = (x - μ) / √(σ² + ε), μ and σ² (biased) of the row (Ba et al. 2016).
struct LayerNormalization {
    static constexpr auto name = "LayerNormalization";
    static constexpr bool kReadsCompressed = false;

    Scalar epsilon = Scalar(1e-3);
    bool center = true, scale = true, trainable = true;
    Slot gamma = {}, beta = {};
    Index width = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"epsilon", &LayerNormalization::epsilon}, Field{"center", &LayerNormalization::center},
                          Field{"scale", &LayerNormalization::scale}, Field{"trainable", &LayerNormalization::trainable}};
    }

    Shape build(Shape inputs, Layout& layout) {
        width = inputs.width;
        if (scale) gamma = layout.add(1, width);
        if (center) beta = layout.add(1, width);
        return inputs;
    }
    /// x̂, and behind it 1 / √(σ² + ε).
    Index kept(Index cols) const { return padded(cols) + 1; }
    Index scratch() const { return padded(width); }

    void forward(const Pass& pass, const Trace& t) const {
        const Scalar* slope = scale ? pass.params[gamma].data : nullptr;
        const Scalar* shift = center ? pass.params[beta].data : nullptr;
        for_rows(pass.team, t.y.rows, [&, slope, shift](Index r) {
            const Scalar* x = t.x.dense().row(r);
            Scalar* y = t.y.row(r);
            const Scalar n = static_cast<Scalar>(width);
            const Scalar mean = sum_row(width, [&](Index c) { return x[c]; }) / n;
            const Scalar variance = sum_row(width, [&](Index c) { return (x[c] - mean) * (x[c] - mean); }) / n;
            const Scalar inverse = 1 / std::sqrt(variance + epsilon);
            for (Index c = 0; c < width; ++c) y[c] = (x[c] - mean) * inverse;
            if (t.keeps) {
                std::copy_n(y, width, t.kept.row(r));
                t.kept.row(r)[padded(width)] = inverse;
            }
            if (scale)
                for (Index c = 0; c < width; ++c) y[c] *= slope[c];
            if (center)
                for (Index c = 0; c < width; ++c) y[c] += shift[c];
        });
    }

    /// With g = γ dy: dx = (g - mean g - x̂ mean(g x̂)) / √(σ² + ε).
    void backward(const Pass& pass, const Trace& t) const {
        if (t.dx.data == nullptr) return;
        const Scalar* slope = scale ? pass.params[gamma].data : nullptr;
        for_rows(pass.team, t.dy.rows, [&, slope](Index r) {
            const Scalar *dy = t.dy.row(r), *unit = t.kept.row(r);
            Scalar* dx = t.dx.row(r);
            for (Index c = 0; c < width; ++c) dx[c] = slope ? dy[c] * slope[c] : dy[c];
            const Scalar n = static_cast<Scalar>(width), inverse = unit[padded(width)];
            const Scalar mean = sum_row(width, [&](Index c) { return dx[c]; }) / n;
            const Scalar product = sum_row(width, [&](Index c) { return dx[c] * unit[c]; }) / n;
            for (Index c = 0; c < width; ++c) dx[c] = (dx[c] - mean - unit[c] * product) * inverse;
        });
    }

    template <class Sink>
    void gradients(Member member, const Pass&, const Trace& t, const Sink& sink, Scalar* scratch) const {
        const Range cols = member.share(width, kLanes);
        if (cols.count() == 0) return;
        const auto send = [&](const Slot& slot, const auto& value) {
            const Block block{slot, {0, 1}, cols};
            const View tile = sink.target(block, scratch);
            for (Index c = 0; c < cols.count(); c += kLanes)
                sum_rows(t.dy.rows, [&](Index r) { return value(r, cols.first + c); }).store(tile.data + c);
            sink.take(block, tile);
        };
        // The padding of dy is zero, that of what is kept is not used by anything else and zero, too.
        if (scale) send(gamma, [&](Index r, Index c) { return Vec::load(t.dy.row(r) + c) * Vec::load(t.kept.row(r) + c); });
        if (center) send(beta, [&](Index r, Index c) { return Vec::load(t.dy.row(r) + c); });
    }
};

/// y = x / max(‖x‖₂, 1e-12), row by row.
struct UnitNormalization : Weightless {
    static constexpr auto name = "UnitNormalization";
    static constexpr auto fields() { return std::tuple{}; }
    Index kept(Index) const { return 1; }

    void forward(const Pass& pass, const Trace& t) const {
        for_rows(pass.team, t.y.rows, [&](Index r) {
            const Scalar* x = t.x.dense().row(r);
            const Scalar norm = std::sqrt(sum_row(t.y.cols, [&](Index c) { return x[c] * x[c]; }));
            const Scalar inverse = 1 / (norm < kLeast ? kLeast : norm);  // NaN stays
            for (Index c = 0; c < t.y.cols; ++c) t.y.row(r)[c] = x[c] * inverse;
            if (t.keeps) t.kept.row(r)[0] = inverse;
        });
    }

    void backward(const Pass& pass, const Trace& t) const {
        if (t.dx.data == nullptr) return;
        for_rows(pass.team, t.dy.rows, [&](Index r) {
            const Scalar *y = t.y.row(r), *dy = t.dy.row(r), inverse = t.kept.row(r)[0];
            const bool constant = inverse >= 1 / kLeast;
            const Scalar along = constant ? Scalar(0) : sum_row(t.y.cols, [&](Index c) { return dy[c] * y[c]; });
            for (Index c = 0; c < t.y.cols; ++c) t.dx.row(r)[c] = inverse * (dy[c] - y[c] * along);
        });
    }

private:
    static constexpr Scalar kLeast = Scalar(1e-12);
};

/// y = (x - mean) / max(√variance, 1e-7) by column, or the inverse of it: by given numbers (one, or one a column), or by
/// weights that adapt() sets and training leaves alone.
struct Normalization : Weightless {
    static constexpr auto name = "Normalization";
    bool invert = false;
    Index statistics = 0;  // columns of the weights, or 0 where the numbers are given
    std::vector<Scalar> mean, variance;
    Slot mean_slot = {}, variance_slot = {}, count_slot = {};

    static constexpr auto fields() {
        return std::tuple{Field{"invert", &Normalization::invert}, Field{"statistics", &Normalization::statistics},
                          Field{"mean", &Normalization::mean}, Field{"variance", &Normalization::variance}};
    }

    Shape build(Shape inputs, Layout& layout) {
        if (statistics == 0) return inputs;
        mean_slot = layout.add(1, statistics);
        variance_slot = layout.add(1, statistics);
        count_slot = layout.add(1, 1);  // of Keras' files, always 0
        return inputs;
    }

    void forward(const Pass& pass, const Trace& t) const {
        for_numbers(pass, t.y, [&](Index r, Index c, Scalar m, Scalar spread) {
            const Scalar x = t.x.dense().row(r)[c];
            t.y.row(r)[c] = invert ? x * spread + m : (x - m) / spread;
        });
    }

    void backward(const Pass& pass, const Trace& t) const {
        if (t.dx.data == nullptr) return;
        for_numbers(pass, t.dy, [&](Index r, Index c, Scalar, Scalar spread) {
            t.dx.row(r)[c] = invert ? t.dy.row(r)[c] * spread : t.dy.row(r)[c] / spread;
        });
    }

private:
    /// Calls `work(row, column, mean, deviation)` for every number of `of`.
    template <class Work>
    void for_numbers(const Pass& pass, View of, const Work& work) const {
        const Scalar* m = statistics ? pass.params[mean_slot].data : mean.data();
        const Scalar* v = statistics ? pass.params[variance_slot].data : variance.data();
        const bool one = (statistics ? statistics : static_cast<Index>(mean.size())) == 1;
        for_rows(pass.team, of.rows, [&](Index r) {
            for (Index c = 0; c < of.cols; ++c) {
                const Index at = one ? 0 : c;
                work(r, c, m[at], std::max(std::sqrt(v[at]), Scalar(1e-7)));
            }
        });
    }
};

}  // namespace lamella
