/// Layers without weights that work element by element or row by row.
#pragma once

#include "../activations.hpp"
#include "../pass.hpp"

namespace lamella {

/// y = act(x).
struct ActivationLayer : Weightless {
    static constexpr auto name = "Activation";
    Activation activation = Linear{};

    static constexpr auto fields() { return std::tuple{Field{"activation", &ActivationLayer::activation}}; }

    Shape build(Shape inputs, Layout&) { return {inputs.groups, width(activation, inputs.width)}; }

    void forward(const Pass& pass, const Trace& t) const {
        pass.team.phase([&](Member member) {
            const Range rows = member.share(t.y.rows);
            activate(activation, t.x.dense().middle_rows(rows.first, rows.count()), t.y.middle_rows(rows.first, rows.count()));
        });
    }

    void backward(const Pass& pass, const Trace& t) const {
        if (t.dx.data == nullptr) return;
        pass.team.phase([&](Member member) {
            const Range rows = member.share(t.y.rows);
            const auto mine = [&](auto view) { return view.middle_rows(rows.first, rows.count()); };
            activation_gradient(activation, mine(t.x.dense()), ConstView(mine(t.y)), ConstView(mine(t.dy)), mine(t.dx));
        });
    }
};

}  // namespace lamella
