"""The command line: ``python -m lamella mnist``, ``train`` and so on, also installed as ``lamella``.

Exit codes: 0 done, 1 failed, 2 called wrongly, 130 interrupted. Every error is one line on standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from . import __version__, _launch, _table_commands
from ._arguments import command, existing, model, script, target, whole
from ._machine import facts
from ._streams import flush, lenient, tell, to_nowhere
from .datasets import DatasetError, DatasetNotFoundError

if TYPE_CHECKING:
    from ._demo import Digits


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code.

    Args:
        argv: The words after ``lamella``; those of the process when None.

    Raises:
        SystemExit: If the words make no sense (code 2), and after ``--help`` and ``--version``.

    Example:
        >>> main(["info"])  # doctest: +ELLIPSIS
        lamella          ...
        0
    """
    parser = _parser()
    try:
        with lenient(keeps_on=False):  # for --help
            options = parser.parse_args(argv)
        run: Callable[[argparse.ArgumentParser, argparse.Namespace], None] = options.run
        writes = any(getattr(options, name, None) for name in ("save", "plot", "report"))
        with contextlib.ExitStack() as around:
            around.enter_context(lenient(keeps_on=writes))
            around.enter_context(warnings.catch_warnings())
            if options.shares:
                around.enter_context(_launch.joined(options))
            warnings.showwarning = _note
            run(parser, options)
            flush()
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        to_nowhere(sys.stdout)
        return 1
    except MemoryError as error:
        return _complain(f"error: {_one_line(error) or 'there is not enough memory'}", 1)
    except Exception as error:  # whoever sits at a terminal wants a sentence; in a program it is a traceback
        return _complain(f"error: {_one_line(error) or type(error).__name__}", 1)
    return 0


_MODELS = (".safetensors", ".keras", ".h5", ".hdf5")


class _Parser(argparse.ArgumentParser):
    """Complains in one line, and under the name of the whole program also where a command's options are wrong."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if message and file is not None:
            file.write(message)  # that of argparse swallows errors

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        flush()
        super().exit(status, message)

    def error(self, message: str) -> NoReturn:
        # Also called inside an except block below: what happened there is said in `message`.
        raise SystemExit(_complain(f"error: {' '.join(message.split())}", 2)) from None


def _complain(text: str, code: int) -> int:
    if sys.stdout is not None and code == 130 and sys.stdout.isatty() and sys.stderr is not None:
        print(file=sys.stderr)  # the progress bar is half drawn
    tell(text)
    return code


def _note(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning as a line, without the line of source that only a program would want to know."""
    tell(f"note: {' '.join(str(message).split())}")


