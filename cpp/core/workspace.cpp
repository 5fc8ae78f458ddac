#include "workspace.hpp"

#include <algorithm>

#include "memory.hpp"

namespace lamella {

Workspace::Workspace(const std::vector<Layer>& layers, Shape input, const std::vector<Shape>& outputs, Index rows, int members,
                     bool training)
    : rows(rows),
      members(members),
      batch(rows, input.groups * input.width, members, densest_for(layers), training ? columns_for(layers) : Columns::kNone),
      shapes_(outputs),
      training_(training) {
    constexpr Index line = 64 / sizeof(Scalar);
    const auto lines = [](Index numbers) { return (numbers + line - 1) / line * line; };
    struct Part {
        View view;
        Index size() const { return times(view.rows, view.stride); }
    };
    const auto part = [](Index count, Index cols) { return Part{{nullptr, count, cols, padded_stride(cols)}}; };
    std::vector<Part> parts;
    Index scratch_each = 0;
    for (std::size_t l = 0; l < layers.size(); ++l) {
        const Index count = times(rows, outputs[l].groups), width = outputs[l].width;
        scratch_each = std::max(scratch_each, lines(std::visit([](const auto& layer) { return layer.scratch(); }, layers[l])));
        parts.push_back(part(count, width));
        parts.push_back(part(training ? count : 0, width));
        const Index before = l > 0 ? outputs[l - 1].width : input.width;
        const Index keeps = std::visit([&](const auto& layer) { return layer.kept(before); }, layers[l]);
        parts.push_back(part(keeps ? (training ? count : 0) + Trace::kStatistics : 0, keeps));
    }
    Index total = times(scratch_each, members);
    for (const Part& p : parts) total = plus(total, lines(p.size()));
    storage_ = Buffer(total);
    Scalar* at = storage_.data();
    for (int m = 0; m < members; ++m, at += scratch_each) scratch.push_back(at);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i].view.data = at;
        at += lines(parts[i].size());
        (i % 3 == 0 ? outputs_ : i % 3 == 1 ? deltas_ : kept_).push_back(parts[i].view);
    }
}

Trace Workspace::trace(std::size_t layer, Index samples, View input_delta) const {
    Trace t{layer > 0 ? Input(of(outputs_[layer - 1], samples, shapes_[layer - 1])) : Input(batch, samples)};
    t.y = of(outputs_[layer], samples, shapes_[layer]);
    if (training_) t.dy = of(deltas_[layer], samples, shapes_[layer]);
    t.dx = layer > 0 && training_ ? of(deltas_[layer - 1], samples, shapes_[layer - 1]) : input_delta;
    t.groups = shapes_[layer].groups;
    t.kept = kept_[layer];
    t.keeps = training_;
    t.scratch = &scratch;
    return t;
}

bool forward(const Pass& pass, const std::vector<Layer>& layers, const Workspace& work, Polling& polling) {
    for (std::size_t l = 0; l < layers.size(); ++l) {
        polling.look(pass.team);
        std::visit([&](const auto& layer) { layer.forward(pass, work.trace(l, pass.samples)); }, layers[l]);
        if (polling.stopped()) return false;
    }
    return true;
}

bool backward(const Pass& pass, const std::vector<Layer>& layers, const Workspace& work, View input_delta, Polling& polling) {
    std::size_t lowest = 0;
    if (!input_delta.data)
        while (lowest + 1 < layers.size() && !is_trained(layers[lowest])) ++lowest;
    for (std::size_t l = layers.size(); l-- > lowest;) {
        Trace t = work.trace(l, pass.samples, input_delta);
        if (l == lowest && !input_delta.data) t.dx = {};
        polling.look(pass.team);
        std::visit([&](const auto& layer) { layer.backward(pass, t); }, layers[l]);
        if (polling.stopped()) return false;
    }
    return true;
}

void move_statistics(Member member, const Pass& pass, const std::vector<Layer>& layers, const Workspace& work) {
    for (std::size_t l = 0; l < layers.size(); ++l)
        if (const auto* normalization = std::get_if<BatchNormalization>(&layers[l]))
            normalization->move(member, pass, work.trace(l, pass.samples));
}

double activity_penalty(const Pass& pass, const std::vector<Layer>& layers, const Workspace& work) {
    double total = 0;
    for (std::size_t l = 0; l < layers.size(); ++l)
        if (const auto* watching = std::get_if<ActivityRegularization>(&layers[l]))
            total += watching->penalty(pass, work.trace(l, pass.samples));
    return total;
}

Columns columns_for(const std::vector<Layer>& layers) {
    const auto* first = layers.empty() ? nullptr : std::get_if<Dense>(&layers.front());
    return !first ? Columns::kNone : first->scatters() ? Columns::kCuts : Columns::kLists;
}

double densest_for(const std::vector<Layer>& layers) {
    const auto* first = layers.empty() ? nullptr : std::get_if<Dense>(&layers.front());
    return first && !first->kernel.transposed ? densest_compressed(first->units) : 0;
}

}  // namespace lamella
