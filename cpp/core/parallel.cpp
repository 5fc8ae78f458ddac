#include "parallel.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <vector>

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
constexpr std::chrono::microseconds kSpared{100};

inline void pause() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

#if defined(__x86_64__) || defined(_M_X64)
constexpr std::uint64_t kFlush = 0x8040;  // results and operands of SSE and AVX
std::uint64_t float_mode() { return _mm_getcsr(); }
void set_float_mode(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;
std::uint64_t float_mode() {
    std::uint64_t mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
void set_float_mode(std::uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
constexpr std::uint64_t kFlush = 0;
std::uint64_t float_mode() { return 0; }
void set_float_mode(std::uint64_t) {}
#endif

}  // namespace

class Team::Phases {
public:
    struct Left : std::exception {};  // thrown through the body of a thread, after a phase that failed

    explicit Phases(int most) : begun_(static_cast<std::size_t>(most)), size_(most) {}

    /// Of the threads that are there; before they begin.
    void set_size(int size) { size_ = size; }

    /// Takes the share of `rank` in `phase`, unless somebody has.
    bool begin(int rank, std::int64_t phase) {
        std::int64_t before = phase - 1;
        return begun_[rank].last.compare_exchange_strong(before, phase, std::memory_order_acq_rel);
    }

    void end(std::int64_t phase) {
        if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 < size_) return;
        done_.store(0, std::memory_order_relaxed);
        finished_.store(static_cast<int>(phase), std::memory_order_release);
        finished_.notify_all();
    }

    /// Keeps the exception that is being handled, the first of several.
    void fail() {
        if (!failing_.exchange(true, std::memory_order_acq_rel)) error_ = std::current_exception();
    }

    void rethrow() const {
        if (error_) std::rethrow_exception(error_);
    }

    void wait(std::int64_t phase) {
        wait_for(finished_, [phase](int finished) {  // which may wrap around: a futex waits for an int
            return finished - static_cast<int>(static_cast<std::uint32_t>(phase)) >= 0;
        });
        if (failing_.load(std::memory_order_relaxed)) throw Left();
    }

    /// Returns when all threads have come, from whatever phase they left: nobody reaches OpenMP's own spinning barrier early.
    void part() {
        if (parted_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) parted_.notify_all();
        wait_for(parted_, [this](int parted) { return parted == size_; });
    }

private:
    template <class Condition>
    static void wait_for(const std::atomic<int>& value, const Condition& met) {
        for (int spin = 0; spin < spins; ++spin) {
            if (met(value.load(std::memory_order_acquire))) {
                if (spin > 0) spins = std::min(kMostSpins, spins + spins / 4 + 1);
                return;
            }
            pause();
        }
        using Clock = std::chrono::steady_clock;
        const auto asleep = Clock::now();
        for (int seen; !met(seen = value.load(std::memory_order_acquire));) value.wait(seen, std::memory_order_acquire);
        // A short sleep would have been spared by spinning on; a long one says that the late member's core has other work.
        if (Clock::now() - asleep < kSpared) spins = std::min(kMostSpins, 2 * spins);
        else spins = std::max(kFewSpins, spins / 4);
    }

    struct alignas(64) Begun {
        std::atomic<std::int64_t> last{-1};
    };

    std::vector<Begun> begun_;
    int size_;
    std::exception_ptr error_;
    alignas(64) std::atomic<int> done_{0};
    alignas(64) std::atomic<int> finished_{-1};
    std::atomic<bool> failing_{false};  // read after every phase, as finished_ is
    std::atomic<int> parted_{0};
};

bool Team::begin(int rank) const { return phases_->begin(rank, phase_); }
void Team::fail() const { phases_->fail(); }
void Team::end() const { phases_->end(phase_); }
void Team::wait() const { phases_->wait(phase_++); }

FlushSubnormals::FlushSubnormals() : before_(float_mode()) { set_float_mode(before_ | kFlush); }
FlushSubnormals::~FlushSubnormals() { set_float_mode(before_); }

void run_team(int threads, const std::function<void(const Team&)>& body) {
#ifdef _OPENMP
    if (threads > 1) {
        Team::Phases phases(threads);
#pragma omp parallel num_threads(threads)
        {
#pragma omp single
            phases.set_size(omp_get_num_threads());
            const Team team(omp_get_thread_num(), omp_get_num_threads(), &phases);
            try {
                body(team);
            } catch (...) {
                phases.fail();  // which keeps the first, not that this thread has left
            }
            phases.part();
        }
        phases.rethrow();
        return;
    }
#endif
    body(Team());
}

int max_threads() {
    const int requested = requested_threads.load(std::memory_order_relaxed);
#ifdef _OPENMP
    if (requested == 0) {
#if _OPENMP >= 200805  // not in MSVC's OpenMP 2.0
        return std::min(omp_get_max_threads(), omp_get_thread_limit());
#else
        return omp_get_max_threads();
#endif
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
