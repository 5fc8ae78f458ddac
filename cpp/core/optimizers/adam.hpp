/// Adam and AdamW.
#pragma once

#include "rule.hpp"

namespace lamella {

/// m += (g - m)(1-β₁);  v += (g² - v)(1-β₂);  α = η √(1-β₂ᵗ) / (1-β₁ᵗ);  w -= α m / (√v + ε),
/// amsgrad: with the largest v so far.  (Kingma & Ba 2015; Reddi et al. 2018.)
template <bool kAmsgrad>
struct AdamRule {
    static constexpr int kStates = 2 + kAmsgrad;
    static constexpr bool kIdleKeepsWeights = false;
    double beta_1 = 0, beta_2 = 0;
    Scalar epsilon = 0, rest_1 = complement(beta_1), rest_2 = complement(beta_2);

    struct Step {
        Scalar alpha;
    };
    Step at(std::int64_t step, Scalar rate) const {
        const auto t = static_cast<double>(step + 1);
        return {static_cast<Scalar>(rate * std::sqrt(1 - std::pow(beta_2, t)) / (1 - std::pow(beta_1, t)))};
    }
    std::array<State, kStates> states() const {
        std::array<State, kStates> all{{{"momentum"}, {"velocity"}}};
        if constexpr (kAmsgrad) all[2] = {"velocity_hat", 1};
        return all;
    }

    void update(Step step, Vec& w, Vec g, std::array<Vec, kStates>& state) const {
        Vec &m = state[0], &v = state[1];
        m += (g - m) * rest_1;
        v += (g * g - v) * rest_2;
        Vec largest = v;
        if constexpr (kAmsgrad) largest = state[2] = at_least(v, state[2]);
        w -= m * step.alpha / (sqrt(largest) + epsilon);
    }
};

struct Adam {
    static constexpr auto name = "Adam";
    double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
    bool amsgrad = false;

    static constexpr auto fields() {
        return std::tuple{Field{"beta_1", &Adam::beta_1}, Field{"beta_2", &Adam::beta_2}, Field{"epsilon", &Adam::epsilon},
                          Field{"amsgrad", &Adam::amsgrad}};
    }

    template <class Run>
    auto with_rule(Run&& run) const {
        const Scalar eps = no_less_than_tiny(epsilon);
        return amsgrad ? run(AdamRule<true>{beta_1, beta_2, eps}) : run(AdamRule<false>{beta_1, beta_2, eps});
    }
};

/// Adam; its decay of the weights is an option of every optimizer.  (Loshchilov & Hutter 2019.)
struct AdamW : Adam {
    static constexpr auto name = "AdamW";
};

}  // namespace lamella
