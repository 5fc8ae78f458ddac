/// Layers that scale, shift, regroup or only watch.
#pragma once

#include <cmath>

#include "../pass.hpp"

namespace lamella {

/// y = x * scale + offset.
struct Rescaling : Weightless {
    static constexpr auto name = "Rescaling";
    Scalar scale = 1, offset = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"scale", &Rescaling::scale}, Field{"offset", &Rescaling::offset}};
    }

    void forward(const Pass& pass, const Trace& t) const {
        for_rows(pass.team, t.y.rows, [&](Index r) {
            for (Index c = 0; c < t.y.cols; ++c) t.y.row(r)[c] = t.x.dense().row(r)[c] * scale + offset;
        });
    }

    void backward(const Pass& pass, const Trace& t) const {
        if (t.dx.data == nullptr) return;
        for_rows(pass.team, t.dy.rows, [&](Index r) {
            for (Index c = 0; c < t.dy.cols; ++c) t.dx.row(r)[c] = t.dy.row(r)[c] * scale;
        });
    }
};

/// Cuts a sample's numbers into `groups` rows of equal width; the order of the numbers stays.
struct Reshape : Weightless {
    static constexpr auto name = "Reshape";
    Index groups = 1;

    static constexpr auto fields() { return std::tuple{Field{"groups", &Reshape::groups}}; }

    Shape build(Shape inputs, Layout&) { return {groups, inputs.groups * inputs.width / groups}; }

    void forward(const Pass& pass, const Trace& t) const { copy(pass, t.x.dense(), t.y); }
    void backward(const Pass& pass, const Trace& t) const {
        if (t.dx.data) copy(pass, t.dy, t.dx);
    }

private:
    /// Sample by sample: rows of both sides are walked through in step.
    static void copy(const Pass& pass, ConstView from, View to) {
        if (pass.samples == 0) return;
        const Index from_groups = from.rows / pass.samples, to_groups = to.rows / pass.samples;
        const Index piece = std::min(from.cols, to.cols);
        for_rows(pass.team, pass.samples, [&](Index sample) {
            const Index total = from_groups * from.cols;
            for (Index at = 0; at < total;) {
                const Index left = std::min({piece, from.cols - at % from.cols, to.cols - at % to.cols});
                std::copy_n(from.row(sample * from_groups + at / from.cols) + at % from.cols, left,
                            to.row(sample * to_groups + at / to.cols) + at % to.cols);
                at += left;
            }
            for (Index g = 0; g < to_groups; ++g) {
                Scalar* row = to.row(sample * to_groups + g);
                std::fill(row + to.cols, row + padded(to.cols), Scalar(0));
            }
        });
    }
};

/// y = x; adds (l1 Σ|x| + l2 Σx²) / samples to the loss.
struct ActivityRegularization {
    static constexpr auto name = "ActivityRegularization";
    static constexpr bool kReadsCompressed = false;
    Scalar l1 = 0, l2 = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"l1", &ActivityRegularization::l1}, Field{"l2", &ActivityRegularization::l2}};
    }

    Shape build(Shape inputs, Layout&) { return inputs; }
    Index kept(Index) const { return 1; }
    Index scratch() const { return 0; }

    void forward(const Pass& pass, const Trace& t) const {
        for_rows(pass.team, t.y.rows, [&](Index r) {
            const Scalar* x = t.x.dense().row(r);
            std::copy_n(x, padded(t.y.cols), t.y.row(r));
            if (!t.keeps) return;
            Scalar size = 0, square = 0;
            for (Index c = 0; c < t.y.cols; ++c) size += std::abs(x[c]), square += x[c] * x[c];
            t.kept.row(r)[0] = l1 * size + l2 * square;
        });
    }

    void backward(const Pass& pass, const Trace& t) const {
        if (t.dx.data == nullptr) return;
        const Scalar share = 1 / static_cast<Scalar>(pass.whole());
        for_rows(pass.team, t.y.rows, [&](Index r) {
            const Scalar *x = t.y.row(r), *dy = t.dy.row(r);
            for (Index c = 0; c < t.y.cols; ++c) {
                const Scalar sign = x[c] > 0 ? Scalar(1) : x[c] < 0 ? Scalar(-1) : Scalar(0);
                t.dx.row(r)[c] = dy[c] + share * (l1 * sign + 2 * l2 * x[c]);
            }
        });
    }

    template <class Sink>
    void gradients(Member, const Pass&, const Trace&, const Sink&, Scalar*) const {}

    /// What this layer adds to the loss of the batch.
    double penalty(const Pass& pass, const Trace& t) const {
        double total = 0;
        for (Index r = 0; r < t.y.rows; ++r) total += t.kept.row(r)[0];
        return total / static_cast<double>(pass.whole());
    }
};

}  // namespace lamella
