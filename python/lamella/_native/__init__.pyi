from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
from . import activations
from . import layers
from . import losses
from . import metrics
from . import optimizers
from . import regularizers
from . import constraints
class Options:
    use_ema: bool
    def __init__(self) -> None:
        ...
    @property
    def clipnorm(self) -> float:
        ...
    @clipnorm.setter
    def clipnorm(self, arg0: float) -> None:
        ...
    @property
    def clipvalue(self) -> float:
        ...
    @clipvalue.setter
    def clipvalue(self, arg0: float) -> None:
        ...
    @property
    def ema_momentum(self) -> float:
        ...
    @ema_momentum.setter
    def ema_momentum(self, arg0: float) -> None:
        ...
    @property
    def ema_overwrite_frequency(self) -> int:
        ...
    @ema_overwrite_frequency.setter
    def ema_overwrite_frequency(self, arg0: int) -> None:
        ...
    @property
    def global_clipnorm(self) -> float:
        ...
    @global_clipnorm.setter
    def global_clipnorm(self, arg0: float) -> None:
        ...
    @property
    def gradient_accumulation_steps(self) -> int:
        ...
    @gradient_accumulation_steps.setter
    def gradient_accumulation_steps(self, arg0: int) -> None:
        ...
    @property
    def weight_decay(self) -> float:
        ...
    @weight_decay.setter
    def weight_decay(self, arg0: float) -> None:
        ...
class Updater:
    """
    An optimizer with its state.
    """
    def __init__(self, optimizer: optimizers._Spec, options: Options, shapes: collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]]) -> None:
        """
        For weights of these (rows, columns).
        """
    def apply(self, weights: numpy.typing.NDArray[numpy.float32], gradients: numpy.typing.NDArray[numpy.float32], rate: float) -> None:
        """
        One step on a flat array of weights, in place.
        """
    def constrain(self, index: int, constraint: constraints._Spec) -> None:
        """
        Of one weight, after every update.
        """
    def cuts(self, parts: int) -> list[int]:
        """
        Where the arena is cut for so many processes: 0, ..., its size.
        """
    def finalize(self, weights: numpy.typing.NDArray[numpy.float32]) -> None:
        """
        With averages, the flat weights become them.
        """
    def get_state(self) -> list[typing.Any]:
        """
        The states, each in one flat array like a network's weights.
        """
    def keep(self, first: int, last: int) -> None:
        """
        Keeps the state of a part of the arena; what is new is zero.
        """
    def regularize(self, index: int, regularizer: regularizers._Spec) -> None:
        """
        Of one weight.
        """
    def set_decayed(self, decayed: collections.abc.Sequence[bool]) -> None:
        """
        By weight: whether weight_decay is applied to it.
        """
    def set_state(self, values: collections.abc.Sequence[numpy.typing.NDArray[numpy.float32]]) -> None:
        ...
    @property
    def accumulated(self) -> numpy.typing.NDArray[numpy.float32]:
        """
        Gradients so far, flat.
        """
    @accumulated.setter
    def accumulated(self, arg1: numpy.typing.NDArray[numpy.float32]) -> None:
        ...
    @property
    def averages(self) -> numpy.typing.NDArray[numpy.float32]:
        """
        Of the weights, flat; or empty.
        """
    @averages.setter
    def averages(self, arg1: numpy.typing.NDArray[numpy.float32]) -> None:
        ...
    @property
    def gradients(self) -> numpy.typing.NDArray[typing.Any]:
        """
        The gradient arena itself, with padding.
        """
    @property
    def iterations(self) -> int:
        """
        Steps so far, those that only accumulate included.
        """
    @iterations.setter
    def iterations(self, arg0: int) -> None:
        ...
    @property
    def state_size(self) -> int:
        """
        Numbers of memory that states and averages take.
        """
    @property
    def states(self) -> list[typing.Any]:
        """
        (name, group) of each state.
        """
    @property
    def trainable(self) -> list[bool]:
        """
        By weight: whether it takes part.
        """
    @trainable.setter
    def trainable(self, arg1: collections.abc.Sequence[bool]) -> None:
        ...
class Network:
    """
    Layers and their weights.
    """
    def __init__(self, layers: collections.abc.Sequence[layers._Spec], inputs: int) -> None:
        ...
    def get_weights(self) -> numpy.typing.NDArray[numpy.float32]:
        """
        All weights in one flat array, layer after layer.
        """
    def part(self, first: int, last: int) -> Network:
        """
        The network of some of the specs, with the same weights.
        """
    def predict(self, x: typing.Any, threads: int = 0) -> numpy.typing.NDArray[numpy.float32]:
        """
        Applies the network to every row of x.
        """
    def set_trainable(self, by_spec: collections.abc.Sequence[bool]) -> None:
        """
        Which specs trainers that are made later train.
        """
    def set_weights(self, values: numpy.typing.NDArray[numpy.float32]) -> None:
        ...
    @property
    def densest(self) -> float:
        """
        Share of nonzeros up to which batches are compressed.
        """
    @property
    def outputs(self) -> int:
        ...
