#include "parallel.hpp"

#include <algorithm>

#ifdef _OPENMP
#include <omp.h>
#endif

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace lamella {
namespace {

std::atomic<int> requested_threads{0};

// About 0.1 ms: on an idle machine the last member comes within that, and waking a sleeper would take longer than a phase.
constexpr int kMostSpins = 6000;
// About 2 us, once waiting was in vain: the late member's core has other work, and spinning would only spend the time that
// the scheduler grants us. A sleeper, on the other hand, is served first when it wakes.
constexpr int kFewSpins = 100;
thread_local int spins = kMostSpins;

inline void pause() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

void Team::Barrier::arrive_and_wait(int size) {
    const int round = round_.load(std::memory_order_relaxed);
    if (waiting_.fetch_add(1, std::memory_order_acq_rel) == size - 1) {
        waiting_.store(0, std::memory_order_relaxed);
        round_.store(round + 1, std::memory_order_release);
        round_.notify_all();
        return;
    }
    for (int spin = 0; spin < spins; ++spin) {
        if (round_.load(std::memory_order_acquire) != round) {
            spins = std::min(kMostSpins, spins + spins / 4 + 1);
            return;
        }
        pause();
    }
    spins = std::max(kFewSpins, spins / 4);
    while (round_.load(std::memory_order_acquire) == round) round_.wait(round, std::memory_order_acquire);
}

void run_team(int threads, const std::function<void(const Team&)>& body) {
#ifdef _OPENMP
    if (threads > 1) {
        Team::Barrier barrier;
#pragma omp parallel num_threads(threads)
        {
            const Team team(omp_get_thread_num(), omp_get_num_threads(), &barrier);
            body(team);
            team.wait();  // so that nobody reaches OpenMP's own spinning barrier early
        }
        return;
    }
#endif
    body(Team());
}

int max_threads() {
    const int requested = requested_threads.load(std::memory_order_relaxed);
#ifdef _OPENMP
    if (requested == 0) {
        const int most = omp_get_max_threads(), limit = omp_get_thread_limit();
        return most < limit ? most : limit;
    }
#endif
    return requested > 0 ? requested : 1;
}

void set_num_threads(int threads) { requested_threads.store(threads, std::memory_order_relaxed); }

bool release_threads() {
// GCC announces 4.5 long after it has this call of 5.0.
#if defined(_OPENMP) && (_OPENMP >= 201811 || (defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9))
    return omp_pause_resource_all(omp_pause_soft) == 0;
#else
    return false;
#endif
}

#define LAMELLA_TEXT_(x) #x
#define LAMELLA_TEXT(x) LAMELLA_TEXT_(x)
const char* openmp_version() {
#ifdef _OPENMP
    return LAMELLA_TEXT(_OPENMP);
#else
    return "none";
#endif
}

}  // namespace lamella
