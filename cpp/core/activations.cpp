#include "activations.hpp"

namespace lamella {

void activate(const Activation& activation, View y) {
    std::visit(
        [&]<class A>(const A& act) {
            if constexpr (std::is_same_v<A, Linear>) {
                return;
            } else if constexpr (Elementwise<A>) {
                for (Index r = 0; r < y.rows; ++r)
                    for (Scalar *at = y.row(r), *end = at + padded(y.cols); at < end; at += kLanes)
                        act.forward(Vec::load(at)).store(at);
            } else {
                for (Index r = 0; r < y.rows; ++r) act.forward(y.row(r), y.cols);
            }
        },
        activation);
}

void activation_gradient(const Activation& activation, ConstView y, View dy) {
    std::visit(
        [&]<class A>(const A& act) {
            if constexpr (std::is_same_v<A, Linear>) {
                return;
            } else if constexpr (Elementwise<A>) {
                for (Index r = 0; r < y.rows; ++r) {
                    const Scalar* out = y.row(r);
                    for (Scalar *at = dy.row(r), *end = at + padded(y.cols); at < end; at += kLanes, out += kLanes)
                        act.gradient(Vec::load(out), Vec::load(at)).store(at);
                }
            } else {
                for (Index r = 0; r < y.rows; ++r) act.gradient(y.row(r), dy.row(r), y.cols);
            }
        },
        activation);
}

}  // namespace lamella
