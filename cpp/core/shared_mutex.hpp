/// A lock for many readers or one writer.
#pragma once

#include <atomic>
#include <shared_mutex>

namespace lamella {

/// A std::shared_mutex whose writers are not kept waiting for ever by readers that follow one another: who wants to read lets
/// waiting writers go first. A thread that reads already must not ask again.
class SharedMutex {
public:
    void lock() {
        waiting_.fetch_add(1, std::memory_order_acq_rel);
        mutex_.lock();
        if (waiting_.fetch_sub(1, std::memory_order_acq_rel) == 1) waiting_.notify_all();
    }
    void unlock() { mutex_.unlock(); }
    void lock_shared() {
        for (int writers; (writers = waiting_.load(std::memory_order_acquire)) > 0;)
            waiting_.wait(writers, std::memory_order_acquire);
        mutex_.lock_shared();
    }
    void unlock_shared() { mutex_.unlock_shared(); }

private:
    std::shared_mutex mutex_;
    std::atomic<int> waiting_{0};  // writers
};

}  // namespace lamella
