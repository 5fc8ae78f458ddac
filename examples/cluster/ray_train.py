"""Ray Train starts the ranks, watches them, and starts them again; gloo (of PyTorch) carries the sums.

`pip install "lamella" "ray[train]" torch`, then `python examples/cluster/ray_train.py`. See docs/distributed.md.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")  # before ray is imported


class GlooCommunicator:
    """What `lamella.distribution.DataParallel` needs of a transport, by torch.distributed.

    Args:
        address: Host and port of rank 0, such as ``tcp://10.0.0.1:29500``.
        rank, size: Of this process, and how many there are.
    """

    def __init__(self, address: str, rank: int, size: int) -> None:
        import torch
        import torch.distributed as dist

        self.rank, self.size, self._dist, self._torch = rank, size, dist, torch
        dist.init_process_group("gloo", init_method=address, rank=rank, world_size=size)

    def allreduce_(self, buf: np.ndarray) -> None:
        """Sums in place; the tensor shares the array's memory."""
        self._dist.all_reduce(self._torch.from_numpy(buf))

    def bcast_(self, buf: np.ndarray, root: int) -> None:
        """Sends from one to all."""
        self._dist.broadcast(self._torch.from_numpy(buf), root)

    def abort(self, code: int) -> None:
        """Ray ends the others when one worker ends."""
        os._exit(code)


def train(settings: dict[str, Any]) -> None:
    """What each worker runs: an ordinary script of lamella."""
    import ray.train
    from ray.train.collective import broadcast_from_rank_zero

    import lamella

    context = ray.train.get_context()
    rank, size = context.get_world_rank(), context.get_world_size()
    with socket.socket() as free:
        free.bind(("", 0))
        mine = f"tcp://{ray.util.get_node_ip_address()}:{free.getsockname()[1]}"
    comm = GlooCommunicator(broadcast_from_rank_zero(mine), rank, size)
    lamella.distribution.set_distribution(lamella.distribution.DataParallel(comm, timeout=60))

    lamella.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 20)).astype("float32")
    y = (x[:, :4].argmax(axis=1)).astype("int32")
    model = lamella.Sequential([lamella.Input((20,)), lamella.layers.Dense(64, "relu")])
    model.add(lamella.layers.Dense(4, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    class Report(lamella.callbacks.Callback):
        """Tells Ray where training stands, and comes to harm once if that is asked for."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            ray.train.report({"epoch": epoch, **logs})
            mark = Path(settings["folder"], "harmed")
            if settings["harm"] and epoch == 2 and rank == 1 and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), 9)

    folder = os.path.join(settings["folder"], "backup")  # all hosts must reach it
    backup = lamella.callbacks.BackupAndRestore(folder)
    model.fit(x, y, batch_size=100, epochs=settings["epochs"], verbose=0, callbacks=[backup, Report()])
    found = {"tested": model.evaluate(x, y, verbose=0), "ranks": size, "steps": int(model.optimizer.iterations)}
    if rank == 0:
        Path(settings["folder"], "result.json").write_text(json.dumps(found))


def main(epochs: int = 5, workers: int = 2, harm: bool = False) -> dict[str, Any]:
    """What rank 0 found. With `harm` a worker is killed on the way, once."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    with tempfile.TemporaryDirectory() as folder:
        trainer = DataParallelTrainer(
            train,
            train_loop_config={"folder": folder, "epochs": epochs, "harm": harm},
            scaling_config=ScalingConfig(num_workers=workers),
            run_config=RunConfig(storage_path=folder, failure_config=FailureConfig(max_failures=2)),
        )
        trainer.fit()
        found: dict[str, Any] = json.loads(Path(folder, "result.json").read_text())
    return found


if __name__ == "__main__":
    print(main())
