/// The only file with threads: a team that works phase by phase, and waits without getting into others' way.
#pragma once

#include <atomic>
#include <functional>

#include "scalar.hpp"

namespace lamella {

/// One of `size` equal shares of the work of a phase.
struct Member {
    int rank = 0, size = 1;

    /// This member's part of `count` items, dealt in multiples of `grain`.
    Range share(Index count, Index grain = 1) const {
        if (size == 1) return {0, count};  // without the divisions
        const Index grains = (count + grain - 1) / grain;
        const Index first = grains * rank / size * grain, last = grains * (rank + 1) / size * grain;
        return {first < count ? first : count, last < count ? last : count};
    }
};

/// A team of threads that all run one function, whose parallel parts are phases.
///
/// A phase has one share of work per member. Each thread takes its own share first, then any that nobody has begun: a thread
/// that another program keeps from its core delays the others only while it is inside a share. A phase ends when all shares
/// are done, and a thread that comes late finds it finished and goes on. So between phases all threads must take the same
/// way: what decides it must not be changed by the phases. A thread may leave early, for good; the others do its work.
/// Where work throws, the phase ends, all threads leave, and run_team() throws it again.
class Team {
public:
    class Phases;

    Team() = default;  // a team of one: nothing ever waits
    Team(int rank, int size, Phases* phases) : member_{rank, size}, phases_(phases) {}

    bool is_caller() const { return member_.rank == 0; }
    int size() const { return member_.size; }

    /// Runs `work(member)` once for every member; returns when all are done.
    template <class Work>
    void phase(const Work& work) const {
        if (member_.size == 1) return work(Member{});
        for (int i = 0; i < member_.size; ++i) {
            const int rank = (member_.rank + i) % member_.size;
            if (!begin(rank)) continue;
            try {
                work(Member{rank, member_.size});
            } catch (...) {
                fail();
            }
            end();
        }
        wait();
    }

private:
    bool begin(int rank) const;
    void fail() const;
    void end() const;
    void wait() const;

    Member member_;
    Phases* phases_ = nullptr;
    mutable std::int64_t phase_ = 0;  // the phase that this thread is in
};

/// Runs `body` on up to `threads` threads at once and returns when all are done. `body` may throw only in its phases, or where
/// it does on all threads alike.
void run_team(int threads, const std::function<void(const Team&)>& body);

/// While it lives, this thread rounds numbers under 1.2e-38 (float) to zero, as JAX and TensorFlow do: state of weights that
/// get no gradient decays into that range and stays there, where some processors compute a hundred times slower.
class FlushSubnormals {
public:
    FlushSubnormals();
    ~FlushSubnormals();
    FlushSubnormals(const FlushSubnormals&) = delete;
    FlushSubnormals& operator=(const FlushSubnormals&) = delete;

private:
    std::uint64_t before_;
};

/// How many threads a call may use: set_num_threads(), else what OpenMP was told or finds.
int max_threads();

/// Sets the number of threads for later calls; 0 lets OpenMP decide.
void set_num_threads(int threads);

/// Gives the calling thread's pool back, so that a fork()ed child can make its own. False where OpenMP cannot.
bool release_threads();

/// "201511" or the like, or "none".
const char* openmp_version();

}  // namespace lamella
