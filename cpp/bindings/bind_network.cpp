#include "bind_network.hpp"

#include <pybind11/stl.h>

#include <mutex>

#include "../core/compress.hpp"
#include "../core/trainer.hpp"
#include "arrays.hpp"
#include "gil.hpp"

namespace lamella {
namespace {

Examples examples_of(const Network& network, const py::object& x, const py::array& y, const py::object& weights) {
    Examples data{.x = source_of(x)};
    const Index rows = row_count(data.x);
    std::visit([&](const auto& from) { require(from.cols == network.inputs(), "x: wrong number of columns"); }, data.x);
    const Shape output = network.output();
    require(y.shape(0) == rows * output.groups, "y: wrong number of rows");
    if (y.ndim() == 1) {
        require(py::isinstance<Array<std::int32_t>>(y), "y: labels must be int32");
        data.labels = static_cast<const std::int32_t*>(y.data());
    } else {
        require(py::isinstance<Numbers>(y) && y.shape(1) == output.width, "y: must be rows x outputs");
        data.targets = static_cast<const Scalar*>(y.data());
        data.target_cols = y.shape(1);
    }
    if (!weights.is_none()) {
        require(py::isinstance<Numbers>(weights), "weights: must be an array");
        const auto array = weights.cast<py::array>();
        require(array.size() == rows, "weights: wrong number of rows");
        data.weights = static_cast<const Scalar*>(array.data());
    }
    return data;
}

/// Keeps others from writing. A function of the user's that runs while the network is at work finds it so already.
auto reading(const Network& network) {
    return network.mutex().lent() ? std::shared_lock<ForkSafe<SharedMutex>>() : std::shared_lock(network.mutex());
}

Numbers get_weights(const Network& network) {
    Numbers values(network.weight_count());
    Scalar* data = values.mutable_data();
    const Released released;
    const auto lock = reading(network);
    network.read(data);
    return values;
}

void set_weights(Network& network, const Numbers& values) {
    require(values.size() == network.weight_count(), "weights: wrong size");
    const Scalar* data = values.data();
    const Released released;
    const std::unique_lock lock(network.mutex());
    network.write(data);
}

Numbers predict(const Network& network, const py::object& x, int threads) {
    const Source source = source_of(x);
    std::visit([&](const auto& from) { require(from.cols == network.inputs(), "x: wrong number of columns"); }, source);
    Numbers out({row_count(source), network.outputs()});
    Scalar* data = out.mutable_data();
    without_gil([&](const Poll& poll) {
        const bool outermost = !network.mutex().lent();
        const auto lock = reading(network);
        const Poll asked = [&] {
            if (!outermost) return poll();
            const Lending lending(network.mutex());
            return poll();
        };
        network.predict(source, data, threads ? threads : max_threads(), asked);
        return true;
    });
    return out;
}

/// A loss written in Python, for as long as a call lasts. What it raises is kept, and thrown when the call has returned.
class PythonLoss {
public:
    explicit PythonLoss(const py::object& call) : call_(call) {
        if (call.is_none()) return;
        external_ = [this](Batch::Rows samples, ConstView y, Scalar* values, View slopes) {
            return run(samples, y, values, slopes);
        };
    }
    const External* external() const { return external_ ? &external_ : nullptr; }
    void rethrow() const {
        if (error_) std::rethrow_exception(error_);
    }

private:
    bool run(Batch::Rows samples, ConstView y, Scalar* values, View slopes) {
        const Acquired gil;
        try {
            Array<std::int64_t> rows(samples.count);
            for (Index i = 0; i < samples.count; ++i) rows.mutable_data()[i] = samples[i];
            Numbers predictions({y.rows, y.cols});
            for (Index r = 0; r < y.rows; ++r) std::copy_n(y.row(r), y.cols, predictions.mutable_data(r, 0));
            const auto [of_rows, by_outputs] = call_(rows, predictions, slopes.data != nullptr).cast<std::pair<Numbers, py::object>>();
            require(of_rows.size() == y.rows, "loss: a value for every row");
            std::copy_n(of_rows.data(), y.rows, values);
            if (!slopes.data) return true;
            const auto gradient = by_outputs.cast<Numbers>();
            require(gradient.ndim() == 2 && gradient.shape(0) == y.rows && gradient.shape(1) == y.cols, "loss: a gradient like y");
            for (Index r = 0; r < y.rows; ++r) std::copy_n(gradient.data(r, 0), y.cols, slopes.row(r));
            return true;
        } catch (...) {
            error_ = std::current_exception();
            return false;
        }
    }