class Trainer:
    """
    Trains a network: optimizer, loss and metrics.
    """
    def __init__(self, network: Network, optimizer: optimizers._Spec, options: Options, loss: losses._Spec, metrics: collections.abc.Sequence[metrics._Spec], weighted_metrics: collections.abc.Sequence[metrics._Spec] = [], reduction: str = 'mean', loss_weight: float = 1.0) -> None:
        ...
    def apply(self, rate: float, first: int, last: int) -> None:
        """
        Updates a range of the arena from updater.gradients.
        """
    def clear_totals(self) -> None:
        ...
    def evaluate(self, network: Network, x: typing.Any, y: numpy.typing.NDArray[typing.Any], weights: typing.Any, batch: int, predictions: typing.Any = None, external: typing.Any = None, exchange: typing.Any = None, shares: typing.Any = None) -> None:
        """
        Adds all rows to the totals.
        """
    def finalize(self) -> None:
        """
        Weights become their averages.
        """
    def gradients(self, network: Network, x: typing.Any, y: numpy.typing.NDArray[typing.Any], weights: typing.Any, training: bool = False, external: typing.Any = None) -> tuple[typing.Any, ...]:
        """
        (loss, of all weights, of the inputs)
        """
    def totals(self) -> tuple[typing.Any, ...]:
        """
        (samples, sum of losses, sums of metrics, what each is to be divided by) since they were cleared.
        """
    def train(self, network: Network, x: typing.Any, y: numpy.typing.NDArray[typing.Any], weights: typing.Any, order: numpy.typing.NDArray[numpy.int64], batch: int, rates: numpy.typing.NDArray[numpy.float32], predictions: typing.Any = None, external: typing.Any = None, exchange: typing.Any = None, shares: typing.Any = None) -> int:
        """
        One step for every rate; returns the steps done. With an exchange, other processes have other shares.
        """
    @property
    def iterations(self) -> int:
        ...
    @iterations.setter
    def iterations(self, arg1: int) -> None:
        ...
    @property
    def updater(self) -> Updater:
        """
        The optimizer with its state.
        """
def activate(activation: activations._Spec, x: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.float32]:
    """
    Applies an activation to the rows of x.
    """
def activation_gradient(activation: activations._Spec, z: numpy.typing.NDArray[numpy.float32], dy: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.float32]:
    """
    dz, from the input z and the gradient dy.
    """
def activation_width(activation: activations._Spec, inputs: int) -> int:
    """
    Width of the output for rows of so many numbers.
    """
def benchmark_product(rows: int, inner: int, cols: int, threads: int, seconds: float) -> float:
    """
    GFLOP/s of Eigen's product.
    """
def claim(bytes: int) -> None:
    """
    Raises MemoryError where so many bytes cannot be had.
    """
def compress(x: typing.Any) -> tuple[typing.Any, ...]:
    """
    The nonzeros of a dense matrix: (starts, indices, values, columns).
    """
def constrain(constraint: constraints._Spec, w: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.float32]:
    """
    What a constraint makes of a vector or matrix.
    """
def forked() -> None:
    """
    To be called in a child after a fork: locks are made anew.
    """
def from_bfloat16(values: numpy.typing.NDArray[numpy.uint16], to: numpy.typing.NDArray[numpy.float32]) -> None:
    """
    Numbers of such bits.
    """
def loss_gradients(loss: losses._Spec, y_true: numpy.typing.NDArray[typing.Any], y_pred: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.float32]:
    """
    The gradient of each row's loss, or of the one loss of the batch, by that row of y_pred.
    """
def loss_values(loss: losses._Spec, y_true: numpy.typing.NDArray[typing.Any], y_pred: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.float32]:
    """
    The loss of every row of the batch; Dice and Tversky over the whole batch: the same for every row.
    """
def max_threads() -> int:
    ...
def metric_values(metric: metrics._Spec, y_true: numpy.typing.NDArray[typing.Any], y_pred: numpy.typing.NDArray[numpy.float32]) -> numpy.typing.NDArray[numpy.float32]:
    """
    The value of every row of y_pred.
    """
def needs_input(activation: activations._Spec) -> bool:
    """
    Whether the derivative needs the input, not just the output.
    """
def regularize(regularizer: regularizers._Spec, w: numpy.typing.NDArray[numpy.float32]) -> tuple[typing.Any, ...]:
    """
    (penalty, its gradient) of a vector or matrix.
    """
def release_threads() -> bool:
    """
    Gives the calling thread's OpenMP pool back, before a fork.
    """
def scan(x: typing.Any) -> tuple[typing.Any, ...]:
    """
    (nonzeros, row, column) with the place of the first NaN or infinity, or -1.
    """
def set_num_threads(threads: int) -> None:
    ...
def sum_bfloat16(parts: numpy.typing.NDArray[numpy.uint16]) -> numpy.typing.NDArray[numpy.uint16]:
    """
    The sum of the rows, rounded once.
    """
def to_bfloat16(values: numpy.typing.NDArray[numpy.float32], to: numpy.typing.NDArray[numpy.uint16]) -> None:
    """
    Bits of rounded numbers.
    """
eigen_version: str
isa: str
openmp_version: str
