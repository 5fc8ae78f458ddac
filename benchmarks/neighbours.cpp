// What it costs that two cores own neighbouring columns of a matrix, though no cache line is shared: the processor fetches
// lines ahead, also those that the other core has just written.
//
//   g++ -O3 -march=x86-64-v4 -pthread benchmarks/neighbours.cpp -o neighbours && ./neighbours
//
// Each thread rewrites its 256 columns of 784 rows of 528 floats (a kernel of 784 x 512 as it lies in memory), strip by strip as
// the core does: beside those of the other thread, and in a matrix of its own. Microseconds of a pass; best of 5.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

constexpr long kRows = 784, kStride = 528, kMine = 256;

/// Microseconds of a pass in strips of so many floats, once both threads have begun.
double rewrite(float* first, long strip, std::atomic<int>& begun) {
    constexpr int passes = 300;
    for (++begun; begun < 2;) std::this_thread::yield();
    const auto start = std::chrono::steady_clock::now();
    for (int pass = 0; pass < passes; ++pass)
        for (long column = kMine - strip; column >= 0; column -= strip)
            for (long row = 0; row < kRows; ++row) {
                float* const numbers = first + row * kStride + column;
                for (long i = 0; i < strip; ++i) numbers[i] = 0.5F * numbers[i] + 1;
            }
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() / passes;
}

/// The slower of two threads.
double both(float* one, float* other, long strip) {
    double best = 1e9;
    for (int repeat = 0; repeat < 5; ++repeat) {
        std::atomic<int> begun{0};
        double first = 0, second = 0;
        std::thread there([&] { first = rewrite(one, strip, begun); });
        second = rewrite(other, strip, begun);
        there.join();
        best = std::min(best, std::max(first, second));
    }
    return best;
}

}  // namespace

int main() {
    std::vector<float> memory(4 * kRows * kStride);
    float* const matrix = reinterpret_cast<float*>((reinterpret_cast<std::size_t>(memory.data()) + 63) / 64 * 64);
    float* const another = matrix + 2 * kRows * kStride;
    std::printf("floats a strip   beside   apart\n");
    for (const long strip : {32L, 64L, 128L, 256L})
        std::printf("%14ld %8.1f %7.1f us\n", strip, both(matrix, matrix + kMine, strip), both(matrix, another + kMine, strip));
}