    const py::object& call_;
    External external_;
    std::exception_ptr error_;
};

/// What sums numbers over all processes, written in Python: call(array, what it is) -> whether all go on. Kept errors as above.
class PythonExchange {
public:
    explicit PythonExchange(const py::object& call) : call_(call) {
        exchange_.numbers = [this](void* numbers, Index count, Index size) { run(numbers, count, size, "numbers"); };
        exchange_.gradients = [this](Scalar* numbers, Index count) {
            return run(numbers, count + Exchange::kFlags, sizeof(Scalar), "gradients");
        };
        exchange_.weights = [this](Scalar* numbers, Index count) { run(numbers, count, sizeof(Scalar), "weights"); };
    }
    const Exchange* exchange() const { return call_.is_none() ? nullptr : &exchange_; }
    void rethrow() const {
        if (error_) std::rethrow_exception(error_);
    }

private:
    bool run(void* numbers, Index count, Index size, const char* what) {
        if (error_) return false;
        const py::gil_scoped_acquire gil;
        try {
            const py::dtype kind = size == sizeof(double) ? py::dtype::of<double>() : py::dtype::of<float>();
            const py::capsule alive(numbers, [](void*) {});
            return call_(py::array(kind, {count}, {size}, numbers, alive), what).cast<bool>();
        } catch (...) {
            error_ = std::current_exception();
            return false;
        }
    }

