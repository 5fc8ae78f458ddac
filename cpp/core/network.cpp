#include "network.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>

namespace lamella {
namespace {

// Rows that walk through the network together in prediction: enough to use each weight often while it is in cache.
constexpr Index kPredictRows = 256;

// Multiply-adds that one more member must get for its share before waiting for it pays.
constexpr double kWorthAThread = 700e3;

/// The share of nonzeros up to which the first layer wants compressed rows; 0 if it cannot use them.
double densest_for(const std::vector<Layer>& layers) {
    const auto* first = layers.empty() ? nullptr : std::get_if<Dense>(&layers.front());
    return first ? densest_compressed(first->units) : 0;
}

}  // namespace

Workspace::Workspace(const std::vector<Layer>& layers, Index inputs, const std::vector<Index>& widths, Index rows, int members,
                     bool training)
    : rows(rows), members(members), batch(rows, inputs, members, densest_for(layers), training) {
    Index scratch_each = 0, total = 0;
    for (const Layer& layer : layers)
        scratch_each = std::max(scratch_each, std::visit([](const auto& l) { return l.scratch(); }, layer));
    for (const Index width : widths) total += rows * padded_stride(width) * (training ? 2 : 1);
    constexpr Index line = 64 / sizeof(Scalar);
    scratch_each = (scratch_each + line - 1) / line * line;
    storage_ = Buffer(total + scratch_each * members + line * static_cast<Index>(widths.size()) * 2);
    Scalar* at = storage_.data();
    const auto take = [&](Index width) {
        const View view{at, rows, width, padded_stride(width)};
        at += (rows * view.stride + line - 1) / line * line;
        return view;
    };
    for (int m = 0; m < members; ++m, at += scratch_each) scratch.push_back(at);
    for (const Index width : widths) outputs.push_back(take(width));
    if (training)
        for (const Index width : widths) deltas.push_back(take(width));
}

Network::Network(std::vector<Layer> layers, Index inputs) : inputs_(inputs) {
    for (Layer& layer : layers) {
        const auto* rescaling = std::get_if<Rescaling>(&layer);
        if (layers_.empty() && rescaling) {
            affine_ = {affine_.scale * rescaling->scale, affine_.offset * rescaling->scale + rescaling->offset};
            continue;
        }
        const Index width = widths_.empty() ? inputs_ : widths_.back();
        widths_.push_back(std::visit([&](auto& l) { return l.build(width, layout_); }, layer));
        layers_.push_back(std::move(layer));
    }
    params_ = Arena(layout_);
}

void Network::read(Scalar* values) const { lamella::read(layout_, params_, values); }

void Network::write(const Scalar* values) {
    lamella::write(layout_, params_, values);
    weights_changed(false);
}

void Network::weights_changed(bool known_finite) { finite_ = known_finite ? Finite::yes : Finite::unknown; }

bool Network::may_compress() const {
    const auto* first = layers_.empty() ? nullptr : std::get_if<Dense>(&layers_.front());
    if (!first) return false;
    if (finite_ == Finite::unknown) {
        const View w = params_[first->kernel];
        Vec dirt(Scalar(0));
        for (Index i = 0; i < first->kernel.span(); i += kLanes) watch_finite(Vec::load(w.data + i), dirt);
        finite_ = sum(dirt) == 0 ? Finite::yes : Finite::no;
    }
    return finite_ == Finite::yes;
}

double Network::densest() const { return densest_for(layers_); }

int Network::useful_threads(Index rows, int threads, int passes) const {
    const double work = static_cast<double>(layout_.size()) * static_cast<double>(rows) * passes;
    return std::clamp(static_cast<int>(std::min(work / kWorthAThread, 1e6)), 1, std::max(threads, 1));
}

void forward(const Team& team, const std::vector<Layer>& layers, const Arena& params, const Workspace& work, Index rows) {
    Input x(work.batch, rows);
    for (std::size_t l = 0; l < layers.size(); ++l) {
        const View y = work.outputs[l].middle_rows(0, rows);
        std::visit([&](const auto& layer) { layer.forward(team, params, x, y); }, layers[l]);
        x = Input(y);
    }
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
    for (int m = 0; m < members; ++m) workspaces.emplace_back(layers_, inputs_, widths_, rows, 1, false);

    std::atomic<Index> next{0};
    std::atomic<bool> stop{false};
    const std::atomic<bool> allowed{compress};
    const auto work_of = [&](Workspace& work, bool polls) {
        auto polled = std::chrono::steady_clock::now();
        for (Index block; !stop && (block = next.fetch_add(1)) < blocks;) {
            const Index first = block * rows, count = std::min(rows, total - first);
            work.batch.gather(Team(), source, {nullptr, first, count}, affine_, allowed);
            forward(Team(), layers_, params_, work, count);
            const ConstView y = layers_.empty() ? work.batch.dense(count) : ConstView(work.outputs.back());
            for (Index r = 0; r < count; ++r) std::copy_n(y.row(r), y.cols, out + (first + r) * y.cols);
            if (polls && std::chrono::steady_clock::now() - polled > std::chrono::milliseconds(20)) {
                if (poll()) stop = true;
                polled = std::chrono::steady_clock::now();
            }
        }
    };
    run_team(members, [&](const Team& team) {
        team.phase([&](Member member) { work_of(workspaces[member.rank], team.is_caller()); });
    });
}

}  // namespace lamella
