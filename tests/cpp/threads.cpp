/// The core under threads, without Python: for the thread sanitizer, which has to see every lock and barrier.
///
/// Trains, predicts, scores and changes weights on teams of four threads, and from many threads at once, and compares what
/// comes out with one thread's, to the bit. With the argument `race` it races, and the sanitizer has to say so.
#include <cstdio>
#include <cstring>
#include <numeric>
#include <shared_mutex>
#include <thread>

#include "../../cpp/core/compress.hpp"
#include "../../cpp/core/trainer.hpp"

using namespace lamella;

namespace {

constexpr Index kRows = 200, kInputs = 300, kClasses = 10, kBatch = 64;
int failures = 0;

void expect(bool condition, const char* what) {
    if (condition) return;
    std::printf("FAILED: %s\n", what);
    ++failures;
}

/// Numbers in [0, 1), the same in every run; a share of them is not zero.
std::vector<float> numbers(std::size_t count, double share = 1) {
    std::vector<float> all(count);
    std::uint64_t state = 42;
    const auto next = [&state] { return static_cast<float>((state = state * 6364136223846793005U + 1) >> 40) / float{1 << 24}; };
    for (float& value : all) value = next() < share ? next() : 0;
    return all;
}

struct Data {
    std::vector<float> x;
    std::vector<std::int32_t> labels = std::vector<std::int32_t>(kRows);
    std::vector<std::int64_t> order = std::vector<std::int64_t>(kRows);

    explicit Data(double share) : x(numbers(std::size_t{kRows * kInputs}, share)) {
        for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % kClasses);
        std::iota(order.rbegin(), order.rend(), 0);
    }
    Source source() const { return DenseRows<float>{x.data(), kRows, kInputs, kInputs}; }
    Examples examples() const { return {.x = source(), .labels = labels.data()}; }
};

std::shared_ptr<Network> make_network() {
    const std::vector<Layer> layers{Dense{.units = 257, .activation = Relu{}}, BatchNormalization{}, Dropout{},
                                    Dense{.units = 130, .activation = Tanh{}}, LayerNormalization{},
                                    Dense{.units = kClasses, .activation = Softmax{}}};
    auto network = std::make_shared<Network>(layers, kInputs);
    std::vector<Scalar> weights = numbers(static_cast<std::size_t>(network->weight_count()));
    for (Scalar& weight : weights) weight = (weight - Scalar(0.5)) / 8;
    network->write(weights.data());
    return network;
}

std::shared_ptr<Trainer> make_trainer(const std::shared_ptr<Network>& network, const Optimizer& optimizer, const Options& options,
                                      bool regularized = false) {
    auto trainer = std::make_shared<Trainer>(network, optimizer, options, SparseCategoricalCrossentropy{},
                                             std::vector<WeightedMetric>{{SparseCategoricalAccuracy{}}}, Reduction::mean, 1);
    if (regularized) {
        trainer->updater()->regularize(network->slots().front(), L2{});
        trainer->updater()->regularize(network->slots().back(), OrthogonalRegularizer{});
        trainer->updater()->penalties().constrain(network->slots().front(), MaxNorm{});
    }
    return trainer;
}

const Poll never = [] { return false; };

Index train(Trainer& trainer, const Data& data, int threads, Index steps = 4, const Poll& poll = never) {
    const std::vector<Scalar> rates(static_cast<std::size_t>(steps), Scalar(0.01));
    return trainer.train(data.examples(), data.order.data(), std::min(kRows, steps * kBatch), kBatch, rates.data(), threads, poll);
}

std::vector<Scalar> weights_of(const Network& network) {
    std::vector<Scalar> values(static_cast<std::size_t>(network.weight_count()));
    const std::shared_lock lock(network.mutex());
    network.read(values.data());
    return values;
}

