/// Normalization over the batch (Ioffe & Szegedy 2015).
#pragma once

#include "../kernels/columns.hpp"
#include "../pass.hpp"
#include "../sinks.hpp"

namespace lamella {

/// y = γ x̂ + β with x̂ = (x - μ) / √(σ² + ε): μ and σ² (biased) of the batch in training, else the moving ones, which follow
/// as m ← momentum · m + (1 - momentum) · μ. A frozen layer uses the moving ones in training, too. Where processes share a batch,
/// the sums over its rows are over the rows of all.
struct BatchNormalization {
    static constexpr auto name = "BatchNormalization";
    static constexpr bool kReadsCompressed = false;

    Scalar momentum = Scalar(0.99), epsilon = Scalar(1e-3);
    bool center = true, scale = true, trainable = true;
    Slot gamma = {}, beta = {}, moving_mean = {}, moving_variance = {};

    static constexpr auto fields() {
        return std::tuple{Field{"momentum", &BatchNormalization::momentum}, Field{"epsilon", &BatchNormalization::epsilon},
                          Field{"center", &BatchNormalization::center}, Field{"scale", &BatchNormalization::scale},
                          Field{"trainable", &BatchNormalization::trainable}};
    }

    Shape build(Shape inputs, Layout& layout) {
        if (scale) gamma = layout.add(1, inputs.width);
        if (center) beta = layout.add(1, inputs.width);
        moving_mean = layout.add(1, inputs.width);
        moving_variance = layout.add(1, inputs.width);
        return inputs;
    }
    Index kept(Index width) const { return width; }
    Index scratch() const { return padded(moving_mean.cols); }

    void forward(const Pass& pass, const Trace& t) const {
        const Index n = t.y.rows, cols = t.y.cols;
        const bool of_batch = uses_batch(pass), shared = of_batch && pass.exchange;
        if (shared) share_statistics(pass, t);
        for_registers(pass.team, cols, [&](Index c) {
            Vec mean = Vec::load(pass.params[moving_mean].data + c), variance = Vec::load(pass.params[moving_variance].data + c);
            if (of_batch) {
                const Vec share(1 / static_cast<Scalar>(all_rows(pass, t)));
                mean = share * (shared ? Vec::load(t.statistics(kMean) + c) : sum_of_x(t, c));
                variance = share * (shared ? Vec::load(t.statistics(kProduct) + c) : sum_of_squares(t, c, mean));
            }
            mean.store(t.statistics(kMean) + c);
            variance.store(t.statistics(kVariance) + c);
            (Vec(Scalar(1)) / sqrt(variance + Vec(epsilon))).store(t.statistics(kInverse) + c);
        });
        for_rows(pass.team, n, [&](Index r) {
            const Scalar* x = t.x.dense().row(r);
            for (Index c = 0; c < cols; c += kLanes) {
                Vec y = (Vec::load(x + c) - Vec::load(t.statistics(kMean) + c)) * Vec::load(t.statistics(kInverse) + c);
                if (t.keeps) y.store(t.kept.row(r) + c);
                if (scale) y = y * Vec::load(pass.params[gamma].data + c);
                if (center) y += Vec::load(pass.params[beta].data + c);
                y.store(t.y.row(r) + c);
            }
            std::fill(t.y.row(r) + cols, t.y.row(r) + padded(cols), Scalar(0));  // may be 0 · ∞ where epsilon is 0
        });
    }

