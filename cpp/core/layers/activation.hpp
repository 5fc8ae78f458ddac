/// Layers without weights that work element by element or row by row.
#pragma once

#include "../activations.hpp"
#include "../pass.hpp"

namespace lamella {

/// Copies x to y.
inline void copy_rows(ConstView x, View y) {
    for (Index r = 0; r < y.rows; ++r) std::copy_n(x.row(r), padded(y.cols), y.row(r));
}

/// y = act(x).
struct ActivationLayer : Weightless {
    static constexpr auto name = "Activation";
    Activation activation = Linear{};

    static constexpr auto fields() { return std::tuple{Field{"activation", &ActivationLayer::activation}}; }

    void forward(const Pass& pass, const Trace& t) const {
        pass.team.phase([&](Member member) {
            const Range rows = member.share(t.y.rows);
            const View out = t.y.middle_rows(rows.first, rows.count());
            copy_rows(t.x.dense().middle_rows(rows.first, rows.count()), out);
            activate(activation, out);
        });
    }

    void backward(const Pass& pass, const Trace& t) const {
        pass.team.phase([&](Member member) {
            const Range rows = member.share(t.y.rows);
            const View delta = t.dy.middle_rows(rows.first, rows.count());
            activation_gradient(activation, t.y.middle_rows(rows.first, rows.count()), delta);
            if (t.dx.data) copy_rows(delta, t.dx.middle_rows(rows.first, rows.count()));
        });
    }
};

}  // namespace lamella