std::vector<Scalar> predicted(const Network& network, const Data& data, int threads) {
    std::vector<Scalar> out(static_cast<std::size_t>(kRows * network.outputs()));
    const std::shared_lock lock(network.mutex());
    network.predict(data.source(), out.data(), threads, never);
    return out;
}

bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0;
}

/// Everything that one trainer can do, on a team.
std::vector<Scalar> all_work(const Data& data, const Optimizer& optimizer, const Options& options, bool regularized, int threads) {
    const auto network = make_network();
    const auto trainer = make_trainer(network, optimizer, options, regularized);
    expect(train(*trainer, data, threads) == 4, "all steps are done");
    trainer->clear_totals();
    expect(trainer->evaluate(data.examples(), kBatch, threads, never), "evaluate ends");
    std::vector<Scalar> slopes(static_cast<std::size_t>(network->weight_count()));
    std::vector<Scalar> of_inputs(data.x.size());
    const double loss = trainer->gradients(data.examples(), kRows, slopes.data(), of_inputs.data(), true, threads, never);
    trainer->apply(Scalar(0.01), {0, network->layout().size()}, threads);
    trainer->finalize();
    std::vector<Scalar> all = weights_of(*network);
    for (const auto& more : {slopes, of_inputs, predicted(*network, data, threads)}) all.insert(all.end(), more.begin(), more.end());
    all.push_back(static_cast<Scalar>(loss));
    all.push_back(static_cast<Scalar>(trainer->totals().loss));
    return all;
}

void teams() {
    const Options plain, collecting{.global_clipnorm = 0.1, .use_ema = true};
    const Options accumulating{.weight_decay = 0.01, .clipnorm = 0.1, .gradient_accumulation_steps = 2};
    for (const double share : {1.0, 0.1}) {
        const Data data(share);
        const auto compare = [&](const Optimizer& optimizer, const Options& options, bool regularized, const char* what) {
            const auto alone = all_work(data, optimizer, options, regularized, 1);
            for (const int threads : {2, 3, 4})
                expect(same_bits(all_work(data, optimizer, options, regularized, threads), alone), what);
        };
        compare(SGD{}, plain, false, "sgd");
        compare(RMSprop{}, plain, true, "rmsprop with penalties");
        compare(Adam{}, collecting, true, "adam with norms and averages");
        compare(SGD{}, accumulating, true, "sgd with accumulation");
    }
}

/// A loss of the caller's, which one thread computes while the others wait.
void external_losses() {
    const Data data(1);
    const auto network = make_network();
    const auto trainer = make_trainer(network, SGD{}, {});
    Index calls = 0;
    const External loss = [&](Batch::Rows, ConstView y, Scalar* values, View slopes) {
        for (Index r = 0; r < y.rows; ++r) {
            values[r] = y.row(r)[0];
            if (slopes.data) std::fill_n(slopes.row(r), slopes.cols, Scalar(0.1));
        }
        return ++calls < 4;
    };
    Examples examples = data.examples();
    examples.external = &loss;
    const std::vector<Scalar> rates(4, Scalar(0.01));
    const Index done = trainer->train(examples, data.order.data(), kRows, kBatch, rates.data(), 4, never);
    expect(calls == 4 && done == 3, "a loss that fails ends the training");
}

/// The step that processes take together, here one process that is asked for its sums: with any number of threads the same
/// bits; when some process leaves, so do all threads.
void exchanges() {
    const Data data(1);
    const std::vector<Share> shares{{0, kBatch, 0, kBatch}, {kBatch, kBatch / 2, 0, kBatch / 2}};
    const std::vector<Scalar> rates(shares.size(), Scalar(0.01));
    const auto trained = [&](int threads, Index last) {
        const auto network = make_network();
        const auto trainer = make_trainer(network, Adam{}, {.global_clipnorm = 0.1}, true);
        Index met = 0;
        const Exchange exchange{[](void*, Index, Index) {}, [&](Scalar*, Index) { return ++met <= last; }};
        Examples examples = data.examples();
        examples.exchange = &exchange;
        examples.shares = shares.data();
        examples.shared_steps = static_cast<Index>(shares.size());
        const Index done = trainer->train(examples, data.order.data(), kRows, kBatch, rates.data(), threads, never);
        expect(done == std::min<Index>(last, 2), "the steps that all processes took are done");
        return weights_of(*network);
    };
    for (const Index last : {2, 1})
        for (const int threads : {2, 4}) expect(same_bits(trained(threads, last), trained(1, last)), "exchange");
}

