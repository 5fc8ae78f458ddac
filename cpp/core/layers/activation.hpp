/// Layers without weights that work element by element or row by row.
#pragma once

#include "../activations.hpp"
#include "../sinks.hpp"
#include "../split.hpp"

namespace lamella {

/// Copies a member's part of x to y.
inline void copy_rows(ConstView x, View y) {
    for (Index r = 0; r < y.rows; ++r) std::copy_n(x.row(r), padded(y.cols), y.row(r));
}

/// y = act(x).
struct ActivationLayer {
    static constexpr auto name = "Activation";
    static constexpr bool kReadsCompressed = false;
    Activation activation = Linear{};

    static constexpr auto fields() { return std::tuple{Field{"activation", &ActivationLayer::activation}}; }

    Index build(Index inputs, Layout&) { return inputs; }

    void forward(const Team& team, const Arena&, const Input& x, View y) const {
        team.phase([&](Member member) {
            const Range rows = member.share(y.rows);
            const View out = y.middle_rows(rows.first, rows.count());
            copy_rows(x.dense().middle_rows(rows.first, rows.count()), out);
            activate(activation, out);
        });
    }

    void backward(const Team& team, const Arena&, ConstView y, View dy, View dx, const std::vector<Scalar*>&) const {
        team.phase([&](Member member) {
            const Range rows = member.share(y.rows);
            const View delta = dy.middle_rows(rows.first, rows.count());
            activation_gradient(activation, y.middle_rows(rows.first, rows.count()), delta);
            if (dx.data) copy_rows(delta, dx.middle_rows(rows.first, rows.count()));
        });
    }

    void gradients(Member, const Input&, ConstView, const Sink&, Scalar*) const {}
    Index scratch() const { return 0; }
};

/// y = x * scale + offset.
struct Rescaling {
    static constexpr auto name = "Rescaling";
    static constexpr bool kReadsCompressed = false;
    Scalar scale = 1, offset = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"scale", &Rescaling::scale}, Field{"offset", &Rescaling::offset}};
    }

    Index build(Index inputs, Layout&) { return inputs; }

    void forward(const Team& team, const Arena&, const Input& x, View y) const {
        team.phase([&](Member member) {
            const Range rows = member.share(y.rows);
            for (Index r = rows.first; r < rows.last; ++r)
                for (Index c = 0; c < y.cols; ++c) y.row(r)[c] = x.dense().row(r)[c] * scale + offset;
        });
    }

    void backward(const Team& team, const Arena&, ConstView, View dy, View dx, const std::vector<Scalar*>&) const {
        if (dx.data == nullptr) return;
        team.phase([&](Member member) {
            const Range rows = member.share(dy.rows);
            for (Index r = rows.first; r < rows.last; ++r)
                for (Index c = 0; c < dy.cols; ++c) dx.row(r)[c] = dy.row(r)[c] * scale;
        });
    }

    void gradients(Member, const Input&, ConstView, const Sink&, Scalar*) const {}
    Index scratch() const { return 0; }
};

}  // namespace lamella
