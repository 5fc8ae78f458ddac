/// A batch's way through the network, as a layer sees it.
#pragma once

#include <vector>

#include "exchange.hpp"
#include "split.hpp"

namespace lamella {

/// What is the same for all layers.
struct Pass {
    const Team& team;
    const Arena& params;
    Index samples = 0;      // of the batch; a layer has a multiple of so many rows
    bool training = false;  // with noise, and statistics of the batch
    std::int64_t step = 0;  // numbers the noise
    // Where other processes have the other samples of the batch: from which place on these are, of how many.
    Index place = 0, batch = 0;
    const Exchange* exchange = nullptr;

    Index whole() const { return exchange ? batch : samples; }
};

/// One layer's input and output; on the way back the deltas of both (dx is empty where nobody needs it).
struct Trace {
    Input x;
    View y, dy, dx;
    View kept;  // what the layer keeps from forward to backward: a row per row (in predictions none), then kStatistics more
    bool keeps = false;
    Index groups = 1;                               // rows of a sample, of y
    const std::vector<Scalar*>* scratch = nullptr;  // by member

    Scalar* statistics(Index which) const { return kept.row(kept.rows - kStatistics + which); }
    static constexpr Index kStatistics = 7;
};

/// Shape of a sample: the layers work on each of its `groups` rows of `width` numbers.
struct Shape {
    Index groups = 1, width = 0;
};

/// What layers without weights and without anything to keep have in common.
struct Weightless {
    static constexpr bool kReadsCompressed = false;
    Shape build(Shape inputs, Layout&) { return inputs; }
    Index kept(Index) const { return 0; }
    Index scratch() const { return 0; }
    template <class Sink>
    void gradients(Member, const Pass&, const Trace&, const Sink&, Scalar*) const {}
};

/// Runs `work(row)` for every row of `rows`, shared by the team.
template <class Work>
void for_rows(const Team& team, Index rows, const Work& work) {
    team.phase([&](Member member) {
        const Range mine = member.share(rows);
        for (Index r = mine.first; r < mine.last; ++r) work(r);
    });
}

/// Sums numbers over all processes; every thread of the team calls it.
inline void sum_over_processes(const Pass& pass, Scalar* numbers, Index count) {
    if (pass.exchange)
        pass.team.phase([&](Member member) {
            if (member.rank == 0) pass.exchange->sum(numbers, count);
        });
}

/// Runs `work(first column)` for every register of `cols` columns, shared by the team.
template <class Work>
void for_registers(const Team& team, Index cols, const Work& work) {
    team.phase([&](Member member) {
        const Range mine = member.share(cols, kLanes);
        for (Index c = mine.first; c < mine.last; c += kLanes) work(c);
    });
}

}  // namespace lamella
