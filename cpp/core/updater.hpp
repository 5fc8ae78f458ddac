/// How gradients become new weights: an optimizer with its state, and the options that all optimizers have.
#pragma once

#include <functional>
#include <mutex>

#include "exchange.hpp"
#include "forks.hpp"
#include "penalties.hpp"
#include "update.hpp"

namespace lamella {

/// Keras' options of every optimizer; zero means none.
struct Options {
    static constexpr auto name = "Options";
    double weight_decay = 0;     // w -= w · weight_decay · η, before the rule
    double clipnorm = 0;         // of each weight's gradient
    double clipvalue = 0;        // of each number of the gradient
    double global_clipnorm = 0;  // of all gradients together
    bool use_ema = false;
    double ema_momentum = 0.99;
    Index ema_overwrite_frequency = 0, gradient_accumulation_steps = 0;

    static constexpr auto fields() {
        return std::tuple{Field{"weight_decay", &Options::weight_decay},
                          Field{"clipnorm", &Options::clipnorm},
                          Field{"clipvalue", &Options::clipvalue},
                          Field{"global_clipnorm", &Options::global_clipnorm},
                          Field{"use_ema", &Options::use_ema},
                          Field{"ema_momentum", &Options::ema_momentum},
                          Field{"ema_overwrite_frequency", &Options::ema_overwrite_frequency},
                          Field{"gradient_accumulation_steps", &Options::gradient_accumulation_steps}};
    }
};

/// Without norms and accumulation a gradient tile is applied at once. Otherwise all gradients are collected in an arena, and
/// further phases take norms and apply them. Both ways compute the same, number by number.
class Updater {
public:
    Updater(const Optimizer& optimizer, const Options& options, const Layout& layout);

    /// Which step: the learning rate, and the number of steps before it, those that only accumulate included.
    struct Moment {
        std::int64_t iteration = 0;
        Scalar rate = 0;
    };

    /// Hands all gradients of a member's share of the work to the sink.
    using Send = std::function<void(Member, const Sink&)>;

    /// One step; every thread of the team calls it. `send` is called in the first phase; when that ends nobody reads the
    /// weights any more. Does not count: `iterations` is the caller's, who may stop between steps.
    void step(const Team& team, const Arena& params, std::atomic<bool>& finite, Moment moment, const Send& send);

    /// Sums the gradients of all processes, flags at the end included. One thread calls it.
    using Meet = std::function<void(Scalar* gradients, Index count)>;

    /// The same step where other processes have the other rows: all gradients are collected, `meet` sums them, and unless it
    /// sets `left` they are applied. False if it did. Calls of prepare_exchange() come first.
    bool step_together(const Team& team, const Arena& params, std::atomic<bool>& finite, Moment moment, const Send& send,
                       const Meet& meet, const std::atomic<bool>& left, const Exchange& exchange);
    void prepare_exchange();

    /// Where the arena is cut for so many processes, of which each keeps the state of a part and updates its weights: nearly
    /// equal parts of whole pieces, so that norms are summed as ever. 0, ..., the arena's size.
    std::vector<Index> cuts(Index parts) const;
    /// From now on the state of a part is kept, and what there is of it; of what is new to this process it is zero.
    void keep(Range part);
    Range kept() const { return kept_; }
    bool is_whole() const { return kept_.count() == layout_.size(); }

    /// The step that follows once gradients() holds the gradient, or with accumulation the sum: norms of the whole, then
    /// update of the weights in `range` of the arena (by whole cache lines).
    void apply(const Team& team, const Arena& params, std::atomic<bool>& finite, Moment moment, Range range);

    /// Computes the regularization of the weights before a step, for the loss. Every thread of the team calls it.
    void measure(const Team& team, const Arena& params) { penalties_.measure(team, params); }
    Penalties& penalties() { return penalties_; }
    void regularize(const Slot& slot, const Regularizer& regularizer);

    /// The gradient, one contiguous buffer laid out as the weights; all zero before the first use.
    Arena& gradients();

    /// With averages, the weights become them; fit does so at its end. False if there is nothing to do.
    bool finalize(const Arena& params) const;

    const Layout& layout() const { return layout_; }
    const Options& options() const { return options_; }
    const std::vector<State>& states() const { return kinds_; }
    std::vector<Arena>& state() { return state_; }
    Arena& averages() { return averages_; }

    /// Weights that take part: others are not averaged and not part of norms, and nobody may send their gradients.
    const std::vector<bool>& trainable() const { return trainable_; }
    void set_trainable(std::vector<bool> trainable);
    /// Weights that decay, where there is a decay.
    void set_decayed(const std::vector<bool>& decayed);

    std::int64_t iterations = 0;
    ForkSafe<std::mutex>& mutex() { return mutex_; }  // taken after a network's

private:
    bool collects() const { return takes_norms() || accumulates(); }
    bool takes_norms() const { return options_.clipnorm > 0 || options_.global_clipnorm > 0; }
    bool accumulates() const { return options_.gradient_accumulation_steps > 1; }
    bool completes(std::int64_t iteration) const;
    std::int64_t update_of(std::int64_t iteration) const;
    bool is_decorated() const;
    void prepare(const Team& team, const Arena& params);

    template <class Use>
    void with_update(const Arena& params, std::atomic<bool>& finite, Moment moment, const Use& use);
    Extras extras(Moment moment) const;
    void apply(const Team& team, const Arena& params, std::atomic<bool>& finite, Moment moment, Range range,
               const Arena& gradients, const Exchange* exchange = nullptr);
    void accumulate(const Team& team, bool completes);
    void take_norms(const Team& team, const Arena& gradients, const Exchange* exchange);
    bool average_only(const Team& team, const Arena& params, Moment moment);
    void take_over(const Team& team, const Arena& params, std::atomic<bool>& finite, const Exchange& exchange) const;
    Range pieces_in(Range range) const;

    Optimizer optimizer_;
    Options options_;
    Layout layout_;
    std::vector<State> kinds_;
    std::vector<Arena> state_;
    Arena averages_, gradients_;
    Arena summed_;  // over processes, and flags
    Penalties penalties_;
    Arena slopes_;                // gradients of the penalties, where these are applied at once
    std::vector<bool> trainable_;
    std::vector<Scalar> decays_;  // by weight, without the rate
    std::vector<Scalar> scales_;  // by weight
    std::vector<Slot> pieces_;    // flat parts of the trainable weights, of a size that suits caches
    std::vector<double> squares_, weight_squares_;  // by piece, by weight
    Range kept_;                   // of the arena: what there is state of here
    ForkSafe<std::mutex> mutex_;
};

}  // namespace lamella
