#include "activations.hpp"

namespace lamella {
namespace {

template <Elementwise A>
void forward_rows(const A& act, ConstView z, View y) {
    for (Index r = 0; r < y.rows; ++r) {
        const Scalar* in = z.row(r);
        for (Scalar *at = y.row(r), *end = at + padded(y.cols); at < end; at += kLanes, in += kLanes)
            act.forward(Vec::load(in)).store(at);
    }
}

template <Elementwise A>
void gradient_rows(const A& act, ConstView z, ConstView y, ConstView dy, View dz) {
    for (Index r = 0; r < dz.rows; ++r) {
        const Scalar *out = y.row(r), *delta = dy.row(r), *in = NeedsInput<A> ? z.row(r) : nullptr;
        Scalar* at = dz.row(r);
        for (Index i = 0, end = padded(dz.cols); i < end; i += kLanes) {
            if constexpr (NeedsInput<A>)
                act.gradient(Vec::load(in + i), Vec::load(out + i), Vec::load(delta + i)).store(at + i);
            else
                act.gradient(Vec::load(out + i), Vec::load(delta + i)).store(at + i);
        }
    }
}

void copy_if_apart(ConstView from, View to) {
    if (from.data == to.data) return;
    for (Index r = 0; r < to.rows; ++r) std::copy_n(from.row(r), padded(to.cols), to.row(r));
}

}  // namespace

void activate(const Activation& activation, ConstView z, View y) {
    std::visit(
        [&]<class A>(const A& act) {
            if constexpr (std::is_same_v<A, Linear>) {
                copy_if_apart(z, y);
            } else if constexpr (Elementwise<A>) {
                forward_rows(act, z, y);
            } else if constexpr (std::is_same_v<A, Glu>) {
                for (Index r = 0; r < y.rows; ++r) act.forward(z.row(r), z.cols, y.row(r));
            } else {
                copy_if_apart(z, y);
                for (Index r = 0; r < y.rows; ++r) act.forward(y.row(r), y.cols);
            }
        },
        activation);
}

void activation_gradient(const Activation& activation, ConstView z, ConstView y, ConstView dy, View dz) {
    std::visit(
        [&]<class A>(const A& act) {
            if constexpr (std::is_same_v<A, Linear>) {
                copy_if_apart(dy, dz);
            } else if constexpr (Elementwise<A>) {
                gradient_rows(act, z, y, dy, dz);
            } else if constexpr (std::is_same_v<A, Glu>) {
                for (Index r = 0; r < dz.rows; ++r) act.gradient(z.row(r), dy.row(r), dz.cols, dz.row(r));
            } else {
                copy_if_apart(dy, dz);
                for (Index r = 0; r < dz.rows; ++r) act.gradient(y.row(r), dz.row(r), dz.cols);
            }
        },
        activation);
}

}  // namespace lamella
