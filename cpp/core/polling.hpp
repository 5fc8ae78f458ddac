/// Signals during long work: who asks, how often, and how a team stops together.
#pragma once

#include <chrono>
#include <functional>

#include "parallel.hpp"

namespace lamella {

/// Asked now and then during long work, by the calling thread; true means stop.
using Poll = std::function<bool()>;

/// Asks every 20 ms. The calling thread looks before a phase, everybody leaves behind one: who sees it early leaves the rest
/// to the others, who leave at their next chance.
class Polling {
public:
    Polling() = default;  // asks nobody
    explicit Polling(const Poll& poll) : poll_(&poll) {}

    void look(const Team& team) {
        if (!poll_ || !team.is_caller() || Clock::now() - last_ < std::chrono::milliseconds(20)) return;
        if ((*poll_)()) stopped_ = true;
        last_ = Clock::now();
    }
    bool stopped() const { return stopped_; }

private:
    using Clock = std::chrono::steady_clock;

    const Poll* poll_ = nullptr;
    Clock::time_point last_ = Clock::now();  // the calling thread's alone
    std::atomic<bool> stopped_{false};
};

}  // namespace lamella
