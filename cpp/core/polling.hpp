/// Signals during long work: who asks, how often, and how a team stops together.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>

#include "parallel.hpp"

namespace lamella {

/// Asked now and then during long work, by the calling thread; true means stop.
using Poll = std::function<bool()>;

/// Asks every 20 ms, and reads the clock less often where many looks are short. The calling thread looks before a phase, everybody
/// leaves behind one: who sees it early leaves the rest to the others, who leave at their next chance.
class Polling {
public:
    Polling() = default;  // asks nobody
    explicit Polling(const Poll& poll) : poll_(&poll) {}

    void look(const Team& team) {
        if (!poll_ || !team.is_caller() || ++unread_ < every_) return;
        const Clock::time_point now = Clock::now();
        every_ = now - read_ < std::chrono::microseconds(20) ? std::min(2 * every_, 16) : 1;
        unread_ = 0;
        read_ = now;
        if (now - asked_ < std::chrono::milliseconds(20)) return;
        if ((*poll_)()) stopped_ = true;
        asked_ = read_ = Clock::now();
    }
    bool stopped() const { return stopped_; }

private:
    using Clock = std::chrono::steady_clock;

    const Poll* poll_ = nullptr;
    // The calling thread's alone.
    Clock::time_point asked_ = Clock::now(), read_ = asked_;
    int unread_ = 0, every_ = 1;  // looks since the last reading, and to the next
    std::atomic<bool> stopped_{false};
};

}  // namespace lamella
