/// Adagrad and Adadelta.
#pragma once

#include "rule.hpp"

namespace lamella {

/// a += g²;  w -= η g / √(a + ε).  (Duchi et al. 2011.)
struct AdagradRule {
    static constexpr int kStates = 1;
    static constexpr bool kIdleKeepsWeights = true;
    Scalar epsilon = 0, start = 0;

    struct Step {
        Scalar rate;
    };
    Step at(std::int64_t, Scalar rate) const { return {rate}; }
    std::array<State, kStates> states() const { return {{{"accumulator", 0, start}}}; }
    Vec idle(Vec state) const { return state; }

    void update(Step step, Vec& w, Vec g, std::array<Vec, kStates>& state) const {
        auto& [a] = state;
        a += g * g;
        w -= g * step.rate * reciprocal_sqrt(a + epsilon);
    }
};

struct Adagrad {
    static constexpr auto name = "Adagrad";
    double initial_accumulator_value = 0.1, epsilon = 1e-7;

    static constexpr auto fields() {
        return std::tuple{Field{"initial_accumulator_value", &Adagrad::initial_accumulator_value},
                          Field{"epsilon", &Adagrad::epsilon}};
    }

    template <class Run>
    auto with_rule(Run&& run) const {
        return run(AdagradRule{no_less_than_tiny(epsilon), static_cast<Scalar>(initial_accumulator_value)});
    }
};

/// a ← ρ a + (1-ρ) g²;  Δ = -g √(d + ε) / √(a + ε);  d ← ρ d + (1-ρ) Δ²;  w += η Δ.  (Zeiler 2012.)
struct AdadeltaRule {
    static constexpr int kStates = 2;
    static constexpr bool kIdleKeepsWeights = true;
    double keep = 0;
    Scalar epsilon = 0, rho = static_cast<Scalar>(keep), rest_rho = complement(keep);

    struct Step {
        Scalar rate;
    };
    Step at(std::int64_t, Scalar rate) const { return {rate}; }
    std::array<State, kStates> states() const { return {{{"accumulated_grad"}, {"accumulated_delta_var"}}}; }
    Vec idle(Vec mean) const { return mean * rho; }

    void update(Step step, Vec& w, Vec g, std::array<Vec, kStates>& state) const {
        auto& [a, d] = state;
        a = a * rho + g * g * rest_rho;
        const Vec delta = -(g * sqrt(d + epsilon) * reciprocal_sqrt(a + epsilon));
        d = d * rho + delta * delta * rest_rho;
        w += delta * step.rate;
    }
};

struct Adadelta {
    static constexpr auto name = "Adadelta";
    double rho = 0.95, epsilon = 1e-7;

    static constexpr auto fields() {
        return std::tuple{Field{"rho", &Adadelta::rho}, Field{"epsilon", &Adadelta::epsilon}};
    }

    template <class Run>
    auto with_rule(Run&& run) const {
        return run(AdadeltaRule{rho, no_less_than_tiny(epsilon)});
    }
};

}  // namespace lamella
