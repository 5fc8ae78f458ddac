/// Gradient descent.
#pragma once

#include "rule.hpp"

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
    std::array<State, kStates> states() const {
        if constexpr (kMomentum) return {{{"momentum"}}};
        else return {};
    }
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

}  // namespace lamella
