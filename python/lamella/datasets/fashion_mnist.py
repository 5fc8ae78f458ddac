"""Fashion-MNIST: 70,000 pictures of clothes, 28 by 28 pixels, in MNIST's format."""

from __future__ import annotations

import gzip
import io
import zlib

from .. import _fetch
from .._fetch import DatasetError, File
from . import _published
from ._idx import Split, read_idx, splits

_SUBFOLDER = "fashion-mnist"
_SHAPES = {"x_train": (60_000, 28, 28), "y_train": (60_000,), "x_test": (10_000, 28, 28), "y_test": (10_000,)}
# Only the zipped files were published with digests.
_FILES = {
    "x_train": File("train-images-idx3-ubyte.gz",
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880, packed=True),
    "y_train": File("train-labels-idx1-ubyte.gz",
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515, packed=True),
    "x_test": File("t10k-images-idx3-ubyte.gz",
                   "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102, packed=True),
    "y_test": File("t10k-labels-idx1-ubyte.gz",
                   "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148, packed=True),
}  # fmt: skip
_MOST = 47_040_016  # bytes of the largest, unzipped
_BASES = [_fetch.BASE_URL, "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"]


def load_data() -> tuple[Split, Split]:
    """Loads Fashion-MNIST from disk, or downloads it once.

    The four files ``train-images-idx3-ubyte.gz`` and so on are looked for in the folder `fashion-mnist` of
    ``LAMELLA_DATA``, of Keras' cache and of lamella's (``LAMELLA_HOME``), and else downloaded into the latter. Every
    file's SHA-256 is checked on every load.

    The labels: T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, all uint8; pixels run from 0 to 255, labels from 0 to 9.

    Shapes:
        x_train (60000, 28, 28), y_train (60000,), x_test (10000, 28, 28), y_test (10000,).

    Raises:
        DatasetNotFoundError: A FileNotFoundError and ValueError, if the data are nowhere and cannot be downloaded.
        DatasetError: A ValueError and OSError, if a file is cut off, swapped with another, or otherwise wrong.

    Source:
        Xiao, Rasul and Vollgraf, Fashion-MNIST: a novel image dataset, 2017. arXiv:1708.07747.

    Example:
        >>> from lamella.datasets import fashion_mnist
        >>> (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (60000, 28, 28)
    """
    arrays = {}
    for key, file in _FILES.items():
        content, place = _published.look_up(file, [base + file.name for base in _BASES], _SUBFOLDER)
        arrays[key] = read_idx(_unzip(content, place), place)
    return splits(arrays, _SHAPES)


def _unzip(content: bytes, place: str) -> bytes:
    try:
        return gzip.GzipFile(fileobj=io.BytesIO(content)).read(_MOST + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DatasetError(f"{place} must be a gzip file: {error}.") from None
