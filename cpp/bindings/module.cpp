#include <Eigen/Core>
#include <chrono>
#include <random>

#include "../core/bfloat16.hpp"
#include "../core/constraints.hpp"
#include "../core/memory.hpp"
#include "../core/regularizers.hpp"
#include "../core/trainer.hpp"
#include "arrays.hpp"
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

void encode(const Array<float>& values, Array<std::uint16_t>& to) {
    require(values.size() == to.size(), "to: as many numbers as values");
    to_bfloat16(values.data(), values.size(), to.mutable_data());
}

void decode(const Array<std::uint16_t>& values, Array<float>& to) {
    require(values.size() == to.size(), "to: as many numbers as values");
    from_bfloat16(values.data(), values.size(), to.mutable_data());
}

Array<std::uint16_t> sum_parts(const Array<std::uint16_t>& parts) {
    require(parts.ndim() == 2, "parts: must be a matrix");
    Array<std::uint16_t> total(parts.shape(1));
    sum_bfloat16(parts.data(), parts.shape(0), parts.shape(1), total.mutable_data());
    return total;
}

}  // namespace
}  // namespace lamella

PYBIND11_MODULE(LAMELLA_MODULE, m, pybind11::LAMELLA_GIL()) {
    using namespace lamella;
    using namespace py::literals;
    // NOLINTNEXTLINE(performance-unnecessary-value-param): pybind11 calls it so
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
    m.def("to_bfloat16", &encode, py::arg("values").noconvert(), py::arg("to").noconvert(), "Bits of rounded numbers.");
    m.def("from_bfloat16", &decode, py::arg("values").noconvert(), py::arg("to").noconvert(), "Numbers of such bits.");
    m.def("sum_bfloat16", &sum_parts, py::arg("parts").noconvert(), "The sum of the rows, rounded once.");
    m.def("benchmark_product", &benchmark_product, "rows"_a, "inner"_a, "cols"_a, "threads"_a, "seconds"_a,
          "GFLOP/s of Eigen's product.");
}
