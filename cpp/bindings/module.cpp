#include <Eigen/Core>
#include <chrono>
#include <random>

#include "../core/constraints.hpp"
#include "../core/memory.hpp"
#include "../core/regularizers.hpp"
#include "../core/trainer.hpp"
#include "bind_activations.hpp"
#include "bind_losses.hpp"
#include "bind_metrics.hpp"
#include "bind_network.hpp"
#include "bind_updater.hpp"
#include "bind_weights.hpp"
#include "gil.hpp"
#include "specs.hpp"

namespace lamella {
namespace {

/// GFLOP/s of Eigen's product (rows × inner by inner × cols) on so many threads: the yardstick of the benchmarks.
double benchmark_product(Index rows, Index inner, Index cols, int threads, double seconds) {
    using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Matrix a = Matrix::Random(rows, inner), b = Matrix::Random(inner, cols);
    Matrix c(rows, cols);
    const auto start = std::chrono::steady_clock::now();
    std::chrono::duration<double> elapsed{};
    constexpr int repeats = 50;
    Index runs = 0;
    const Released released;
    for (; elapsed.count() < seconds; ++runs, elapsed = std::chrono::steady_clock::now() - start)
        run_team(threads, [&](const Team& team) {
            team.phase([&](Member member) {
                const Range mine = member.share(cols, kLanes);
                for (int i = 0; i < repeats; ++i)
                    c.middleCols(mine.first, mine.count()).noalias() = a * b.middleCols(mine.first, mine.count());
            });
        });
    return 2e-9 * static_cast<double>(rows * inner * cols) * static_cast<double>(runs * repeats) / elapsed.count();
}

}  // namespace
}  // namespace lamella

PYBIND11_MODULE(LAMELLA_MODULE, m, pybind11::LAMELLA_GIL()) {
    using namespace lamella;
    using namespace py::literals;
    py::register_local_exception_translator([](std::exception_ptr error) {
        try {
            if (error) std::rethrow_exception(error);
        } catch (const OutOfMemory&) {  // says what it is
            throw;
        } catch (const std::bad_alloc&) {
            PyErr_SetString(PyExc_MemoryError, "Not even a few bytes of memory are left.");
        }
    });
    // Blocks that follow the caches found on a machine would make its last bits differ from another's.
    Eigen::setCpuCacheSizes(32 << 10, 1 << 20, 16 << 20);
    bind_family(m, "activations", std::type_identity<Activation>{});
    bind_family(m, "layers", std::type_identity<Layer>{});
    bind_family(m, "losses", std::type_identity<Loss>{});
    bind_family(m, "metrics", std::type_identity<Metric>{});
    bind_family(m, "optimizers", std::type_identity<Optimizer>{});
    bind_activations(m);
    bind_losses(m);
    bind_metrics(m);
    bind_family(m, "regularizers", std::type_identity<Regularizer>{});
    bind_family(m, "constraints", std::type_identity<Constraint>{});
    bind_updater(m);
    bind_network(m);
    bind_weights(m);
    m.attr("isa") = LAMELLA_ISA;
    m.attr("eigen_version") = LAMELLA_EIGEN_VERSION;
    m.attr("openmp_version") = openmp_version();
    m.def("max_threads", &max_threads);
    m.def("set_num_threads", &set_num_threads, "threads"_a);
    m.def("release_threads", &release_threads, "Gives the calling thread's OpenMP pool back, before a fork.");
    m.def("claim", &claim, "bytes"_a, "Raises MemoryError where so many bytes cannot be had.");
    m.def("forked", [] { ++forks; }, "To be called in a child after a fork: locks are made anew.");
    m.def("benchmark_product", &benchmark_product, "rows"_a, "inner"_a, "cols"_a, "threads"_a, "seconds"_a,
          "GFLOP/s of Eigen's product.");
}
