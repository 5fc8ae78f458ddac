"""Named sessions; `nox -l` lists them. docs/reliability.md says what the checking ones found."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
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


# ---------------------------------------------------------------------- sanitizers, analysis, coverage, memory

# The instruction set of builds that only check: most machines run it.
CHECKED_ISA = {"x86_64": "x86_64_v3", "amd64": "x86_64_v3", "aarch64": "aarch64", "arm64": "aarch64"}.get(
    platform.machine().lower(), "baseline"
)
# Tests of limits that a sanitizer's own memory, or a preloaded library, breaks.
UNSUITED = "not limited_memory"


def install(session: nox.Session, *arguments: str, **defines: str) -> None:
    """The package, built for one instruction set with those CMake variables and all assertions."""
    options = {"LAMELLA_ISAS": CHECKED_ISA, **defines}
    settings = [f"-Ccmake.define.{name}={value}" for name, value in options.items()]
    session.install("-Ccmake.build-type=Debug", *settings, *arguments, ".[test]")


def library(name: str) -> str:
    """A sanitizer's library: the interpreter is not linked with it, so it has to be loaded first."""
    return subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()


@nox.session
def asan(session: nox.Session) -> None:
    """The whole suite with the address and undefined-behaviour sanitizers and the assertions of Eigen and the library."""
    install(session, LAMELLA_SANITIZE="address,undefined")
    environment = {
        "LD_PRELOAD": f"{library('libasan.so')}:{library('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }
    session.run("pytest", "-q", "-s", "-m", f"not interop and {UNSUITED}", *session.posargs, env=environment)


@nox.session
def leaks(session: nox.Session) -> None:
    """A program that uses everything, and with it what is never freed; fails on blocks of ours, and without a planted one."""
    install(session, LAMELLA_SANITIZE="address,undefined")
    environment = {
        "LD_PRELOAD": library("libasan.so"),
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=1:fast_unwind_on_malloc=0:exitcode=66",
        "LSAN_OPTIONS": f"suppressions={Path('tests/cpp/leaks.txt').resolve()}:print_suppressions=0",
    }
    session.run("python", "tests/use_everything.py", env=environment)
    session.run("python", "tests/use_everything.py", "--leak", env=environment, success_codes=[66], silent=True)


@nox.session
def tsan(session: nox.Session) -> None:
    """The core's threads under the thread sanitizer (clang, libomp, Archer); a planted race has to be found."""
    if not shutil.which("clang++"):
        session.error("clang++ with libomp is needed: apt-get install clang libomp-dev llvm")
    session.install("cmake>=3.18", "ninja", "cmeel-eigen>=3.4.1,<4")
    build = "build/tsan"
    packages = session.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", silent=True)
    session.run(
        "cmake", "-S", ".", "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_COMPILER=clang++",
        f"-DCMAKE_PREFIX_PATH={str(packages).strip()}", "-DLAMELLA_SANITIZE=thread", "-DLAMELLA_DRIVER=ON",
    )  # fmt: skip
    session.run("cmake", "--build", build)
    environment = {"OMP_NUM_THREADS": "4", "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:exitcode=66"}
    driver = f"{build}/threads"
    for _ in range(int(session.posargs[0]) if session.posargs else 1):
        session.run(driver, env=environment, external=True)
    session.run(driver, "race", env=environment, external=True, success_codes=[66], silent=True)


@nox.session
def tidy(session: nox.Session) -> None:
    """clang-tidy by .clang-tidy on every source of the core and the bindings: no finding."""
    session.install("clang-tidy==23.1.4", "cmake>=3.18", "ninja", "cmeel-eigen>=3.4.1,<4", "pybind11>=3.0,<4")
    build = "build/tidy"
    packages = session.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", silent=True)
    pybind11 = session.run("python", "-m", "pybind11", "--cmakedir", silent=True)
    # Without OpenMP: its headers come with the compiler that builds, not with the one that checks.
    session.run(
        "cmake", "-S", ".", "-B", build, "-G", "Ninja", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DLAMELLA_OPENMP=OFF",
        f"-DLAMELLA_ISAS={CHECKED_ISA}", f"-DCMAKE_PREFIX_PATH={str(packages).strip()};{str(pybind11).strip()}",
    )  # fmt: skip
    sources = session.posargs or [str(path) for path in sorted(Path("cpp").rglob("*.cpp"))]
    clang_tidy = [f"{session.bin}/clang-tidy", "-p", build, "--quiet", "--warnings-as-errors=*"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(
            pool.map(lambda source: subprocess.run([*clang_tidy, source], capture_output=True, text=True), sources)
        )
    session.log("".join(sorted({line + "\n" for each in found for line in each.stdout.splitlines() if " error: " in line})))
    if any(each.returncode for each in found):
        session.error("clang-tidy has findings")


@nox.session
def noomp(session: nox.Session) -> None:
    """The whole suite on a build without OpenMP: all right, on one thread."""
    install(session, LAMELLA_OPENMP="OFF", CMAKE_CXX_FLAGS="-O2")
    session.run("pytest", "-q", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Lines of the core (gcovr) and of the package (coverage.py) that the suite runs: at least 95 % each."""
    session.install("gcovr>=8", "coverage>=7")
    build = Path("build/coverage")
    shutil.rmtree(build, ignore_errors=True)
    install(session, f"-Cbuild-dir={build}", LAMELLA_COVERAGE="ON")
    session.run("coverage", "run", "--source=lamella", "-m", "pytest", "-q", *session.posargs)
    session.run(
        "gcovr", "--root=.", "--filter=cpp/core/", "--gcov-ignore-parse-errors=all", "--fail-under-line=95", str(build)
    )
    session.run("coverage", "report", "--show-missing", "--skip-covered", "--fail-under=95")


@nox.session
def soak(session: nox.Session) -> None:
    """Models made, trained and dropped: the slopes of memory, open files and threads."""
    session.install(".")
    session.run("python", "tests/soak.py", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """All that is too long for every change."""
    for name in ("asan", "leaks", "tsan", "tidy", "noomp", "coverage", "soak", "isa", "interop"):
        session.notify(name)
