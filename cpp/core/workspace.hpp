/// What one pass needs besides the weights.
#pragma once

#include "layers.hpp"

namespace lamella {

/// A batch, each layer's output and what it keeps, in training each layer's delta, and scratch.
class Workspace {
public:
    /// For up to `rows` samples; `outputs` are the shapes behind each layer, `input` is that before the first.
    Workspace(const std::vector<Layer>& layers, Shape input, const std::vector<Shape>& outputs, Index rows, int members,
              bool training);

    /// Layer number `layer` of a pass of `samples` samples. `input_delta` gets the delta of the first layer's input; for all other
    /// layers that is the delta of the layer before.
    Trace trace(std::size_t layer, Index samples, View input_delta = {}) const;

    View output(Index samples) const { return of(outputs_.back(), samples, shapes_.back()); }
    View delta(Index samples) const { return of(deltas_.back(), samples, shapes_.back()); }

    Index rows;
    int members;
    Batch batch;
    std::vector<Scalar*> scratch;  // by member

private:
    static View of(View all, Index samples, Shape shape) { return all.middle_rows(0, samples * shape.groups); }

    std::vector<Shape> shapes_;
    std::vector<View> outputs_, deltas_, kept_;
    bool training_;
    Buffer storage_;
};

/// Runs all layers on the workspace's batch; every member of the team calls it. False if it was stopped.
bool forward(const Pass& pass, const std::vector<Layer>& layers, const Workspace& work, Polling& polling);

/// Turns the deltas into those of the pre-activations, from the last layer down to the first that is trained, or further to the
/// inputs if `input_delta` is given. When it returns nobody reads the weights any more. False if it was stopped.
bool backward(const Pass& pass, const std::vector<Layer>& layers, const Workspace& work, View input_delta, Polling& polling);

/// A member's part of the gradients of all trained layers.
template <class Sink>
void send_gradients(Member member, const Pass& pass, const std::vector<Layer>& layers, const Workspace& work, const Sink& sink) {
    for (std::size_t l = layers.size(); l-- > 0;)
        if (is_trained(layers[l]))
            std::visit(
                [&](const auto& layer) {
                    layer.gradients(member, pass, work.trace(l, pass.samples), sink, work.scratch[member.rank]);
                },
                layers[l]);
}

/// A member's part of what layers learn from a batch besides gradients, in a step that nothing can throw away any more.
void move_statistics(Member member, const Pass& pass, const std::vector<Layer>& layers, const Workspace& work);

/// What the layers add to the loss of the batch.
double activity_penalty(const Pass& pass, const std::vector<Layer>& layers, const Workspace& work);

/// What the gradients of the first layer need of compressed columns.
Columns columns_for(const std::vector<Layer>& layers);

/// The share of nonzeros up to which the first layer wants compressed rows; 0 if it cannot use them.
double densest_for(const std::vector<Layer>& layers);

}  // namespace lamella
