/// Locks that a fork()ed child finds open: the threads that held them in the parent do not exist in the child.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

namespace lamella {

/// How many forks lie between this process and the first one. The bindings count, in the child, before it does anything else.
inline std::atomic<unsigned> forks{0};

/// A mutex that is made anew after a fork. What it guards may be half changed in the child: numbers, never sizes.
template <class Mutex>
class ForkSafe {
public:
    void lock() { current().lock(); }
    void unlock() { mutex_.unlock(); }
    void lock_shared() { current().lock_shared(); }
    void unlock_shared() { mutex_.unlock_shared(); }

private:
    static constexpr unsigned being_made = ~0u;

    Mutex& current() {
        const unsigned now = forks.load(std::memory_order_relaxed);
        unsigned made;
        while ((made = made_after_.load(std::memory_order_acquire)) != now) {
            if (made != being_made && made_after_.compare_exchange_strong(made, being_made)) {
                std::construct_at(&mutex_);  // not destroyed first: a locked mutex must not be
                made_after_.store(now, std::memory_order_release);
            } else {
                std::this_thread::yield();
            }
        }
        return mutex_;
    }

    Mutex mutex_;
    std::atomic<unsigned> made_after_{forks.load(std::memory_order_relaxed)};
};

}  // namespace lamella