    const py::object& call_;
    Exchange exchange_;
    std::exception_ptr error_;
};

/// Shares of batches, a row (first, count, place, batch) for each.
std::vector<Share> shares_of(const py::object& given, Index rows) {
    std::vector<Share> shares;
    if (given.is_none()) return shares;
    const auto array = given.cast<Array<std::int64_t>>();
    require(array.ndim() == 2 && array.shape(1) == 4, "shares: must be steps x 4");
    for (Index s = 0; s < array.shape(0); ++s) {
        const std::int64_t* row = array.data(s, 0);
        shares.push_back({row[0], row[1], row[2], row[3]});
        const Share& mine = shares.back();
        require(mine.first >= 0 && mine.count >= 0 && mine.first + mine.count <= rows, "shares: rows out of range");
        require(mine.place >= 0 && mine.batch > 0 && mine.place + mine.count <= mine.batch, "shares: place out of range");
    }
    return shares;
}

/// Where predictions of so many samples are to be written; null for None.
Scalar* predictions_of(const py::object& predictions, Index samples, const Network& network) {
    if (predictions.is_none()) return nullptr;
    require(py::isinstance<Numbers>(predictions), "predictions: must be an array");
    auto array = predictions.cast<Numbers>();
    require(array.size() == samples * network.outputs(), "predictions: wrong size");
    return array.mutable_data();
}

Index train(Trainer& trainer, const Network& network, const py::object& x, const py::array& y, const py::object& weights,
            const Array<std::int64_t>& order, Index batch, const Numbers& rates, const py::object& predictions,
            const py::object& external, const py::object& exchange, const py::object& shares) {
    Examples data = examples_of(network, x, y, weights);
    const Index rows = row_count(data.x), count = order.size();
    require(batch > 0 && (count > 0 || !exchange.is_none()), "order, batch: must not be empty");
    require(!exchange.is_none() || trainer.updater()->is_whole(), "exchange: the updater keeps a part of its state");
    const PythonExchange others(exchange);
    const std::vector<Share> parts = shares_of(shares, count);
    data.exchange = others.exchange();
    data.shares = shares.is_none() ? nullptr : parts.data();
    data.shared_steps = static_cast<Index>(parts.size());
    for (const Share& part : parts) require(part.count <= batch, "shares: more rows than a batch");
    require(rates.size() == data.steps(count, batch), "rates: one for every step");
    for (Index i = 0; i < count; ++i) require(order.data()[i] >= 0 && order.data()[i] < rows, "order: row out of range");
    const PythonLoss loss(external);
    data.external = loss.external();
    data.predictions = predictions_of(predictions, count, network);
    const Index steps = without_gil([&](const Poll& poll) {
        return trainer.train(data, order.data(), count, batch, rates.data(), max_threads(), poll);
    });
    loss.rethrow();
    others.rethrow();
    return steps;
}

void evaluate(Trainer& trainer, const Network& network, const py::object& x, const py::array& y, const py::object& weights,
              Index batch, const py::object& predictions, const py::object& external, const py::object& exchange,
              const py::object& shares) {
    Examples data = examples_of(network, x, y, weights);
    require(batch > 0, "batch: must not be empty");
    const PythonLoss loss(external);
    data.external = loss.external();
    data.predictions = predictions_of(predictions, row_count(data.x), network);
    const PythonExchange others(exchange);
    const std::vector<Share> parts = shares_of(shares, row_count(data.x));
    data.exchange = others.exchange();
    data.shares = shares.is_none() ? nullptr : parts.data();
    data.shared_steps = static_cast<Index>(parts.size());
    for (const Share& part : parts) require(part.count <= batch, "shares: more rows than a batch");
    without_gil([&](const Poll& poll) { return trainer.evaluate(data, batch, max_threads(), poll); });
    loss.rethrow();
    others.rethrow();
}

py::tuple gradients(Trainer& trainer, const Network& network, const py::object& x, const py::array& y,
                    const py::object& weights, bool training, const py::object& external) {
    Examples data = examples_of(network, x, y, weights);
    const Index count = row_count(data.x);
    const PythonLoss python(external);
    data.external = python.external();
    Numbers of_weights(network.weight_count()), of_inputs({count, network.inputs()});
    const double loss = without_gil([&](const Poll& poll) {
        return trainer.gradients(data, count, of_weights.mutable_data(), of_inputs.mutable_data(), training, max_threads(), poll);
    });
    python.rethrow();
    return py::make_tuple(loss, of_weights, of_inputs);
}

std::shared_ptr<Trainer> make_trainer(std::shared_ptr<Network> network, const Optimizer& optimizer, const Options& options,
                                      const Loss& loss, const std::vector<Metric>& metrics,
                                      const std::vector<Metric>& weighted_metrics, const std::string& reduction,
                                      Scalar loss_weight) {
    std::vector<WeightedMetric> all;
    all.reserve(metrics.size() + weighted_metrics.size());
    for (const Metric& metric : metrics) all.push_back({metric, false});
    for (const Metric& metric : weighted_metrics) all.push_back({metric, true});
    return std::make_shared<Trainer>(std::move(network), optimizer, options, loss, std::move(all), reduction_named(reduction),
                                     loss_weight);
}

void apply(Trainer& trainer, Scalar rate, Index first, Index last) {
    constexpr Index line = 64 / sizeof(Scalar);
    require(first % line == 0 && last % line == 0, "first, last: must be at whole cache lines");
    require(trainer.updater()->is_whole(), "apply: the updater keeps a part of its state");
    const Released released;
    trainer.apply(rate, {first, last}, max_threads());
}

py::tuple totals(const Trainer& trainer) {
    const Totals& found = trainer.totals();
    return py::make_tuple(found.samples, found.loss, found.metrics, found.counts);
}

constexpr Index kSmallScan = 1 << 20;  // numbers that one thread reads in less time than waking another takes

/// (nonzeros, first row with NaN or infinity or -1, its column or -1)
py::tuple scan_array(const py::object& x) {
    const Source source = source_of(x);
    const Index numbers = std::visit([](const auto& from) { return from.rows * from.cols; }, source);
    const int threads = numbers < kSmallScan ? 1 : max_threads();
    const Scan found = without_gil([&](const Poll& poll) { return scan(source, threads, poll); });
    return py::make_tuple(found.nonzeros, found.bad_row, found.bad_col);
}

/// The nonzeros of a dense matrix as the tuple that source_of() takes.
py::tuple compress_array(const py::object& x) {
    const Source source = source_of(x);
    const Index rows = row_count(source);
    const Index cols = std::visit([](const auto& from) { return from.cols; }, source);
    Array<std::int64_t> starts(rows + 1);
    without_gil([&](const Poll& poll) { return count_rows(source, starts.mutable_data(), max_threads(), poll), true; });
    const Index nonzeros = starts.data()[rows];
    Array<float> values(nonzeros);
    py::array indices;
    const auto fill = [&]<class I>(Array<I> places) {
        I* to = places.mutable_data();
        without_gil([&](const Poll& poll) {
            return compress_rows(source, starts.data(), to, values.mutable_data(), max_threads(), poll), true;
        });
        indices = std::move(places);
    };
    if (cols <= 65536) fill(Array<std::uint16_t>(nonzeros));
    else fill(Array<std::int32_t>(nonzeros));
    return py::make_tuple(starts, indices, values, cols);
}

}  // namespace

void bind_network(py::module_& m) {
    using namespace py::literals;
    py::class_<Network, std::shared_ptr<Network>>(m, "Network", py::module_local(), "Layers and their weights.")
        .def(py::init<std::vector<Layer>, Index>(), "layers"_a, "inputs"_a)
        .def_property_readonly("outputs", &Network::outputs)
        .def("part", &Network::part, "first"_a, "last"_a, "The network of some of the specs, with the same weights.")
        .def("set_trainable", &Network::set_trainable, "by_spec"_a, "Which specs trainers that are made later train.")
        .def_property_readonly("densest", &Network::densest, "Share of nonzeros up to which batches are compressed.")
        .def("get_weights", &get_weights, "All weights in one flat array, layer after layer.")
        .def("set_weights", &set_weights, "values"_a)
        .def("predict", &predict, "x"_a, "threads"_a = 0, "Applies the network to every row of x.");
    py::class_<Trainer, std::shared_ptr<Trainer>>(m, "Trainer", py::module_local(), "Trains a network: optimizer, loss and metrics.")
        .def(py::init(&make_trainer), "network"_a, "optimizer"_a, "options"_a, "loss"_a, "metrics"_a,
             "weighted_metrics"_a = std::vector<Metric>{}, "reduction"_a = "mean", "loss_weight"_a = Scalar(1))
        .def("train", &train, "network"_a, "x"_a, "y"_a, "weights"_a, "order"_a, "batch"_a, "rates"_a,
             "predictions"_a = py::none(), "external"_a = py::none(), "exchange"_a = py::none(), "shares"_a = py::none(),
             "One step for every rate; returns the steps done. With an exchange, other processes have other shares.")
        .def("evaluate", &evaluate, "network"_a, "x"_a, "y"_a, "weights"_a, "batch"_a, "predictions"_a = py::none(),
             "external"_a = py::none(), "exchange"_a = py::none(), "shares"_a = py::none(), "Adds all rows to the totals.")
        .def("gradients", &gradients, "network"_a, "x"_a, "y"_a, "weights"_a, "training"_a = false, "external"_a = py::none(),
             "(loss, of all weights, of the inputs)")
        .def("totals", &totals, "(samples, sum of losses, sums of metrics, what each is to be divided by) since they were cleared.")
        .def("clear_totals", &Trainer::clear_totals)
        .def("apply", &apply, "rate"_a, "first"_a, "last"_a, "Updates a range of the arena from updater.gradients.")
        .def("finalize", &Trainer::finalize, py::call_guard<Released>(), "Weights become their averages.")
        .def_property_readonly("updater", &Trainer::updater, "The optimizer with its state.")
        .def_property(
            "iterations", [](const Trainer& trainer) { return trainer.updater()->iterations; },
            [](Trainer& trainer, std::int64_t count) { trainer.updater()->iterations = count; });
    m.def("scan", &scan_array, "x"_a, "(nonzeros, row, column) with the place of the first NaN or infinity, or -1.");
    m.def("compress", &compress_array, "x"_a, "The nonzeros of a dense matrix: (starts, indices, values, columns).");
}

}  // namespace lamella
