/// A network: layers and their weights, and prediction.
#pragma once

#include "forks.hpp"
#include "shared_mutex.hpp"
#include "workspace.hpp"

namespace lamella {

class Network {
public:
    /// Builds the layers for samples of `inputs` numbers. Leading Rescaling layers are folded into the gathering of batches; an
    /// activation whose derivative needs its input becomes a layer of its own.
    Network(const std::vector<Layer>& specs, Index inputs);

    /// The network of the specs first ... last - 1 alone. It shares the weights, and the lock, of this one.
    std::shared_ptr<Network> part(std::size_t first, std::size_t last) const;

    Index inputs() const { return input_.groups * input_.width; }
    Shape input() const { return input_; }
    Shape output() const { return shapes_.empty() ? input_ : shapes_.back(); }
    /// Numbers of a sample's output.
    Index outputs() const { return output().groups * output().width; }
    const Layout& layout() const { return layout_; }
    const std::vector<Slot>& slots() const { return slots_; }
    const std::vector<Layer>& layers() const { return layers_; }
    const std::vector<Shape>& shapes() const { return shapes_; }
    Affine affine() const { return affine_; }
    const Arena& params() const { return stored_->params; }
    ForkSafe<SharedMutex>& mutex() const { return stored_->mutex; }

    /// Which specs are trained, for trainers that are made later.
    void set_trainable(const std::vector<bool>& by_spec);

    /// Copies all weights, slot after slot without padding, to or from `values`.
    void read(Scalar* values) const { read(params(), values); }
    void write(const Scalar* values);
    Index weight_count() const;
    /// The same for another arena of this layout.
    void read(const Arena& arena, Scalar* values) const;
    void write(const Scalar* values, const Arena& arena) const;

    /// out (rows × outputs, without padding) = the network applied to every row of `source`.
    void predict(const Source& source, Scalar* out, int threads, const Poll& poll) const;

    /// Whether the first layer may skip zeros: it can use compressed rows, and no weight of it is infinite or NaN
    /// (0 · NaN would be lost).
    bool may_compress() const;
    void weights_changed(bool known_finite);

    /// The share of nonzeros up to which batches are compressed; 0 if the first layer cannot use that.
    double densest() const { return densest_for(layers_); }

    /// Members that pay for themselves on so many rows at once.
    int useful_threads(Index rows, int threads, int passes) const;

private:
    enum class Finite { unknown, yes, no };

    struct Stored {
        Arena params;
        std::atomic<Finite> finite{Finite::unknown};
        ForkSafe<SharedMutex> mutex;  // shared by predictions, exclusive for changes of the weights
    };
    /// Where a spec went.
    struct Place {
        std::size_t layer, slot;
        Shape input;
        Affine affine;  // of the spec alone, if it was folded
    };

    Network() = default;
    void fold(Affine next);
    void add(const Layer& layer);

    std::vector<Layer> layers_;
    Shape input_;
    std::vector<Shape> shapes_;  // behind each layer
    std::vector<Place> places_;  // by spec, and one more behind the last
    Layout layout_;
    std::vector<Slot> slots_;
    Affine affine_;
    std::shared_ptr<Stored> stored_ = std::make_shared<Stored>();
};

}  // namespace lamella
