/// Optimizers: the spec that Python fills in, and the rule that it stands for.
///
/// A rule updates one register of weights; `update` reads like the paper. Where a gradient of zero leaves the weight as it
/// is (kIdleKeepsWeights), `idle` says to the same bits what becomes of a register of state. Options that change the number of state slots
/// make different rules, so that a plain step pays for nothing. Formulas are those of Keras 3.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <variant>

#include "simd.hpp"

namespace lamella {

/// w -= η g;  with momentum: m ← μ m - η g, w += m;  Nesterov: w += μ m - η g.
template <bool kMomentum, bool kNesterov>
struct SgdRule {
    static constexpr int kStates = kMomentum;
    static constexpr bool kIdleKeepsWeights = !kMomentum;
    Scalar momentum = 0;

    struct Step {
        Scalar rate;
    };
    Step at(std::int64_t, Scalar rate) const { return {rate}; }
    Vec idle(Vec state) const { return state; }

    void update(Step step, Vec& w, Vec g, std::array<Vec, kStates>& state) const {
        if constexpr (kMomentum) {
            auto& [m] = state;
            m = m * momentum - g * step.rate;
            w += kNesterov ? m * momentum - g * step.rate : m;
        } else {
            w -= g * step.rate;
        }
    }
};

struct SGD {
    static constexpr auto name = "SGD";
    Scalar momentum = 0;
    bool nesterov = false;

    static constexpr auto fields() { return std::tuple{Field{"momentum", &SGD::momentum}, Field{"nesterov", &SGD::nesterov}}; }

    template <class Run>
    auto with_rule(Run&& run) const {
        if (momentum == 0) return run(SgdRule<false, false>{});
        if (nesterov) return run(SgdRule<true, true>{momentum});
        return run(SgdRule<true, false>{momentum});
    }
};

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
        const Vec u = g * step.rate * reciprocal_sqrt(d);
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
        // A weight that never had a gradient (padding is such) must not become 0 / 0.
        const Scalar eps = std::max(epsilon, std::numeric_limits<Scalar>::min());
        if (momentum != 0)
            return centered ? run(RmspropRule<true, true>{rho, momentum, eps})
                            : run(RmspropRule<true, false>{rho, momentum, eps});
        return centered ? run(RmspropRule<false, true>{rho, momentum, eps})
                        : run(RmspropRule<false, false>{rho, momentum, eps});
    }
};

using Optimizer = std::variant<SGD, RMSprop>;

/// How many arenas of state an optimizer keeps beside the weights.
inline int state_count(const Optimizer& optimizer) {
    return std::visit([](const auto& spec) { return spec.with_rule([](const auto& rule) { return int{rule.kStates}; }); },
                      optimizer);
}

}  // namespace lamella
