#include "updater.hpp"

#include <limits>

namespace lamella {
namespace {

constexpr Index kLine = 64 / sizeof(Scalar);
constexpr Index kPiece = 4096;  // numbers

/// `count` is a multiple of 8. Eight sums side by side: an order that no instruction set and no number of threads changes.
double sum_of_squares(const Scalar* values, Index count) {
    std::array<double, 8> sums{};
    for (Index i = 0; i < count; i += 8)
        for (Index j = 0; j < 8; ++j) {
            const auto value = static_cast<double>(values[i + j]);
            sums[j] += value * value;
        }
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// The part of a piece that lies in `range` of the arena.
Slot within(const Slot& piece, Range range) {
    const Index first = std::max(piece.offset, range.first), last = std::min(piece.offset + piece.cols, range.last);
    const Index count = std::max<Index>(last - first, 0);
    return {first, 1, count, count, std::max<Index>(count, 1), piece.index};
}

}  // namespace

Updater::Updater(const Optimizer& optimizer, const Options& options, const Layout& layout)
    : optimizer_(optimizer), options_(options), layout_(layout), kept_{0, layout.size()} {
    std::visit([&](const auto& spec) { spec.with_rule([&](const auto& rule) {
        const auto states = rule.states();
        kinds_.assign(states.begin(), states.end());
    }); }, optimizer_);
    for (const State& kind : kinds_) {
        const Arena& arena = state_.emplace_back(layout_);
        fill(layout_, arena, kind.start);
    }
    if (options_.use_ema) averages_ = Arena(layout_);
    if (collects()) gradients_ = Arena(layout_);
    const std::size_t count = layout_.slots().size();
    weight_squares_.assign(count, 0);
    scales_.assign(count, accumulates() ? 1 / static_cast<Scalar>(options_.gradient_accumulation_steps) : Scalar(1));
    set_decayed(std::vector<bool>(count, true));
    set_trainable(std::vector<bool>(count, true));
}

Arena& Updater::gradients() {
    if (is_whole() && gradients_.size() != layout_.size()) gradients_ = Arena(layout_);
    return gradients_;
}

void Updater::set_trainable(std::vector<bool> trainable) {
    trainable_ = std::move(trainable);
    pieces_.clear();
    for (const Slot& slot : layout_.slots()) {
        if (!trainable_[slot.index]) continue;
        const Index span = (slot.span() + kLine - 1) / kLine * kLine;
        for (Index at = 0; at < span; at += kPiece) {
            const Index count = std::min(kPiece, span - at);
            pieces_.push_back({slot.offset + at, 1, count, count, count, slot.index});
        }
    }
    squares_.assign(pieces_.size(), 0);
}

void Updater::regularize(const Slot& slot, const Regularizer& regularizer) {
    penalties_.regularize(slot, regularizer);
    if (!collects() && slopes_.size() == 0) slopes_ = Arena(layout_);
}

void Updater::set_decayed(const std::vector<bool>& decayed) {
    decays_.assign(decayed.size(), 0);
    for (std::size_t i = 0; i < decayed.size(); ++i)
        if (decayed[i]) decays_[i] = static_cast<Scalar>(options_.weight_decay);
}

bool Updater::is_decorated() const {
    return collects() || options_.weight_decay > 0 || options_.clipvalue > 0 || options_.use_ema || penalties_.regularizes();
}

bool Updater::completes(std::int64_t iteration) const {
    return !accumulates() || (iteration + 1) % options_.gradient_accumulation_steps == 0;
}

/// The number of updates before a step.
std::int64_t Updater::update_of(std::int64_t iteration) const {
    return accumulates() ? iteration / options_.gradient_accumulation_steps : iteration;
}

Extras Updater::extras(Moment moment) const {
    const std::int64_t update = update_of(moment.iteration);
    const Index every = options_.ema_overwrite_frequency;
    return {.scales = scales_.data(),
            .slopes = collects() || !penalties_.regularizes() ? nullptr : &slopes_,
            .limit = options_.clipvalue > 0 ? static_cast<Scalar>(options_.clipvalue) : std::numeric_limits<Scalar>::infinity(),
            .decays = decays_.data(),
            .rate = moment.rate,
            .averages = options_.use_ema ? &averages_ : nullptr,
            .keep = update == 0 ? Scalar(0) : static_cast<Scalar>(options_.ema_momentum),
            .overwrite = every > 0 && (update + 1) % every == 0};
}

/// Calls use(sink) with the sink that updates the weights.
template <class Use>
void Updater::with_update(const Arena& params, std::atomic<bool>& finite, Moment moment, const Use& use) {
    const Weights weights{params, state_, finite};
    const Extras extras = this->extras(moment);
    const auto run = [&]<class Rule>(const Rule& rule) {
        const auto step = rule.at(update_of(moment.iteration), moment.rate);
        if (is_decorated()) use(Update<Rule, true>(rule, step, weights, extras));
        else use(Update<Rule, false>(rule, step, weights, extras));
    };
    std::visit([&](const auto& spec) { spec.with_rule(run); }, optimizer_);
}

void Updater::step(const Team& team, const Arena& params, std::atomic<bool>& finite, Moment moment, const Send& send) {
    prepare(team, params);
    const auto send_to = [&](const Sink& sink) { team.phase([&](Member member) { send(member, sink); }); };
    if (!collects()) {
        with_update(params, finite, moment, send_to);
        return penalties_.constrain(team, params);
    }
    if (accumulates()) send_to(Accumulate(gradients_));
    else send_to(Collect(gradients_));
    if (completes(moment.iteration)) apply(team, params, finite, moment, {0, layout_.size()});
    else if (options_.use_ema) average_only(team, params, moment);
}

void Updater::prepare_exchange() {
    if (summed_.size() == 0) summed_ = Arena(layout_, Exchange::kFlags);
}

std::vector<Index> Updater::cuts(Index parts) const {
    std::vector<Index> found{0};
    for (Index p = 1; p < parts; ++p) {
        const auto piece = std::ranges::lower_bound(pieces_, layout_.size() * p / parts, {}, &Slot::offset);
        found.push_back(piece == pieces_.end() ? layout_.size() : piece->offset);
    }
    found.push_back(layout_.size());
    return found;
}

void Updater::keep(Range part) {
    const Range both{std::max(part.first, kept_.first), std::min(part.last, kept_.last)};
    const auto moved = [&](const Arena& arena) {
        const Arena now(layout_, part);
        if (both.first < both.last) std::copy_n(arena.at(both.first), both.count(), now.at(both.first));
        return now;
    };
    for (Arena& arena : state_) arena = moved(arena);
    if (averages_.size()) averages_ = moved(averages_);
    if (accumulates()) gradients_ = moved(gradients_);
    else gradients_ = Arena();
    kept_ = part;
    if (is_whole() && collects()) gradients();
}

bool Updater::step_together(const Team& team, const Arena& params, std::atomic<bool>& finite, Moment moment, const Send& send,
                            const Meet& meet, const std::atomic<bool>& left, const Exchange& exchange) {
    prepare(team, params);
    const Collect sink(summed_);
    team.phase([&](Member member) { send(member, sink); });
    team.phase([&](Member member) {
        if (member.rank > 0) return;
        if (!is_whole()) clear_padding(layout_, summed_);  // the last sum may have left anything where others keep the state
        meet(summed_.data(), layout_.size());
    });
    if (left) return false;
    const bool now = completes(moment.iteration);
    if (accumulates()) accumulate(team, now);
    if (now) apply(team, params, finite, moment, kept_, summed_, &exchange);
    else if (options_.use_ema && average_only(team, params, moment)) take_over(team, params, finite, exchange);
    return true;
}

/// Adds what was summed over processes to the gradients so far; where that completes them, they are moved there.
void Updater::accumulate(const Team& team, bool completes) {
    team.phase([&](Member member) {
        const Range mine = member.share(kept_.count(), kLine);
        Scalar *sums = gradients_.at(kept_.first), *step = summed_.at(kept_.first);
        for (Index i = mine.first; i < mine.last; i += kLanes) {
            (Vec::load(sums + i) + Vec::load(step + i)).store((completes ? step : sums) + i);
            if (completes) Vec(Scalar(0)).store(sums + i);
        }
    });
}

/// Takes over the weights that other processes have updated.
void Updater::take_over(const Team& team, const Arena& params, std::atomic<bool>& finite, const Exchange& exchange) const {
    if (is_whole()) return;
    team.phase([&](Member member) {
        if (member.rank == 0) exchange.weights(params.data(), layout_.size());
    });
    team.phase([&](Member member) {
        const Range mine = member.share(layout_.size(), kLine);
        Vec dirt(Scalar(0));
        for (Index i = mine.first; i < mine.last; i += kLanes) watch_finite(Vec::load(params.data() + i), dirt);
        if (!(sum(dirt) == 0)) finite.store(false, std::memory_order_relaxed);
    });
}

/// Which pieces lie in a range of the arena, at least in part.
Range Updater::pieces_in(Range range) const {
    const auto end = [](const Slot& piece) { return piece.offset + piece.cols; };
    return {std::ranges::upper_bound(pieces_, range.first, {}, end) - pieces_.begin(),
            std::ranges::lower_bound(pieces_, range.last, {}, &Slot::offset) - pieces_.begin()};
}

void Updater::apply(const Team& team, const Arena& params, std::atomic<bool>& finite, Moment moment, Range range) {
    apply(team, params, finite, moment, range, gradients_);
}

void Updater::apply(const Team& team, const Arena& params, std::atomic<bool>& finite, Moment moment, Range range,
                    const Arena& gradients, const Exchange* exchange) {
    if (penalties_.regularizes() && collects())
        penalties_.add_gradients(team, params, gradients,
                                 accumulates() ? static_cast<Scalar>(options_.gradient_accumulation_steps) : Scalar(1));
    if (takes_norms()) take_norms(team, gradients, exchange);
    const Range pieces = pieces_in(range);
    with_update(params, finite, moment, [&](const Sink& sink) {
        team.phase([&](Member member) {
            const Range mine = member.share(pieces.count());
            for (Index p = mine.first; p < mine.last; ++p) {
                const Slot piece = within(pieces_[pieces.first + p], range);
                const View gradient = gradients[piece][0];
                sink.take({piece, {0, 1}, {0, piece.cols}}, gradient);
                if (accumulates()) std::fill_n(gradient.data, piece.cols, Scalar(0));
            }
        });
    });
    if (exchange) take_over(team, params, finite, *exchange);
    penalties_.constrain(team, params);
}

/// Where the gradient goes into the weights tile by tile, that of the penalties is computed before it.
void Updater::prepare(const Team& team, const Arena& params) {
    if (collects() || !penalties_.regularizes()) return;
    team.phase([&](Member member) {
        if (slopes_.size() == 0) return;
        const Range mine = member.share(slopes_.size(), kLine);
        std::fill(slopes_.data() + mine.first, slopes_.data() + mine.last, Scalar(0));
    });
    penalties_.add_gradients(team, params, slopes_, 1);
}

/// Turns the norms of the gradients into scales. Processes that keep a part have each the sums of its pieces.
void Updater::take_norms(const Team& team, const Arena& gradients, const Exchange* exchange) {
    const Range pieces = pieces_in(kept_);
    team.phase([&](Member member) {
        const Range mine = member.share(pieces.count());
        for (Index p = pieces.first + mine.first; p < pieces.first + mine.last; ++p)
            squares_[p] = sum_of_squares(gradients[pieces_[p]].data, pieces_[p].cols);
    });
    team.phase([&](Member member) {
        if (member.rank > 0) return;
        if (!is_whole()) {
            std::fill(squares_.begin(), squares_.begin() + pieces.first, 0.0);
            std::fill(squares_.begin() + pieces.last, squares_.end(), 0.0);
            exchange->sum(squares_.data(), static_cast<Index>(squares_.size()));
        }
        std::ranges::fill(weight_squares_, 0.0);
        double of_all = 0;
        for (std::size_t p = 0; p < pieces_.size(); ++p) weight_squares_[pieces_[p].index] += squares_[p];
        for (const double squares : weight_squares_) of_all += squares;
        const double mean = accumulates() ? 1.0 / static_cast<double>(options_.gradient_accumulation_steps) : 1.0;
        const double most = options_.clipnorm > 0 ? options_.clipnorm : options_.global_clipnorm;
        for (std::size_t i = 0; i < scales_.size(); ++i) {
            const double norm = mean * std::sqrt(options_.clipnorm > 0 ? weight_squares_[i] : of_all);
            scales_[i] = static_cast<Scalar>(mean * (most / std::max(norm, most)));  // NaN if the norm is
        }
    });
}

/// Averages after a step that changed no weights. Whether these became them.
bool Updater::average_only(const Team& team, const Arena& params, Moment moment) {
    const Extras extras = this->extras(moment);
    const Range pieces = pieces_in(kept_);
    team.phase([&](Member member) {
        const Range mine = member.share(pieces.count());
        for (Index p = pieces.first + mine.first; p < pieces.first + mine.last; ++p) {
            Scalar *w = params[pieces_[p]].data, *mean = averages_[pieces_[p]].data;
            for (Index c = 0; c < pieces_[p].cols; c += kLanes) {
                Vec weight = Vec::load(w + c), running = Vec::load(mean + c);
                average(weight, running, extras);
                running.store(mean + c);
                weight.store(w + c);
            }
        }
    });
    return extras.overwrite;
}

bool Updater::finalize(const Arena& params) const {
    if (!options_.use_ema || iterations == 0) return false;
    for (const Slot& piece : pieces_) std::copy_n(averages_[piece].data, piece.cols, params[piece].data);
    return true;
}

}  // namespace lamella
