"""Atheris targets: `python tests/fuzz_atheris.py FORMAT [libFuzzer's options]`, from the corpus of the format on.

Only documented errors may come out of a reader. Findings are written to crash-... and belong into tests/data/corpus.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lamella.saving", "lamella.datasets", "lamella._fetch"]):
    import lamella.datasets
    import lamella.saving._hdf5
    import lamella.saving._json
    import lamella.saving._keras
    import lamella.saving._npz
    import lamella.saving._safetensors  # noqa: F401

from mutants import CORPUS, FORMATS, outcome


def main() -> None:
    name = sys.argv.pop(1)
    form, folder = FORMATS[name], Path(tempfile.mkdtemp())
    path = folder / f"input{form.ending}"
    path.write_bytes((CORPUS / name / f"good{form.ending}").read_bytes())
    expected = form.read(path)

    def one(content: bytes) -> None:
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome(form, path, expected)

    corpus = folder / "corpus"
    corpus.mkdir()
    for kept in (CORPUS / name).iterdir():
        (corpus / kept.name).write_bytes(kept.read_bytes())
    atheris.Setup([*sys.argv, "-timeout=30", "-rss_limit_mb=2048", str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
