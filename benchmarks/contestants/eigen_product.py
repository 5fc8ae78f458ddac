"""Not a program but a bound: an epoch's arithmetic at the rate of Eigen's 128 x 784 by 784 x 512 product alone."""

from __future__ import annotations

from contestants import Contestant, NotApplicable
from lamella._core import core
from workloads import Array, Data, Workload


class EigenProduct(Contestant):
    packages = ("lamella",)

    def prepare(self, workload: Workload, data: Data, threads: int) -> None:
        if len(workload.hidden) != 1:
            raise NotApplicable("the bound is for one hidden layer")
        self.workload, self.threads = workload, threads

    def fit(self, epochs: int) -> tuple[list[float], float | None]:
        """The arithmetic of an epoch, zeros included, divided by the measured GFLOP/s; there is no loss."""
        work = self.workload
        shape = (work.batch, work.inputs, work.hidden[0])
        rates = [core.benchmark_product(*shape, self.threads, 0.5) for _ in range(epochs)]
        return [work.dense_flops / (rate * 1e9) for rate in rates], None

    def predict(self, x: Array) -> Array:
        raise NotApplicable("a product does not predict")
