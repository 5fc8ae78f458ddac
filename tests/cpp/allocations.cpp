/// Every allocation of the core fails once: number 1, then 2, 3, ... until the work needs no more of them.
///
/// Each failure has to arrive as std::bad_alloc, to leave the weights and the optimizer as they were, and to leave nothing
/// behind: afterwards the same work gives the same bits. Blocks that stay are counted, and the address sanitizer looks, too.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <numeric>
#include <shared_mutex>

#include "../../cpp/core/compress.hpp"
#include "../../cpp/core/trainer.hpp"

namespace {

std::atomic<long> seen{0}, first_failure{0}, last_failure{0}, live{0};

bool fails() {
    const long number = ++seen;
    return number >= first_failure && number <= last_failure;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
    if (fails()) throw std::bad_alloc();
    void* const block = alignment > 0 ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
                                      : std::malloc(bytes > 0 ? bytes : 1);
    if (block == nullptr) throw std::bad_alloc();
    ++live;
    return block;
}

void release(void* block) {
    if (block != nullptr) --live;
    std::free(block);
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes, 0); }
void* operator new[](std::size_t bytes) { return allocate(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t at) { return allocate(bytes, static_cast<std::size_t>(at)); }
void* operator new[](std::size_t bytes, std::align_val_t at) { return allocate(bytes, static_cast<std::size_t>(at)); }
void operator delete(void* block) noexcept { release(block); }
void operator delete[](void* block) noexcept { release(block); }
void operator delete(void* block, std::size_t) noexcept { release(block); }
void operator delete[](void* block, std::size_t) noexcept { release(block); }
void operator delete(void* block, std::align_val_t) noexcept { release(block); }
void operator delete[](void* block, std::align_val_t) noexcept { release(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { release(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { release(block); }

using namespace lamella;

namespace {

constexpr Index kRows = 128, kInputs = 300, kClasses = 10, kBatch = 64;
int failures = 0;

void expect(bool condition, const char* work, const char* what, long number) {
    if (condition) return;
    std::printf("FAILED: %s, allocation %ld: %s\n", work, number, what);
    ++failures;
}

std::vector<float> numbers(std::size_t count) {
    std::vector<float> all(count);
    std::uint64_t state = 7;
    for (float& value : all) {
        state = state * 6364136223846793005U + 1;
        value = state >> 60 == 0 ? static_cast<float>(state >> 40) / float{1 << 24} : 0;  // few, so that batches are compressed
    }
    return all;
}

struct Data {
    std::vector<float> x = numbers(std::size_t{kRows * kInputs});
    std::vector<std::int32_t> labels = std::vector<std::int32_t>(kRows);
    std::vector<std::int64_t> order = std::vector<std::int64_t>(kRows);
    std::vector<Scalar> rates = std::vector<Scalar>(2, Scalar(0.01));

    Data() { std::iota(order.begin(), order.end(), 0); }
    Source source() const { return DenseRows<float>{x.data(), kRows, kInputs, kInputs}; }
    Examples examples() const { return {.x = source(), .labels = labels.data()}; }
};

struct Subject {
    std::shared_ptr<Network> network;
    std::shared_ptr<Trainer> trainer;
    std::vector<Scalar> slopes, of_inputs, out;

    explicit Subject(const Options& options)
        : network(std::make_shared<Network>(
              std::vector<Layer>{Dense{.units = 257, .activation = Gelu{}}, BatchNormalization{}, Dropout{},
                                 Dense{.units = 30, .activation = Tanh{}}, Dense{.units = kClasses, .activation = Softmax{}}},
              kInputs)) {
        std::vector<Scalar> weights(static_cast<std::size_t>(network->weight_count()));
        for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<Scalar>(i % 17) / 100 - Scalar(0.08);
        network->write(weights.data());
        trainer = std::make_shared<Trainer>(network, Adam{}, options, SparseCategoricalCrossentropy{},
                                            std::vector<WeightedMetric>{{SparseCategoricalAccuracy{}, true}},
                                            Reduction::weighted_mean, 1);
        trainer->updater()->regularize(network->slots()[0], L2{});
        trainer->updater()->regularize(network->slots()[6], OrthogonalRegularizer{});
        trainer->updater()->penalties().constrain(network->slots()[0], MaxNorm{});
        slopes.resize(weights.size());
        of_inputs.resize(std::size_t{kRows * kInputs});
        out.resize(std::size_t{kRows * kClasses});
    }

    /// Everything that failures must not change, and what the work has computed.
    std::vector<Scalar> bits() const {
        std::vector<Scalar> all(static_cast<std::size_t>(network->weight_count()));
        network->read(all.data());
        for (const Arena& state : trainer->updater()->state()) all.insert(all.end(), state.data(), state.data() + state.size());
        all.push_back(static_cast<Scalar>(trainer->updater()->iterations));
        return all;
    }
};

const Poll never = [] { return false; };

/// Lets the allocations number, number + 1, ... of `work` fail, or only the first of them.
template <class Work>
void try_all(const char* name, const Options& options, bool later_too, const Work& work) {
    Subject twin(options);
    work(twin);
    const std::vector<Scalar> expected = twin.bits();
    long number = 1;
    for (bool failed = true; failed; ++number) {
        const long before = live;
        {
            Subject subject(options);
            const std::vector<Scalar> start = subject.bits();
            failed = false;
            seen = 0;
            first_failure = number;
            last_failure = later_too ? number + (1L << 40) : number;
            try {
                work(subject);
            } catch (const std::bad_alloc&) {
                failed = true;
            }
            const bool met = seen >= number;
            first_failure = last_failure = 0;
            expect(failed == met, name, "the failure was swallowed", number);
            if (failed) {
                expect(subject.bits() == start, name, "the weights or the optimizer changed", number);
                work(subject);
            }
            expect(subject.bits() == expected, name, "it works otherwise afterwards", number);
        }
        expect(live == before, name, "memory is kept", number);
    }
    std::printf("%-28s %3ld allocations%s\n", name, number - 2, later_too ? ", each with all later ones" : "");
}

}  // namespace

int main() {
    const Data data;
    const Options plain, collecting{.global_clipnorm = 0.1, .use_ema = true};
    const Options accumulating{.clipnorm = 0.1, .gradient_accumulation_steps = 2};
    for (const bool later_too : {false, true})
        for (const int threads : {1, 2}) {
            const auto train = [&](Subject& s) {
                s.trainer->train(data.examples(), data.order.data(), kBatch, kBatch, data.rates.data(), threads, never);
            };
            const auto apply = [&](Subject& s) {
                s.trainer->apply(Scalar(0.01), {0, s.network->layout().size()}, threads);
                s.trainer->finalize();
            };
            const auto read_only = [&](Subject& s) {
                s.trainer->evaluate(data.examples(), kBatch, threads, never);
                s.trainer->gradients(data.examples(), kRows, s.slopes.data(), s.of_inputs.data(), true, threads, never);
                s.network->predict(data.source(), s.out.data(), threads, never);
                scan(data.source(), threads, never);
            };
            const auto build = [&](Subject&) {
                const Subject other(collecting);
                other.trainer->updater()->gradients();
                (void)other.network->part(0, 2);
            };
            try_all("training", plain, later_too, train);
            try_all("training with norms", collecting, later_too, train);
            try_all("training with accumulation", accumulating, later_too, train);
            try_all("applying a gradient", accumulating, later_too, apply);
            try_all("scoring and predicting", plain, later_too, read_only);
            try_all("building", plain, later_too, build);
        }
    std::printf("%d failures\n", failures);
    return failures > 0;
}
