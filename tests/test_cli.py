"""The commands: what they print, and that errors are one line and an exit code."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from patience import SLOWER

import lamella
from lamella import _bench, _demo, cli
from lamella.datasets import DatasetError, DatasetNotFoundError, digits, mnist

LAST = re.compile(r"test accuracy (0\.\d{4}|1\.0000) \(data: (MNIST|digits), (\d+) epochs? in \d+\.\d s\)\n\Z")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No MNIST on disk, and a network that refuses at once; returns the environment for child processes."""
    for name in ("LAMELLA_HOME", "KERAS_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("LAMELLA_DATA", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def small(monkeypatch):
    """A few digits that pass for MNIST."""
    drawn = digits.load_data(num_train=1000, num_test=200)
    monkeypatch.setattr(mnist, "load_data", lambda *path: drawn)
    return drawn


def command(*words, **options):
    line = [sys.executable, "-m", "lamella", *words]
    return subprocess.run(line, capture_output=True, text=True, encoding="utf-8", timeout=300, **options)


def fails(capsys, *words):
    """The exit code and the one line that the command complains with."""
    try:
        code = cli.main(words)
    except SystemExit as end:
        code = end.code
    errors = capsys.readouterr().err
    assert errors.startswith("lamella: error: ") and errors.count("\n") == 1, errors
    return code, errors


def test_mnist_falls_back_on_digits_and_draws(nowhere):
    pytest.importorskip("matplotlib")
    begin = time.perf_counter()
    done = command("mnist", "--epochs", "1", "--seed", "0", "--plot", "curves.png", cwd=nowhere)
    assert time.perf_counter() - begin < 120 * SLOWER
    assert done.returncode == 0, done.stderr
    notes = done.stderr.splitlines()
    assert len(notes) == 1 and "digits are drawn instead" in notes[0] and "LAMELLA_DATA" in notes[0]
    assert "469/469 ━" in done.stdout and "\ndrew curves.png\n" in done.stdout
    last = LAST.search(done.stdout)
    assert last and last[2] == "digits" and last[3] == "1"
    assert float(last[1]) > 0.85
    assert (nowhere / "curves.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_mnist_prints_epochs_and_one_line_to_parse(small, capsys):
    assert cli.main(["mnist", "--epochs", "2", "--batch-size", "100", "--seed", "1"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("MNIST: 1000 training and 200 test images\nEpoch 1/2\n10/10 ━")
    assert LAST.search(printed)[2] == "MNIST"


def test_mnist_with_a_seed_repeats_itself(small, capsys):
    results = []
    for seed in ("5", "5", "6"):
        cli.main(["mnist", "--epochs", "1", "--seed", seed])
        results.append(re.findall(r"loss: (\S+)", capsys.readouterr().out))
    assert results[0] == results[1] != results[2]


def test_mnist_hands_the_path_to_the_loader(monkeypatch, small, tmp_path, capsys):
    seen = []
    monkeypatch.setattr(mnist, "load_data", lambda *path: seen.extend(path) or small)
    assert cli.main(["mnist", "--epochs", "1", "--data", str(tmp_path)]) == 0
    assert seen == [tmp_path]


def test_missing_matplotlib_is_said_before_training(nowhere, tmp_path):
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text("raise ImportError('not here')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = command("mnist", "--plot", "curves.png", cwd=tmp_path, env={**os.environ, "PYTHONPATH": path})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("lamella: error: matplotlib is needed to draw --plot")
    assert 'pip install "lamella[plot]"' in done.stderr and done.stderr.count("\n") == 1


def test_result_is_printed_even_if_the_picture_fails(small, monkeypatch, tmp_path, capsys):
    plotting = pytest.importorskip("lamella.plotting")
    pytest.importorskip("matplotlib")

    def full(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr(plotting, "training_figure", full)
    assert cli.main(["mnist", "--epochs", "1", "--plot", str(tmp_path / "a.png")]) == 1
    printed = capsys.readouterr()
    assert LAST.search(printed.out) and printed.err == "lamella: error: no space left on device\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "such as train, mnist or info"),
        (("fly",), "invalid choice: 'fly'"),
        (("mnist", "--epochs", "0"), "argument --epochs: must be a whole number of at least 1, got '0'"),
        (("mnist", "--epochs", "two"), "got 'two'"),
        (("mnist", "--epoch", "2"), "unrecognized arguments"),
        (("mnist", "--batch-size", "-1"), "at least 1|from 1"),
        (("mnist", "--seed", "4294967296"), "from 0 to 4294967295"),
        (("mnist", "--data", "no/such"), "must be an existing folder or file, got 'no/such'"),
        (("mnist", "--data", ""), "existing"),
        (("mnist", "--plot", "no/such/a.png"), "make the folder first"),
        (("mnist", "--plot", "a.xyz"), "must end with .png"),
        (("mnist", "--plot", "."), "must be a file"),
        (("bench", "--epochs", "1"), "of at least 2"),
        (("bench", "--rounds", "0"), "of at least 1"),
        (("info", "--quick"), "unrecognized"),
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_code_2_and_one_line(monkeypatch, tmp_path, capsys, words, text):
    monkeypatch.chdir(tmp_path)
    code, line = fails(capsys, *words)
    assert code == 2
    assert re.search(text, line)


def test_folder_without_mnist_is_an_error_not_a_fallback(nowhere, capsys):
    code, line = fails(capsys, "mnist", "--data", str(nowhere))
    assert code == 2
    assert "argument --data: " in line and str(nowhere) in line


@pytest.mark.parametrize("error", [DatasetError("a\nb\nc"), MemoryError(), RuntimeError(""), OSError("disk")])
def test_failures_end_with_code_1_and_one_line(monkeypatch, capsys, error):
    def load(*_, **__):
        raise error

    monkeypatch.setattr(mnist, "load_data", load)
    assert fails(capsys, "mnist")[0] == 1


def test_wrong_use_says_so_without_a_traceback(tmp_path):
    done = command("mnist", "--epochs", "none", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "lamella: error: argument --epochs: must be a whole number of at least 1, got 'none'\n"


def test_interrupt_ends_training_with_code_130_and_one_line(nowhere):
    code = (
        "import sys\nfrom lamella import cli\nfrom lamella.datasets import digits, mnist\n"
        "drawn = digits.load_data(num_train=4000, num_test=10)\nmnist.load_data = lambda: drawn\n"
        "sys.exit(cli.main(['mnist', '--epochs', '100000']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:
        try:
            while "Epoch 3/" not in child.stdout.readline():
                assert child.poll() is None, child.stderr.read()
            child.send_signal(signal.SIGINT)
            _, errors = child.communicate(timeout=60)
        finally:
            child.kill()
    assert child.returncode == 130
    assert errors == "lamella: interrupted\n"


def test_info_names_versions_threads_and_instruction_sets(tmp_path):
    done = command("info", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    facts = dict(
        re.split(r"\s{2,}|(?<=instruction set)\s+", line.strip(), maxsplit=1) for line in done.stdout.splitlines()
    )
    assert facts["lamella"] == lamella.__version__
    assert facts["NumPy"] == np.__version__
    assert facts["Eigen"].startswith("3.")
    assert facts["OpenMP"]
    assert int(facts["threads"]) >= 1
    assert facts["instruction set"] in facts["usable"].split()
    assert set(facts["usable"].split()) <= set(facts["built"].split())
    assert facts["Python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")


def test_version_and_help_go_to_standard_output(capsys):
    for words, text in ((["--version"], f"lamella {lamella.__version__}\n"), (["mnist", "--help"], "--batch-size")):
        with pytest.raises(SystemExit) as end:
            cli.main(words)
        assert end.value.code == 0
        assert text in capsys.readouterr().out


def test_output_can_be_cut_off(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "lamella", "info"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as child:
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 1


def test_bench_prints_both_and_their_ratio(nowhere):
    done = command("bench", "--quick", "--epochs", "2", cwd=nowhere)
    assert done.returncode == 0, done.stderr
    rows = dict(re.findall(r"^(C\+\+ core|NumPy) +(.*)$", done.stdout, re.MULTILINE))
    core, plain = ([float(word) for word in rows[name].split()] for name in ("C++ core", "NumPy"))
    assert "10000 images of digits" in done.stdout
    assert plain[1] == 1
    assert min(core[2], plain[2]) > 0.7
    assert float(re.search(r"\nratio (\d+\.\d\d)\n\Z", done.stdout)[1]) == core[1]


def test_both_of_the_bench_learn_the_same(small):
    (x_train, y_train), (x_test, y_test) = small
    data = _demo.Digits("digits", x_train, y_train, x_test, y_test)
    core, plain = (_bench.measure(name, data, 4, 1) for name in ("core", "numpy"))
    assert len(core.seconds) == len(plain.seconds) == 4
    assert core.accuracy > 0.6
    assert core.accuracy == pytest.approx(plain.accuracy, abs=0.15)


def test_numpy_of_the_bench_takes_the_steps_of_the_core():
    rng = np.random.default_rng(0)
    x = rng.random((128, 784)).astype(np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, 128)]
    shapes = ((784, 512), (512,), (512, 10), (10,))
    start = [rng.normal(0, 0.05, shape).astype(np.float32) for shape in shapes]
    core, plain = _bench.Core([w.copy() for w in start], 0), _bench.PlainNumpy([w.copy() for w in start], 0)
    core.fit(x, y, 1)  # one step, whatever the order of its rows
    plain.fit(x, y, 1)
    for ours, theirs, before in zip(core.model.get_weights(), plain.weights, start, strict=True):
        np.testing.assert_allclose(ours - before, theirs - before, atol=1e-4)
    np.testing.assert_allclose(core.predict(x), plain.predict(x), atol=1e-3)


def test_child_of_the_bench_that_fails_is_reported(tmp_path):
    with pytest.raises(RuntimeError, match=r"measures NumPy failed: .*missing\.npz"):
        _bench._spawn("numpy", tmp_path / "missing.npz", 2, 0)


def test_demo_without_a_path_takes_any_missing_set_for_a_reason_to_draw(monkeypatch, capsys):
    def load(*path):
        raise DatasetNotFoundError("nowhere")

    monkeypatch.setattr(mnist, "load_data", load)
    data = _demo.load(num_train=30, num_test=10)
    assert (data.name, data.x_train.shape, data.y_test.shape) == ("digits", (30, 28, 28), (10,))
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(DatasetNotFoundError):
        _demo.load("here")
