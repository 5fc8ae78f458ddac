// Where the two cores of a machine are: in a virtual machine they may be two threads of one core, or far from each other, and be
// moved within seconds. Any figure of two threads depends on it.
//
//   g++ -O3 -march=x86-64-v3 -pthread benchmarks/placement.cpp -o placement && ./placement
//
// Prints the rate of multiply-adds of a thread alone, and of two at once (half as much each: threads of one core); the time a
// number takes from one to the other; and how fast one reads 256 KB that the other has just written (slow both: no common cache).
#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void pin(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/// Billions of multiply-adds a second, from registers: sums enough that none waits for its last.
double multiply_adds(double seconds) {
    typedef float Register __attribute__((vector_size(32)));
    std::array<Register, 12> sums{};
    Register factor;
    for (int i = 0; i < 8; ++i) factor[i] = 0.999F;
    const double start = now();
    double done = 0, passed = 0;
    for (; passed < seconds; passed = now() - start, done += 10'000.0 * 12 * 8)
        for (int i = 0; i < 10'000; ++i)
            for (Register& sum : sums) sum = sum * factor + factor;
    for (const Register& sum : sums)
        if (sum[0] < 0) std::puts("");  // so that they are needed
    return done / passed / 1e9;
}

constexpr int kTurns = 20'000, kReads = 200, kNumbers = 1 << 16;
alignas(64) std::atomic<int> turn{0};
alignas(64) std::atomic<int> begun{0};
std::vector<float> numbers(kNumbers);

void wait_for(int value) {
    while (turn.load() != value) {
    }
}

}  // namespace

int main() {
    pin(0);
    const double alone = multiply_adds(0.02);
    double there = 0, reading = 0;
    std::thread other([&] {
        pin(1);
        begun = 1;
        there = multiply_adds(0.04);
        begun = 2;
        for (int i = 0; i < kTurns; ++i) wait_for(2 * i + 1), turn = 2 * i + 2;
        for (int i = 0; i < kReads; ++i) {
            wait_for(2 * (kTurns + i) + 1);
            const double start = now();
            std::array<float, 32> sums{};
            for (int k = 0; k < kNumbers; k += 32)
                for (int j = 0; j < 32; ++j) sums[j] += numbers[k + j];
            reading += now() - start;
            if (sums[0] < 0) std::puts("");
            turn = 2 * (kTurns + i) + 2;
        }
    });
    while (begun < 1) {
    }
    const double here = multiply_adds(0.04);
    while (begun < 2) {
    }
    const double start = now();
    for (int i = 0; i < kTurns; ++i) turn = 2 * i + 1, wait_for(2 * i + 2);
    const double one_way = (now() - start) / kTurns / 2;
    for (int i = 0; i < kReads; ++i) {
        for (int k = 0; k < kNumbers; ++k) numbers[k] = static_cast<float>(i);
        turn = 2 * (kTurns + i) + 1;
        wait_for(2 * (kTurns + i) + 2);
    }
    other.join();
    std::printf("multiply-adds alone %.0f, together %.0f + %.0f G/s; one way %.0f ns; reading %.0f GB/s\n", alone, here, there,
                one_way * 1e9, 4.0 * kReads * kNumbers / reading / 1e9);
}
