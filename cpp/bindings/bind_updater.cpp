#include "bind_updater.hpp"

#include "../core/updater.hpp"
#include "arrays.hpp"
#include "gil.hpp"
#include "specs.hpp"

namespace lamella {
namespace {

using Numbers = Array<Scalar>;

std::shared_ptr<Updater> make_updater(const Optimizer& optimizer, const Options& options,
                                      const std::vector<std::pair<Index, Index>>& shapes) {
    Layout layout;
    for (const auto& [rows, cols] : shapes) layout.add(rows, cols);
    return std::make_shared<Updater>(optimizer, options, layout);
}

/// Runs `work` without the GIL, while no training changes the updater.
template <class Work>
void alone(Updater& updater, const Work& work) {
    const Released released;
    const std::scoped_lock lock(updater.mutex());
    work();
}

/// One arena's numbers, slot after slot without padding; none if the arena is not in use. Zero where it has only a part.
Numbers numbers_of(Updater& updater, const Arena& arena) {
    Numbers values(arena.size() ? updater.layout().weight_count() : 0);
    Scalar* data = values.mutable_data();
    if (arena.size()) alone(updater, [&] { read(updater.layout(), arena, updater.kept(), data); });
    return values;
}

void set_numbers(Updater& updater, Arena& arena, const Numbers& values) {
    require(values.size() == (arena.size() ? updater.layout().weight_count() : 0), "values: wrong size");
    const Scalar* data = values.data();
    if (arena.size()) alone(updater, [&] { write(updater.layout(), arena, updater.kept(), data); });
}

py::list get_state(Updater& updater) {
    py::list all;
    for (const Arena& arena : updater.state()) all.append(numbers_of(updater, arena));
    return all;
}

void set_state(Updater& updater, const std::vector<Numbers>& all) {
    require(all.size() == updater.state().size(), "state: wrong number of arrays");
    for (std::size_t i = 0; i < all.size(); ++i) set_numbers(updater, updater.state()[i], all[i]);
}

py::list states(const Updater& updater) {
    py::list all;
    for (const State& state : updater.states()) all.append(py::make_tuple(state.name, state.group));
    return all;
}

/// A view of the gradient arena with its padding, which must stay zero.
py::array gradient_arena(const std::shared_ptr<Updater>& updater) {
    Arena& arena = updater->gradients();
    return py::array(py::dtype::of<Scalar>(), {arena.size()}, {Index{sizeof(Scalar)}}, arena.data(), py::cast(updater));
}

void set_trainable(Updater& updater, const std::vector<bool>& trainable) {
    require(trainable.size() == updater.layout().slots().size(), "trainable: one flag for every weight");
    alone(updater, [&] { updater.set_trainable(trainable); });
}

const Slot& slot_at(const Updater& updater, std::size_t index) {
    require(index < updater.layout().slots().size(), "index: there is no such weight");
    return updater.layout().slots()[index];
}

void regularize(Updater& updater, std::size_t index, const Regularizer& regularizer) {
    alone(updater, [&] { updater.regularize(slot_at(updater, index), regularizer); });
}

void constrain(Updater& updater, std::size_t index, const Constraint& constraint) {
    alone(updater, [&] { updater.penalties().constrain(slot_at(updater, index), constraint); });
}

void set_decayed(Updater& updater, const std::vector<bool>& decayed) {
    require(decayed.size() == updater.layout().slots().size(), "decayed: one flag for every weight");
    alone(updater, [&] { updater.set_decayed(decayed); });
}

/// One step on weights that are no network's: both arrays flat, as get_state() has them. Changes `weights`.
void apply(Updater& updater, Numbers weights, const Numbers& gradients, Scalar rate) {
    const Index count = updater.layout().weight_count();
    require(weights.size() == count && gradients.size() == count, "weights, gradients: wrong size");
    require(updater.is_whole(), "apply: the updater keeps a part of its state");
    Scalar* values = weights.mutable_data();
    const Scalar* slopes = gradients.data();
    alone(updater, [&] {
        const Layout& layout = updater.layout();
        const Arena params(layout), given(layout);
        write(layout.slots(), params, values);
        write(layout.slots(), given, slopes);
        std::atomic<bool> finite{true};
        updater.step(Team(), params, finite, {updater.iterations, rate}, [&](Member, const Sink& sink) {
            for (const Slot& slot : layout.slots()) {
                if (!updater.trainable()[slot.index]) continue;
                Buffer scratch(padded(slot.cols));
                for_panels({0, slot.cols}, slot.width, [&](Range cols) {
                    for (Index r = 0; r < slot.rows; ++r) {
                        const Block block{slot, {r, r + 1}, cols};
                        const View tile = sink.target(block, scratch.data());
                        std::copy_n(block.of(given).data, padded(cols.count()), tile.data);
                        sink.take(block, tile);
                    }
                });
            }
        });
        ++updater.iterations;
        read(layout.slots(), params, values);
    });
}

void keep(Updater& updater, Index first, Index last) {
    constexpr Index line = 64 / sizeof(Scalar);
    require(0 <= first && first <= last && last <= updater.layout().size(), "first, last: out of range");
    require(first % line == 0 && last % line == 0, "first, last: must be at whole cache lines");
    alone(updater, [&] { updater.keep({first, last}); });
}

Index state_size(Updater& updater) {
    Index size = updater.averages().size();
    for (const Arena& arena : updater.state()) size += arena.size();
    return size;
}

void finalize(Updater& updater, Numbers weights) {
    require(updater.is_whole(), "finalize: the updater keeps a part of its state");
    require(weights.size() == updater.layout().weight_count(), "weights: wrong size");
    Scalar* values = weights.mutable_data();
    alone(updater, [&] {
        const Arena params(updater.layout());
        write(updater.layout().slots(), params, values);
        updater.finalize(params);
        read(updater.layout().slots(), params, values);
    });
}

}  // namespace

void bind_updater(py::module_& m) {
    using namespace py::literals;
    bind_spec<Options>(m);
    py::class_<Updater, std::shared_ptr<Updater>>(m, "Updater", py::module_local(), "An optimizer with its state.")
        .def(py::init(&make_updater), "optimizer"_a, "options"_a, "shapes"_a, "For weights of these (rows, columns).")
        .def_readwrite("iterations", &Updater::iterations, "Steps so far, those that only accumulate included.")
        .def_property_readonly("states", &states, "(name, group) of each state.")
        .def("get_state", &get_state, "The states, each in one flat array like a network's weights.")
        .def("set_state", &set_state, "values"_a)
        .def_property(
            "averages", [](Updater& u) { return numbers_of(u, u.averages()); },
            [](Updater& u, const Numbers& values) { set_numbers(u, u.averages(), values); }, "Of the weights, flat; or empty.")
        .def_property(
            "accumulated", [](Updater& u) { return numbers_of(u, u.gradients()); },
            [](Updater& u, const Numbers& values) { set_numbers(u, u.gradients(), values); }, "Gradients so far, flat.")
        .def_property("trainable", &Updater::trainable, &set_trainable, "By weight: whether it takes part.")
        .def("cuts", &Updater::cuts, "parts"_a, "Where the arena is cut for so many processes: 0, ..., its size.")
        .def("keep", &keep, "first"_a, "last"_a, "Keeps the state of a part of the arena; what is new is zero.")
        .def_property_readonly("state_size", &state_size, "Numbers of memory that states and averages take.")
        .def("regularize", &regularize, "index"_a, "regularizer"_a, "Of one weight.")
        .def("constrain", &constrain, "index"_a, "constraint"_a, "Of one weight, after every update.")
        .def("set_decayed", &set_decayed, "decayed"_a, "By weight: whether weight_decay is applied to it.")
        .def_property_readonly("gradients", &gradient_arena, "The gradient arena itself, with padding.")
        .def("apply", &apply, "weights"_a, "gradients"_a, "rate"_a, "One step on a flat array of weights, in place.")
        .def("finalize", &finalize, "weights"_a, "With averages, the flat weights become them.");
}

}  // namespace lamella
