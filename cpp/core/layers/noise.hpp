/// Layers that are noise in training and nothing else: y = x · factor + shift, drawn anew in every step.
#pragma once

#include "../pass.hpp"
#include "../random.hpp"

namespace lamella {

/// Which places share a number: `noise_shape` of Keras, by axis of (samples, groups, width).
struct Sharing {
    bool samples = false, groups = false, width = false;
};

/// What all of them do; Derived::noise(Scalar* numbers, n, factor, shift) makes a row's factors and shifts of its draws.
template <class Derived>
struct NoiseLayer : Weightless {
    std::uint64_t seed = 0;

    Index kept(Index width) const { return width; }
    Index scratch() const { return 0; }

    void forward(const Pass& pass, const Trace& t) const {
        const ConstView y = t.y;
        const Index groups = t.groups;
        for_rows(pass.team, y.rows, [&](Index r) {
            const Scalar* x = t.x.dense().row(r);
            Scalar* out = t.y.row(r);
            if (!pass.training) return static_cast<void>(std::copy_n(x, padded(y.cols), out));
            const Sharing shared = self().sharing();
            const Index drawn = shared.width ? 1 : y.cols;
            const Index sample = shared.samples ? 0 : pass.place + r / groups, group = shared.groups ? 0 : r % groups;
            const auto block = static_cast<std::uint64_t>(sample * (shared.groups ? 1 : groups) + group) * random_blocks(drawn);
            Scalar* factor = t.kept.row(r);
            const Derived layer = self();  // a copy: what no store to a number can change
            layer.draw(pass.step, block, drawn, factor);
            if (shared.width) std::fill_n(factor, y.cols, factor[0]);
            for (Index c = 0; c < y.cols; ++c) {
                const auto [f, shift] = layer.noise(factor[c]);
                factor[c] = f;
                out[c] = x[c] * f + shift;
            }
        });
    }

    void backward(const Pass& pass, const Trace& t) const {
        if (t.dx.data == nullptr) return;
        for_rows(pass.team, t.dy.rows, [&](Index r) {
            const Scalar *dy = t.dy.row(r), *factor = t.kept.row(r);
            for (Index c = 0; c < t.dy.cols; ++c) t.dx.row(r)[c] = pass.training ? dy[c] * factor[c] : dy[c];
        });
    }

    // Uniform numbers, and nothing shared, unless a layer says otherwise.
    void draw(std::int64_t step, std::uint64_t block, Index n, Scalar* to) const {
        draw_uniform(seed, static_cast<std::uint64_t>(step), block, n, to);
    }
    Sharing sharing() const { return {}; }

private:
    const Derived& self() const { return static_cast<const Derived&>(*this); }
};

struct FactorAndShift {
    Scalar factor, shift;
};

/// Keeps a number with probability 1 - rate, then times 1 / (1 - rate); else 0 (Srivastava et al. 2014).
struct Dropout : NoiseLayer<Dropout> {
    static constexpr auto name = "Dropout";
    Scalar rate = 0;
    bool shared_samples = false, shared_groups = false, shared_width = false;

    static constexpr auto fields() {
        return std::tuple{Field{"rate", &Dropout::rate}, Field{"seed", &Dropout::seed},
                          Field{"shared_samples", &Dropout::shared_samples}, Field{"shared_groups", &Dropout::shared_groups},
                          Field{"shared_width", &Dropout::shared_width}};
    }
    Sharing sharing() const { return {shared_samples, shared_groups, shared_width}; }
    FactorAndShift noise(Scalar u) const { return {u >= rate ? 1 / (1 - rate) : Scalar(0), 0}; }
};

/// Drops to α' = -λα of selu, then a x + b keeps mean and variance: a = ((1-r)(1 + r α'²))^-½, b = -a α' r (Klambauer et al. 2017).
struct AlphaDropout : NoiseLayer<AlphaDropout> {
    static constexpr auto name = "AlphaDropout";
    Scalar rate = 0;
    bool shared_samples = false, shared_groups = false, shared_width = false;

    static constexpr auto fields() {
        return std::tuple{Field{"rate", &AlphaDropout::rate}, Field{"seed", &AlphaDropout::seed},
                          Field{"shared_samples", &AlphaDropout::shared_samples},
                          Field{"shared_groups", &AlphaDropout::shared_groups},
                          Field{"shared_width", &AlphaDropout::shared_width}};
    }
    Sharing sharing() const { return {shared_samples, shared_groups, shared_width}; }
    FactorAndShift noise(Scalar u) const {
        constexpr Scalar low = Scalar(-1.6732632423543772 * 1.0507009873554805);
        const Scalar a = 1 / std::sqrt((1 - rate) * (1 + rate * low * low)), b = -a * low * rate;
        return u >= rate ? FactorAndShift{a, b} : FactorAndShift{0, a * low + b};
    }
};

/// x · N(1, rate / (1 - rate)).
struct GaussianDropout : NoiseLayer<GaussianDropout> {
    static constexpr auto name = "GaussianDropout";
    Scalar rate = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"rate", &GaussianDropout::rate}, Field{"seed", &GaussianDropout::seed}};
    }
    void draw(std::int64_t step, std::uint64_t block, Index n, Scalar* to) const {
        draw_normal(seed, static_cast<std::uint64_t>(step), block, n, to);
    }
    FactorAndShift noise(Scalar normal) const { return {1 + std::sqrt(rate / (1 - rate)) * normal, 0}; }
};

/// x + N(0, stddev²).
struct GaussianNoise : NoiseLayer<GaussianNoise> {
    static constexpr auto name = "GaussianNoise";
    Scalar stddev = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"stddev", &GaussianNoise::stddev}, Field{"seed", &GaussianNoise::seed}};
    }
    void draw(std::int64_t step, std::uint64_t block, Index n, Scalar* to) const {
        draw_normal(seed, static_cast<std::uint64_t>(step), block, n, to);
    }
    FactorAndShift noise(Scalar normal) const { return {1, stddev * normal}; }
};

}  // namespace lamella