void stops() {
    const Data data(1);
    const auto network = make_network();
    const auto trainer = make_trainer(network, SGD{}, {});
    std::atomic<int> polls{0};
    Index done = 0;
    for (int i = 0; i < 1000 && polls < 2; ++i) done += train(*trainer, data, 4, 4, [&] { return ++polls == 2; });
    expect(polls == 2 && trainer->updater()->iterations == done, "the steps that are done are counted");
}

/// An exception in one member's share ends the work of all and arrives here.
void exceptions() {
    for (int thrower = 0; thrower < 4; ++thrower) {
        std::atomic<int> shares{0}, later{0};
        bool caught = false;
        try {
            run_team(4, [&](const Team& team) {
                for (int i = 0; i < 10; ++i) team.phase([&](Member) { ++shares; });
                team.phase([&](Member member) {
                    if (member.rank == thrower % member.size) throw std::bad_alloc();
                });
                team.phase([&](Member) { ++later; });
            });
        } catch (const std::bad_alloc&) {
            caught = true;
        }
        expect(caught && shares % 10 == 0 && later == 0, "an exception in a phase ends the team");
    }
}

/// One model trained, read, written and asked by many threads, and another trained beside it.
void many_callers() {
    const Data data(1), sparse(0.1);
    const auto network = make_network(), other = make_network();
    const auto trainer = make_trainer(network, Adam{}, {.use_ema = true});
    const auto beside = make_trainer(other, RMSprop{}, {});
    const auto start = weights_of(*network);
    std::vector<std::thread> threads;
    const auto add = [&](auto work) {
        threads.emplace_back([work] {
            for (int i = 0; i < 4; ++i) work();
        });
    };
    add([&] { train(*trainer, data, 3); });
    add([&] { train(*trainer, sparse, 2); });
    add([&] { train(*beside, data, 2); });
    add([&] { trainer->evaluate(data.examples(), kBatch, 2, never); });
    for (int i = 0; i < 3; ++i) add([&] { expect(predicted(*network, data, 2).size() == kRows * kClasses, "predictions"); });
    add([&] {
        const std::unique_lock lock(network->mutex());
        network->write(start.data());
    });
    add([&] { expect(scan(sparse.source(), 3, never).bad_row == -1, "all numbers are finite"); });
    add([&] {
        std::vector<std::int64_t> starts(kRows + 1);
        count_rows(sparse.source(), starts.data(), 2, never);
        std::vector<std::int32_t> indices(static_cast<std::size_t>(starts.back()));
        std::vector<float> values(indices.size());
        compress_rows(sparse.source(), starts.data(), indices.data(), values.data(), 2, never);
    });
    for (std::thread& thread : threads) thread.join();
    expect(trainer->updater()->iterations == 32, "all steps are counted");
}

/// All members write one number in one phase, once they all are in it; what they wait for orders nothing.
void race() {
    int counter = 0;
    std::atomic<int> inside{0};
    run_team(4, [&](const Team& team) {
        team.phase([&](Member member) {
            inside.fetch_add(1, std::memory_order_relaxed);
            while (inside.load(std::memory_order_relaxed) < member.size) std::this_thread::yield();
            ++counter;
        });
    });
    std::printf("counted %d\n", counter);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "race") == 0) {
        race();
        return 0;
    }
    teams();
    external_losses();
    exchanges();
    stops();
    exceptions();
    many_callers();
    std::printf("%d failures\n", failures);
    return failures > 0;
}
