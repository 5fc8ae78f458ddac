/// The only file with threads: a team that runs one function side by side, with barriers that yield.
#pragma once

#include <atomic>
#include <functional>

#include "scalar.hpp"

namespace lamella {

/// One thread's place in a team. The function that a team runs is executed by every member (SPMD).
class Team {
public:
    class Barrier {
    public:
        void arrive_and_wait(int size);

    private:
        std::atomic<int> waiting_{0}, round_{0};
    };

    Team() = default;  // a team of one: nothing ever waits
    Team(int rank, int size, Barrier* barrier) : rank_(rank), size_(size), barrier_(barrier) {}

    int rank() const { return rank_; }
    int size() const { return size_; }

    /// Returns when all members have come here. A short bounded spin, then sleep: other programs may need the core.
    void wait() const {
        if (size_ > 1) barrier_->arrive_and_wait(size_);
    }

    /// This member's share of `count` items, dealt in multiples of `grain`.
    Range share(Index count, Index grain = 1) const {
        const Index grains = (count + grain - 1) / grain;
        const Index first = grains * rank_ / size_ * grain, last = grains * (rank_ + 1) / size_ * grain;
        return {first < count ? first : count, last < count ? last : count};
    }

private:
    int rank_ = 0, size_ = 1;
    Barrier* barrier_ = nullptr;
};

/// Runs `body` on up to `threads` threads at once and returns when all are done. `body` must not throw.
void run_team(int threads, const std::function<void(const Team&)>& body);

/// How many threads a call may use: set_num_threads(), else what OpenMP was told or finds.
int max_threads();

/// Sets the number of threads for later calls; 0 lets OpenMP decide.
void set_num_threads(int threads);

/// Gives the calling thread's pool back, so that a fork()ed child can make its own. False where OpenMP cannot.
bool release_threads();

/// "201511" or the like, or "none".
const char* openmp_version();

}  // namespace lamella
