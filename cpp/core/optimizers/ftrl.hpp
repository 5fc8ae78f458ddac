/// Ftrl.
#pragma once

#include "rule.hpp"

namespace lamella {

/// p = -learning_rate_power;  n' = n + g²;  z += g + 2·shrink·w - (n'ᵖ - nᵖ)/η·w;  λ₂ = l2 + β/(2η);
/// w = (clip(z, ±l1) - z) / (n'ᵖ/η + 2 λ₂).  (McMahan et al. 2013.)  A rate of zero changes nothing.
template <bool kRoot>  // p = ½, the default
struct FtrlRule {
    static constexpr int kStates = 2;
    static constexpr bool kIdleKeepsWeights = false;
    double power = 0, l1 = 0, l2 = 0, shrinkage = 0, beta = 0;
    Scalar start = 0;

    struct Step {
        Scalar rate, inverse, twice_l2;
    };
    Step at(std::int64_t, Scalar rate) const {
        return {rate, 1 / rate, static_cast<Scalar>(2 * l2 + beta / static_cast<double>(rate))};
    }
    std::array<State, kStates> states() const { return {{{"accumulator", 0, start}, {"linear"}}}; }

    Vec raised(Vec n) const {
        if constexpr (kRoot) return sqrt(n);
        else return lanewise(n, [p = static_cast<Scalar>(power)](Scalar x) { return std::pow(x, p); });
    }

    void update(Step step, Vec& w, Vec g, std::array<Vec, kStates>& state) const {
        if (step.rate == 0) return;
        auto& [n, z] = state;
        const auto limit = static_cast<Scalar>(l1), twice_shrinkage = static_cast<Scalar>(2 * shrinkage);
        const Vec grown = n + g * g, root = raised(grown);
        z += g + w * twice_shrinkage - (root - raised(n)) * step.inverse * w;
        // The floor keeps what never had a gradient (padding is such) from becoming 0 / 0.
        const Vec divisor = at_least(root * step.inverse + step.twice_l2, std::numeric_limits<Scalar>::min());
        w = (at_least(at_most(z, limit), -limit) - z) / divisor;
        n = grown;
    }
};

struct Ftrl {
    static constexpr auto name = "Ftrl";
    double learning_rate_power = -0.5, initial_accumulator_value = 0.1, l1_regularization_strength = 0,
           l2_regularization_strength = 0, l2_shrinkage_regularization_strength = 0, beta = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"learning_rate_power", &Ftrl::learning_rate_power},
                          Field{"initial_accumulator_value", &Ftrl::initial_accumulator_value},
                          Field{"l1_regularization_strength", &Ftrl::l1_regularization_strength},
                          Field{"l2_regularization_strength", &Ftrl::l2_regularization_strength},
                          Field{"l2_shrinkage_regularization_strength", &Ftrl::l2_shrinkage_regularization_strength},
                          Field{"beta", &Ftrl::beta}};
    }

    template <class Run>
    auto with_rule(Run&& run) const {
        const auto make = [&]<bool kRoot>(std::bool_constant<kRoot>) {
            return FtrlRule<kRoot>{-learning_rate_power,
                                   l1_regularization_strength,
                                   l2_regularization_strength,
                                   l2_shrinkage_regularization_strength,
                                   beta,
                                   static_cast<Scalar>(initial_accumulator_value)};
        };
        return learning_rate_power == -0.5 ? run(make(std::true_type{})) : run(make(std::false_type{}));
    }
};

}  // namespace lamella
