/// A network: layers and their weights, and prediction.
#pragma once

#include <functional>
#include <shared_mutex>

#include "layers.hpp"

namespace lamella {

/// What one pass needs besides the weights: a batch, each layer's output, in training each layer's delta, and scratch.
struct Workspace {
    Workspace(const std::vector<Layer>& layers, Index inputs, const std::vector<Index>& widths, Index rows, int members,
              bool training);

    Index rows;
    int members;
    Batch batch;
    std::vector<View> outputs, deltas;
    std::vector<Scalar*> scratch;  // by member

private:
    Buffer storage_;
};

/// Asked now and then during long work, by the calling thread; true means stop.
using Poll = std::function<bool()>;

class Network {
public:
    /// Builds the layers for `inputs` columns. Leading Rescaling layers are folded into the gathering of batches.
    Network(std::vector<Layer> layers, Index inputs);

    Index inputs() const { return inputs_; }
    Index outputs() const { return widths_.empty() ? inputs_ : widths_.back(); }
    const Layout& layout() const { return layout_; }
    const std::vector<Layer>& layers() const { return layers_; }
    const std::vector<Index>& widths() const { return widths_; }
    Affine affine() const { return affine_; }
    Arena& params() { return params_; }
    const Arena& params() const { return params_; }

    /// Copies all weights, slot after slot without padding, to or from `values`.
    void read(Scalar* values) const;
    void write(const Scalar* values);
    Index weight_count() const { return layout_.weight_count(); }

    /// out (rows × outputs, without padding) = the network applied to every row of `source`.
    void predict(const Source& source, Scalar* out, int threads, const Poll& poll) const;

    /// Whether the first layer may skip zeros: it can use compressed rows, and no weight of it is infinite or NaN
    /// (0 · NaN would be lost).
    bool may_compress() const;
    void weights_changed(bool known_finite);

    /// The share of nonzeros up to which batches are compressed; 0 if the first layer cannot use that.
    double densest() const;

    /// Members that pay for themselves on so many rows at once.
    int useful_threads(Index rows, int threads, int passes) const;

    std::shared_mutex& mutex() const { return mutex_; }

private:
    enum class Finite { unknown, yes, no };

    std::vector<Layer> layers_;
    Index inputs_;
    std::vector<Index> widths_;
    Layout layout_;
    Arena params_;
    Affine affine_;
    mutable std::atomic<Finite> finite_{Finite::unknown};
    mutable std::shared_mutex mutex_;  // shared by predictions, exclusive for changes of the weights
};

/// Runs all layers on the workspace's batch; every member of the team calls it.
void forward(const Team& team, const std::vector<Layer>& layers, const Arena& params, const Workspace& work, Index rows);

}  // namespace lamella
