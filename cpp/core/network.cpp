#include "network.hpp"

#include <algorithm>
#include <mutex>

namespace lamella {
namespace {

// Rows that walk through the network together in prediction: enough to use each weight often while it is in cache.
constexpr Index kPredictRows = 256;

// Multiply-adds that one more member must get for its share before waiting for it pays.
constexpr double kWorthAThread = 700e3;
// What a number of an elementwise layer costs in multiply-adds of a product, about.
constexpr double kElementwise = 8;

}  // namespace

Network::Network(const std::vector<Layer>& specs, Index inputs) : input_{1, inputs} {
    for (const Layer& spec : specs) {
        const auto* rescaling = layers_.empty() ? std::get_if<Rescaling>(&spec) : nullptr;
        places_.push_back({layers_.size(), layout_.slots().size(), output(),
                           rescaling ? Affine{rescaling->scale, rescaling->offset} : Affine{}});
        if (rescaling) fold(places_.back().affine);
        else add(spec);
    }
    places_.push_back({layers_.size(), layout_.slots().size(), output(), {}});
    slots_ = layout_.slots();
    stored_->params = Arena(layout_);
}

void Network::fold(Affine next) {
    affine_ = {affine_.scale * next.scale, affine_.offset * next.scale + next.offset};
}

void Network::add(const Layer& layer) {
    layers_.push_back(layer);
    auto* dense = std::get_if<Dense>(&layers_.back());
    const Activation activation = dense ? dense->activation : Activation{};
    const bool apart = needs_input(activation);
    if (apart) dense->activation = Linear{};
    shapes_.push_back(std::visit([&](auto& l) { return l.build(output(), layout_); }, layers_.back()));
    if (apart) add(ActivationLayer{.activation = activation});
}

std::shared_ptr<Network> Network::part(std::size_t first, std::size_t last) const {
    std::shared_ptr<Network> part(new Network());
    const Place &from = places_[first], &to = places_[last];
    const auto at = [](auto& all, std::size_t index) { return all.begin() + static_cast<std::ptrdiff_t>(index); };
    part->layers_.assign(at(layers_, from.layer), at(layers_, to.layer));
    part->shapes_.assign(at(shapes_, from.layer), at(shapes_, to.layer));
    part->slots_.assign(at(slots_, from.slot), at(slots_, to.slot));
    part->input_ = from.input;
    part->layout_ = layout_;
    part->stored_ = stored_;
    for (std::size_t i = first; i <= last; ++i) {
        part->places_.push_back({places_[i].layer - from.layer, places_[i].slot - from.slot, places_[i].input, places_[i].affine});
        if (i < last) part->fold(places_[i].affine);
    }
    return part;
}

void Network::set_trainable(const std::vector<bool>& by_spec) {
    for (std::size_t i = 0; i < by_spec.size(); ++i)
        for (std::size_t l = places_[i].layer; l < places_[i + 1].layer; ++l)
            std::visit(
                [&](auto& layer) {
                    if constexpr (requires { layer.trainable; }) layer.trainable = by_spec[i];
                },
                layers_[l]);
}

Index Network::weight_count() const {
    Index count = 0;
    for (const Slot& slot : slots_) count += slot.rows * slot.cols;
    return count;
}

void Network::read(const Arena& arena, Scalar* values) const { lamella::read(slots_, arena, values); }

void Network::write(const Scalar* values, const Arena& arena) const { lamella::write(slots_, arena, values); }

void Network::write(const Scalar* values) {
    write(values, params());
    weights_changed(false);
}

void Network::weights_changed(bool known_finite) { stored_->finite = known_finite ? Finite::yes : Finite::unknown; }

bool Network::may_compress() const {
    const auto* first = layers_.empty() ? nullptr : std::get_if<Dense>(&layers_.front());
    if (!first) return false;
    std::atomic<Finite>& finite = stored_->finite;
    if (finite == Finite::unknown) {
        const Scalar* w = params().at(first->kernel.offset);
        Vec dirt(Scalar(0));
        for (Index i = 0; i < first->kernel.span(); i += kLanes) watch_finite(Vec::load(w + i), dirt);
        finite = sum(dirt) == 0 ? Finite::yes : Finite::no;
    }
    return finite == Finite::yes;
}

int Network::useful_threads(Index rows, int threads, int passes) const {
    double each = 0;  // multiply-adds a sample
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        const Shape before = l > 0 ? shapes_[l - 1] : input_, behind = shapes_[l];
        const bool is_dense = std::holds_alternative<Dense>(layers_[l]);
        each += static_cast<double>(behind.groups) * static_cast<double>(behind.width) *
                (is_dense ? static_cast<double>(before.width) : kElementwise);
    }
    const double work = each * static_cast<double>(rows) * passes;
    return std::clamp(static_cast<int>(std::min(work / kWorthAThread, 1e6)), 1, std::max(threads, 1));
}

void Network::predict(const Source& source, Scalar* out, int threads, const Poll& poll) const {
    const Index total = row_count(source);
    const bool compress = may_compress();
    const Index rows = std::min(kPredictRows, total);
    if (rows == 0) return;
    const Index blocks = (total + rows - 1) / rows;
    const int members = static_cast<int>(std::min<Index>(blocks, useful_threads(total, threads, 1)));
    std::vector<Workspace> workspaces;
    workspaces.reserve(members);
    for (int m = 0; m < members; ++m) workspaces.emplace_back(layers_, input_, shapes_, rows, 1, false);

    std::atomic<Index> next{0};
    const std::atomic<bool> allowed{compress};
    Polling polling(poll), nobody;
    const auto work_of = [&](Workspace& work, bool polls) {
        for (Index block; !polling.stopped() && (block = next.fetch_add(1)) < blocks;) {
            const Index first = block * rows, count = std::min(rows, total - first);
            const Team team;
            work.batch.gather(team, source, {nullptr, first, count}, affine_, allowed);
            const Pass pass{.team = team, .params = params(), .samples = count};
            if (!forward(pass, layers_, work, polls ? polling : nobody)) return;
            const ConstView y = layers_.empty() ? work.batch.dense(count) : ConstView(work.output(count));
            for (Index r = 0; r < y.rows; ++r) std::copy_n(y.row(r), y.cols, out + first * outputs() + r * y.cols);
        }
    };
    run_team(members, [&](const Team& team) {
        team.phase([&](Member member) { work_of(workspaces[member.rank], team.is_caller()); });
    });
    for (const Workspace& work : workspaces) work.batch.require_whole();
}

}  // namespace lamella
