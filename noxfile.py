"""Named sessions: `nox -s tests`, `nox -s isa`, `nox -s interop`, `nox -s lint`, `nox -s types`, `nox -s book`."""

from __future__ import annotations

import json

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]


@nox.session
def tests(session: nox.Session) -> None:
    """The README's test command."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def interop(session: nox.Session) -> None:
    """Files written here and read by the real Keras, and the other way round."""
    session.install(".[test,interop]")
    session.run("pytest", "-m", "interop", *session.posargs, env={"KERAS_BACKEND": "jax"})


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
