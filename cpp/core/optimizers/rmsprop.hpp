/// RMSprop.
#pragma once

#include "rule.hpp"

namespace lamella {

/// v ← ρ v + (1-ρ) g²;  d = v + ε, centered: a ← ρ a + (1-ρ) g, d = v - a² + ε;  u = η g / √d;  w -= u,
/// with momentum: m ← μ m + u, w -= m.  (Tieleman & Hinton 2012; ε inside the root as in Keras 3.)
template <bool kMomentum, bool kCentered>
struct RmspropRule {
    static constexpr int kStates = 1 + kMomentum + kCentered;  // v, then m, then a
    static constexpr bool kIdleKeepsWeights = !kMomentum;
    Scalar rho = 0, momentum = 0, epsilon = 0;

    struct Step {
        Scalar rate;
    };
    Step at(std::int64_t, Scalar rate) const { return {rate}; }
    std::array<State, kStates> states() const {
        std::array<State, kStates> all{{{"velocity"}}};
        if constexpr (kMomentum) all[1] = {"momentum", 1};
        if constexpr (kCentered) all[kStates - 1] = {"average_gradient", kStates - 1};
        return all;
    }
    Vec idle(Vec mean) const { return mean * rho; }

    void update(Step step, Vec& w, Vec g, std::array<Vec, kStates>& state) const {
        Vec& v = state[0];
        v = v * rho + g * g * (1 - rho);
        Vec d = v + epsilon;
        if constexpr (kCentered) {
            Vec& a = state[kStates - 1];
            a = a * rho + g * (1 - rho);
            d = v - a * a + epsilon;
        }
        const Vec u = g * step.rate * (kCentered ? reciprocal_sqrt(d) : reciprocal_sqrt_of_normal(d));
        if constexpr (kMomentum) {
            Vec& m = state[1];
            m = m * momentum + u;
            w -= m;
        } else {
            w -= u;
        }
    }
};

struct RMSprop {
    static constexpr auto name = "RMSprop";
    Scalar rho = Scalar(0.9), momentum = 0, epsilon = Scalar(1e-7);
    bool centered = false;

    static constexpr auto fields() {
        return std::tuple{Field{"rho", &RMSprop::rho}, Field{"momentum", &RMSprop::momentum},
                          Field{"epsilon", &RMSprop::epsilon}, Field{"centered", &RMSprop::centered}};
    }

    template <class Run>
    auto with_rule(Run&& run) const {
        const Scalar eps = no_less_than_tiny(epsilon);
        if (momentum != 0)
            return centered ? run(RmspropRule<true, true>{rho, momentum, eps})
                            : run(RmspropRule<true, false>{rho, momentum, eps});
        return centered ? run(RmspropRule<false, true>{rho, momentum, eps})
                        : run(RmspropRule<false, false>{rho, momentum, eps});
    }
};

}  // namespace lamella