    /// With g = γ dy over n rows: dx = (n g - Σ g - x̂ Σ g x̂) / (n √(σ² + ε)); without the sums where μ and σ² are constants.
    void backward(const Pass& pass, const Trace& t) const {
        const Index n = t.dy.rows, cols = t.dy.cols;
        for_registers(pass.team, cols, [&](Index c) {
            sum_rows(n, [&](Index r) { return Vec::load(t.dy.row(r) + c); }).store(t.statistics(kSum) + c);
            sum_rows(n, [&](Index r) { return Vec::load(t.dy.row(r) + c) * Vec::load(t.kept.row(r) + c); })
                .store(t.statistics(kProduct) + c);
        });
        if (t.dx.data == nullptr) return;
        const bool of_batch = uses_batch(pass), shared = of_batch && pass.exchange;
        const Index sums = shared ? kAllSum : kSum, products = shared ? kAllProduct : kProduct;
        if (shared) {
            pass.team.phase([&](Member member) {
                if (member.rank > 0) return;
                std::copy_n(t.statistics(kSum), padded(cols), t.statistics(kAllSum));
                std::copy_n(t.statistics(kProduct), padded(cols), t.statistics(kAllProduct));
            });
            sum_over_processes(pass, t.statistics(kAllSum), t.kept.stride + cols);
        }
        const Vec share(1 / static_cast<Scalar>(all_rows(pass, t)));
        for_rows(pass.team, n, [&](Index r) {
            for (Index c = 0; c < cols; c += kLanes) {
                Vec g = Vec::load(t.dy.row(r) + c);
                if (of_batch)
                    g -= share * (Vec::load(t.statistics(sums) + c) +
                                  Vec::load(t.kept.row(r) + c) * Vec::load(t.statistics(products) + c));
                if (scale) g = g * Vec::load(pass.params[gamma].data + c);
                (g * Vec::load(t.statistics(kInverse) + c)).store(t.dx.row(r) + c);
            }
            std::fill(t.dx.row(r) + cols, t.dx.row(r) + padded(cols), Scalar(0));
        });
    }

    template <class Sink>
    void gradients(Member member, const Pass&, const Trace& t, const Sink& sink, Scalar* scratch) const {
        const Range cols = member.share(t.y.cols, kLanes);
        if (cols.count() == 0) return;
        const auto send = [&](const Slot& slot, Index which) {
            const Block block{slot, {0, 1}, cols};
            const View tile = sink.target(block, scratch);
            std::copy_n(t.statistics(which) + cols.first, cols.count(), tile.data);
            std::fill(tile.data + cols.count(), tile.data + padded(cols.count()), Scalar(0));
            sink.take(block, tile);
        };
        if (scale) send(gamma, kProduct);
        if (center) send(beta, kSum);
    }

    /// The moving statistics follow the batch. Not before its step is sure to be done: forward may yet be thrown away.
    void move(Member member, const Pass& pass, const Trace& t) const {
        if (!uses_batch(pass)) return;
        const Vec keep(momentum), follow(1 - momentum);
        const Range cols = member.share(t.y.cols, kLanes);
        for (const auto& [slot, which] : {std::pair{moving_mean, kMean}, std::pair{moving_variance, kVariance}}) {
            const View moving = pass.params[slot][0];
            for (Index c = cols.first; c < cols.last; c += kLanes) {
                (keep * Vec::load(moving.data + c) + follow * Vec::load(t.statistics(which) + c)).store(moving.data + c);
                clear_padding(moving, c);
            }
        }
    }

private:
    // kAllSum and kAllProduct follow one another in memory: sums over all processes, while the layer's gradients are its own rows'.
    enum Statistic : Index { kMean, kVariance, kInverse, kSum, kProduct, kAllSum, kAllProduct };

    static Index all_rows(const Pass& pass, const Trace& t) { return pass.exchange ? pass.whole() * t.groups : t.y.rows; }
    static Vec sum_of_x(const Trace& t, Index c) {
        const ConstView x = t.x.dense();
        return sum_rows(t.y.rows, [&](Index r) { return Vec::load(x.row(r) + c); });
    }
    static Vec sum_of_squares(const Trace& t, Index c, Vec mean) {
        const ConstView x = t.x.dense();
        return sum_rows(t.y.rows, [&](Index r) {
            const Vec d = Vec::load(x.row(r) + c) - mean;
            return d * d;
        });
    }
    /// kMean = Σ x and kProduct = Σ (x - μ)² over the rows of all processes.
    void share_statistics(const Pass& pass, const Trace& t) const {
        const Index cols = t.y.cols;
        for_registers(pass.team, cols, [&](Index c) { sum_of_x(t, c).store(t.statistics(kMean) + c); });
        sum_over_processes(pass, t.statistics(kMean), cols);
        const Vec share(1 / static_cast<Scalar>(all_rows(pass, t)));
        for_registers(pass.team, cols, [&](Index c) {
            sum_of_squares(t, c, share * Vec::load(t.statistics(kMean) + c)).store(t.statistics(kProduct) + c);
        });
        sum_over_processes(pass, t.statistics(kProduct), cols);
    }

    bool uses_batch(const Pass& pass) const { return pass.training && trainable; }
    static void clear_padding(View row, Index c) {
        if (c + kLanes > row.cols) std::fill(row.data + row.cols, row.data + c + kLanes, Scalar(0));
    }
};

}  // namespace lamella
