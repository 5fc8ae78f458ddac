"""Named sessions: `nox -s tests`, `nox -s isa`, `nox -s interop`, `nox -s fuzz`, `nox -s kills`, ..."""

from __future__ import annotations

import json
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]


@nox.session
def tests(session: nox.Session) -> None:
    """The README's test command."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
@nox.parametrize("backend", ["jax", "tensorflow"])
def interop(session: nox.Session, backend: str) -> None:
    """Files written here and read by the real Keras, and the other way round."""
    session.install(".[test,interop]", *(["tensorflow-cpu"] if backend == "tensorflow" else []))
    session.run(
        "pytest", "-m", "interop", *session.posargs, env={"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    )


@nox.session(python=["3.10", "3.11"])
@nox.parametrize("peers", [["keras==3.0.5", "jax<0.5"], ["tensorflow-cpu==2.15.1"]], ids=["keras-3.0", "keras-2.15"])
def interop_old(session: nox.Session, peers: list[str]) -> None:
    """The same with old releases of Keras, which need an older Python and NumPy."""
    session.install(".", "pytest>=8", "hypothesis>=6.100", "h5py>=3.10", "numpy<2", *peers)
    session.run("pytest", "-m", "interop", "tests/test_interop.py", env={"KERAS_BACKEND": "jax"})


@nox.session
def beside(session: nox.Session) -> None:
    """Tensors of PyTorch, and its OpenMP runtime in the same process."""
    session.install(".[test]", "torch")
    session.run("pytest", "-m", "torch", *session.posargs)


@nox.session
def isa(session: nox.Session) -> None:
    """The whole suite under each instruction set that this machine runs."""
    session.install(".[test]")
    usable = session.run(
        "python", "-c", "import json; from lamella import _cpu; print(json.dumps(_cpu.usable()))", silent=True
    )
    for name in json.loads(str(usable)):
        session.run("pytest", "-q", *session.posargs, env={"LAMELLA_ISA": name})


@nox.session
def fuzz(session: nox.Session) -> None:
    """Mutants of every file, properties with new examples, Atheris: `nox -s fuzz -- 100000 600` (count, seconds)."""
    session.install(".[test,fuzz]")
    count, seconds = [*session.posargs, *["20000", "60"][len(session.posargs) :]]
    formats = sorted(folder.name for folder in Path("tests/data/corpus").iterdir())
    for name in formats:
        session.run("python", "tests/mutants.py", name, count)
    session.run("pytest", "-q", "tests/test_properties.py", env={"LAMELLA_FUZZ": "1"})
    for name in formats:
        session.run("python", "tests/fuzz_atheris.py", name, f"-max_total_time={int(seconds) // len(formats) + 1}")


@nox.session
def kills(session: nox.Session) -> None:
    """Each writer killed 1,000 times, and 200 times Ctrl-C in a fit: `nox -s kills -- 1000 200`."""
    session.install(".[test]")
    count, interrupts = [*session.posargs, *["1000", "200"][len(session.posargs) :]]
    session.run("python", "-W", "ignore", "tests/kills.py", count)
    session.run("python", "tests/interrupts.py", interrupts)
    session.run("python", "tests/interrupts.py", "delays")


@nox.session
def lint(session: nox.Session) -> None:
    """Style of the Python sources."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types of the package."""
    session.install("mypy", ".")
    session.run("mypy", "--strict", "python/lamella")


@nox.session
def book(session: nox.Session) -> None:
    """The book's program on five seeds: mean test accuracy and epoch losses."""
    session.install(".")
    session.run("python", "benchmarks/book_seeds.py", *session.posargs)