def _one_line(error: BaseException) -> str:
    """What happened and the way out: the ends of a message of many lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(dict.fromkeys((lines[0], lines[-1]))) if lines else ""


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lamella", allow_abbrev=False)
    parser.description = "Dense neural networks on CPUs: for tables, for handwritten digits, and what runs here."
    parser.add_argument("--version", action="version", version=f"lamella {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    parser.set_defaults(
        shares=False,
        run=lambda parser, _: parser.error("say what to do, such as train, mnist or info (--help tells more)"),
    )

    _table_commands.add(commands)

    mnist = commands.add_parser("mnist", help="train a network on handwritten digits", allow_abbrev=False)
    mnist.description = "Trains Dense(512, relu), Dense(10, softmax) on MNIST, or on drawn digits where there is none."
    mnist.add_argument("--epochs", type=whole(1), default=5, metavar="N", help="how often to see each image (5)")
    mnist.add_argument("--batch-size", type=whole(1, 2**31 - 1), default=128, metavar="N", help="images a step (128)")
    mnist.add_argument("--seed", type=whole(0, 2**32 - 1), metavar="N", help="makes the run repeatable")
    _add_data(mnist)
    mnist.add_argument(
        "--plot",
        type=target(".png"),
        metavar="FILE.png",
        help="where to draw loss, accuracy and digits; needs matplotlib",
    )
    mnist.add_argument(
        "--report",
        type=target(".html"),
        metavar="FILE.html",
        help="where to write a page: curves, confusion matrix, worst mistakes, speed",
    )
    mnist.set_defaults(run=_mnist, shares=True)

    playground = commands.add_parser("playground", help="draw digits on a page of this machine", allow_abbrev=False)
    playground.description = (
        "Trains the same network, then serves a page, to this machine only, on which to draw digits."
    )
    playground.add_argument("--epochs", type=whole(1), default=5, metavar="N", help="how often to see each image (5)")
    playground.add_argument("--seed", type=whole(0, 2**32 - 1), metavar="N", help="makes the training repeatable")
    playground.add_argument(
        "--model", type=model(*_MODELS), metavar="FILE", help="a saved model from 784 numbers to 10"
    )
    playground.add_argument("--port", type=whole(0, 65535), default=0, metavar="N", help="by default one that is free")
    playground.add_argument("--open", action="store_true", help="open the page in the browser")
    _add_data(playground)
    playground.set_defaults(run=_playground)

    bench = commands.add_parser("bench", help="time the C++ core against NumPy", allow_abbrev=False)
    bench.description = "Times the same training in the C++ core and in plain NumPy, in turn, each in its own process."
    bench.add_argument("--epochs", type=whole(2), default=3, metavar="N", help="per round; the first warms up (3)")
    bench.add_argument("--rounds", type=whole(1), metavar="N", help="how often both run (3; 1 with --quick)")
    bench.add_argument("--quick", action="store_true", help="a sixth of the images, for a first look")
    _add_data(bench)
    bench.set_defaults(run=_bench)

    launch = commands.add_parser("run", help="run a script on several processes with MPI", allow_abbrev=False)
    launch.description = "Runs a script under mpiexec, and again when it failed; see docs/distributed.md."
    launch.add_argument("-n", type=whole(1), default=1, metavar="N", dest="processes", help="processes (1)")
    launch.add_argument("--max-restarts", type=whole(0), default=0, metavar="N", help="restarts after failures (0)")
    launch.add_argument(
        "--mpiexec", type=command, metavar="COMMAND", help="launcher with its options, such as 'mpiexec -hosts a,b'"
    )
    launch.add_argument("script", type=script, help="the Python script")
    rest = launch.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script gets")
    rest.required = False  # or messages ask for it, too
    launch.set_defaults(run=_run)

    info = commands.add_parser("info", help="show versions, threads and instruction sets", allow_abbrev=False)
    info.description = "Shows what was built and what runs here; worth adding to a bug report."
    info.set_defaults(run=_info)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    text = "folder or file with MNIST; by default $LAMELLA_DATA, a cache or a download"
    parser.add_argument("--data", type=existing, metavar="PATH", help=text)


def _mnist(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    from . import _demo

    if options.plot:
        from .plotting import require_matplotlib

        require_matplotlib("draw --plot")  # now, not after minutes of training
    data = _load(parser, options)
    _demo.run(data, options.epochs, options.batch_size, options.seed, options.plot, options.report)


def _playground(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    from . import _demo
    from ._playground import Playground
    from .models import load_model

    if options.model:
        model, about = load_model(options.model), f"The model is {options.model.name}."
    else:
        model, about = _demo.trained(_load(parser, options), options.epochs, options.seed)
    with Playground(model, about, options.port) as server:
        print(f"draw digits at {server.url} (Ctrl-C ends it)", flush=True)
        if options.open:
            import webbrowser

            webbrowser.open(server.url)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


def _bench(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    from . import _bench

    data = _load(parser, options, num_train=10_000, num_test=2_000) if options.quick else _load(parser, options)
    _bench.run(data, options.epochs, options.rounds or (1 if options.quick else 3))


def _load(parser: argparse.ArgumentParser, options: argparse.Namespace, **sizes: int) -> Digits:
    from . import _demo

    try:
        return _demo.load(options.data, **sizes)
    except (DatasetError, DatasetNotFoundError) as error:
        if options.data is None:
            raise
        parser.error(f"argument --data: {_one_line(error)}")


def _run(_: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    script = [str(options.script), *options.arguments]
    code = _launch.run(options.processes, options.max_restarts, script, options.mpiexec)
    if code:
        raise SystemExit(code)


def _info(_: argparse.ArgumentParser, __: argparse.Namespace) -> None:
    for name, value in facts().items():
        print(f"{name:<16} {value}")
