/// Locks that a fork()ed child finds open: the threads that held them in the parent do not exist in the child. And that fail
/// instead of waiting for ever where a user's function, called by who holds one, asks for it again.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

namespace lamella {

/// How many forks lie between this process and the first one. The bindings count, in the child, before it does anything else.
inline std::atomic<unsigned> forks{0};

/// A lock that a thread holds while it runs a user's function, and the one before it.
struct Lent {
    const void* lock = nullptr;
    const Lent* before = nullptr;
    static inline thread_local const Lent* last = nullptr;
};

/// A mutex that is made anew after a fork. What it guards may be half changed in the child: numbers, never sizes.
template <class Mutex>
class ForkSafe {
public:
    void lock() { free().lock(); }
    void unlock() { mutex_.unlock(); }
    void lock_shared() { free().lock_shared(); }
    void unlock_shared() { mutex_.unlock_shared(); }

    /// Whether this thread runs a user's function in the middle of work that holds the lock: it may read, as nobody writes then.
    bool lent() const {
        for (const Lent* lent = Lent::last; lent; lent = lent->before)
            if (lent->lock == this) return true;
        return false;
    }

private:
    Mutex& free() {
        if (lent())
            throw std::runtime_error(
                "The model is at work: a signal handler, or a loss in Python, that runs in the middle of it may predict and read "
                "the weights, nothing else. Set a flag there, and let a callback do the rest.");
        return current();
    }

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

/// While it lives, this thread runs a user's function in the middle of work that holds these locks.
template <class... Locks>
class Lending {
public:
    explicit Lending(const Locks&... locks) : before_(Lent::last), lent_{Lent{&locks, nullptr}...} {
        for (Lent& lent : lent_) {
            lent.before = Lent::last;
            Lent::last = &lent;
        }
    }
    ~Lending() { Lent::last = before_; }
    Lending(const Lending&) = delete;
    Lending& operator=(const Lending&) = delete;

private:
    const Lent* before_;
    std::array<Lent, sizeof...(Locks)> lent_;
};

}  // namespace lamella
