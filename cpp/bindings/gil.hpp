/// Work without Python's lock, also when Python ends meanwhile.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

#include "../core/forks.hpp"
#include "../core/polling.hpp"

namespace lamella {

namespace py = pybind11;

/// Takes Python's lock. When the interpreter ends, Python ends a daemon thread that asks for it, before 3.14 by unwinding the
/// stack: destructors would then drop references without the lock. So the thread stays here, as it does in 3.14, until the
/// process is gone.
template <class Take>
void take_or_stay(Take&& take) noexcept {
    try {
        take();
    } catch (...) {
        for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
}

/// While it lives, other Python threads run.
class Released {
public:
    Released() : state_(PyEval_SaveThread()) {}
    ~Released() {
        take_or_stay([&] { PyEval_RestoreThread(state_); });
    }
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;

private:
    PyThreadState* state_;
};

/// While it lives, this thread, which came without Python's lock, has it.
class Acquired {
public:
    Acquired() {
        take_or_stay([&] { state_ = PyGILState_Ensure(); });
    }
    ~Acquired() { PyGILState_Release(state_); }
    Acquired(const Acquired&) = delete;
    Acquired& operator=(const Acquired&) = delete;

private:
    PyGILState_STATE state_;
};

/// Whether this is the thread that runs signal handlers. The others never ask for Python's lock in the middle of work.
inline bool runs_handlers() {
    thread_local unsigned known_after = ~0u;
    thread_local bool known = false;
    if (known_after != forks) {  // after a fork, the child's only thread is the main one
        known = py::module_::import("threading").attr("main_thread")().attr("ident").cast<unsigned long>() ==
                PyThread_get_thread_ident();
        known_after = forks;
    }
    return known;
}

/// Runs `work` without the GIL. `work` gets a poll that looks for signals; what a signal handler raised (Ctrl-C) is
/// thrown when `work` has returned.
template <class Work>
auto without_gil(Work&& work) {
    bool interrupted = false;
    const bool handles = runs_handlers();
    const Poll poll = [&] {
        if (!handles) return false;
        const Acquired gil;
        return interrupted = interrupted || PyErr_CheckSignals() != 0;
    };
    auto result = [&] {
        const Released released;
        return work(poll);
    }();
    if (interrupted) throw py::error_already_set();
    return result;
}

}  // namespace lamella
