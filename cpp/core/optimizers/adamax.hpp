/// Relatives of Adam: Adamax, Nadam and Lion.
#pragma once

#include "rule.hpp"

namespace lamella {

/// m += (g - m)(1-β₁);  u ← max(β₂ u, |g|);  w -= η m / ((1-β₁ᵗ)(u + ε)).  (Kingma & Ba 2015, section 7.)
struct AdamaxRule {
    static constexpr int kStates = 2;
    static constexpr bool kIdleKeepsWeights = false;
    double beta_1 = 0;
    Scalar beta_2 = 0, epsilon = 0, rest_1 = complement(beta_1);

    struct Step {
        Scalar alpha;
    };
    Step at(std::int64_t step, Scalar rate) const {
        return {static_cast<Scalar>(rate / (1 - std::pow(beta_1, static_cast<double>(step + 1))))};
    }
    std::array<State, kStates> states() const { return {{{"momentum"}, {"norm"}}}; }

    void update(Step step, Vec& w, Vec g, std::array<Vec, kStates>& state) const {
        auto& [m, u] = state;
        m += (g - m) * rest_1;
        u = at_least(abs(g), u * beta_2);
        w -= m * step.alpha / (u + epsilon);
    }
};

struct Adamax {
    static constexpr auto name = "Adamax";
    double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;

    static constexpr auto fields() {
        return std::tuple{Field{"beta_1", &Adamax::beta_1}, Field{"beta_2", &Adamax::beta_2},
                          Field{"epsilon", &Adamax::epsilon}};
    }

    template <class Run>
    auto with_rule(Run&& run) const {
        return run(AdamaxRule{beta_1, static_cast<Scalar>(beta_2), no_less_than_tiny(epsilon)});
    }
};

/// uₜ = β₁ (1 - ½·0.96ᵗ);  U = u₁ … uₜ;  m, v as Adam's;  m̂ = uₜ₊₁ m / (1 - U uₜ₊₁) + (1-uₜ) g / (1-U);
/// w -= η m̂ / (√(v / (1-β₂ᵗ)) + ε).  (Dozat 2015.)
struct NadamRule {
    static constexpr int kStates = 2;
    static constexpr bool kIdleKeepsWeights = false;
    double beta_1 = 0, beta_2 = 0;
    Scalar epsilon = 0, rest_1 = complement(beta_1), rest_2 = complement(beta_2);

    struct Step {
        Scalar of_m, of_g, root_scale;
    };
    Step at(std::int64_t step, Scalar rate) const {
        const auto t = static_cast<double>(step + 1);
        double product = std::pow(beta_1, t), decayed = 0.96;
        // Later factors are 1 in double: U needs no memory of its own.
        for (std::int64_t i = 0; i <= step && decayed > 1e-17; ++i) {
            product *= 1 - 0.5 * decayed;
            decayed *= 0.96;
        }
        const double now = beta_1 * (1 - 0.5 * std::pow(0.96, t)), after = beta_1 * (1 - 0.5 * std::pow(0.96, t + 1));
        return {static_cast<Scalar>(rate * after / (1 - product * after)),
                static_cast<Scalar>(rate * (1 - now) / (1 - product)),
                static_cast<Scalar>(1 / std::sqrt(1 - std::pow(beta_2, t)))};
    }
    std::array<State, kStates> states() const { return {{{"momentum"}, {"velocity"}}}; }

    void update(Step step, Vec& w, Vec g, std::array<Vec, kStates>& state) const {
        auto& [m, v] = state;
        m += (g - m) * rest_1;
        v += (g * g - v) * rest_2;
        w -= (m * step.of_m + g * step.of_g) / (sqrt(v) * step.root_scale + epsilon);
    }
};

struct Nadam {
    static constexpr auto name = "Nadam";
    double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;

    static constexpr auto fields() {
        return std::tuple{Field{"beta_1", &Nadam::beta_1}, Field{"beta_2", &Nadam::beta_2}, Field{"epsilon", &Nadam::epsilon}};
    }

    template <class Run>
    auto with_rule(Run&& run) const {
        return run(NadamRule{beta_1, beta_2, no_less_than_tiny(epsilon)});
    }
};

/// w -= η sign(β₁ m + (1-β₁) g);  m ← β₂ m + (1-β₂) g.  (Chen et al. 2023.)
struct LionRule {
    static constexpr int kStates = 1;
    static constexpr bool kIdleKeepsWeights = false;
    Scalar beta_1 = 0, rest_1 = 0, beta_2 = 0, rest_2 = 0;

    struct Step {
        Scalar rate;
    };
    Step at(std::int64_t, Scalar rate) const { return {rate}; }
    std::array<State, kStates> states() const { return {{{"momentum"}}}; }

    void update(Step step, Vec& w, Vec g, std::array<Vec, kStates>& state) const {
        auto& [m] = state;
        w -= sign(m * beta_1 + g * rest_1) * step.rate;
        m = m * beta_2 + g * rest_2;
    }
};

struct Lion {
    static constexpr auto name = "Lion";
    double beta_1 = 0.9, beta_2 = 0.99;

    static constexpr auto fields() { return std::tuple{Field{"beta_1", &Lion::beta_1}, Field{"beta_2", &Lion::beta_2}}; }

    template <class Run>
    auto with_rule(Run&& run) const {
        return run(LionRule{static_cast<Scalar>(beta_1), complement(beta_1), static_cast<Scalar>(beta_2), complement(beta_2)});
    }
};

}  // namespace lamella
