"""Networks for CSV files from Python: what is learned, and how tables that cannot be used are refused."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_tables import encoded, flats, flowers, quick, write

import lamella
from lamella import tables
from lamella.saving import BadModelFile
from lamella.tables import TableError, _train
from lamella.tables._reading import Source

# ------------------------------------------------------------------ what is learned


def test_regression_is_as_good_as_sklearns(rng: np.random.Generator, tmp_path: Path) -> None:
    network = pytest.importorskip("sklearn.neural_network")
    compose, preprocessing = pytest.importorskip("sklearn.compose"), pytest.importorskip("sklearn.preprocessing")
    columns, fresh = flats(rng, 1500), flats(rng, 500)
    trained = quick(write(tmp_path / "train.csv", columns), "price", epochs=60)
    scores = trained.evaluate(write(tmp_path / "test.csv", fresh))
    encode = compose.ColumnTransformer(
        [("n", preprocessing.StandardScaler(), [0]), ("c", preprocessing.OneHotEncoder(), [1])]
    )
    x, test_x = (np.stack([c["size"].astype(object), c["city"].astype(object)], 1) for c in (columns, fresh))
    mean, scale = columns["price"].mean(), columns["price"].std()
    other = network.MLPRegressor(hidden_layer_sizes=(64, 64), early_stopping=True, max_iter=60, random_state=3)
    other.fit(encode.fit_transform(x), (columns["price"] - mean) / scale)
    theirs = np.abs(mean + scale * other.predict(encode.transform(test_x)) - fresh["price"]).mean()
    assert scores["mae"] < 1.15 * theirs
    assert scores["mae"] < 0.06 * scores["guess_mae"]  # noise alone is 0.03 of it


def test_classification_beats_a_line_and_is_as_good_as_sklearns_network(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    network = pytest.importorskip("sklearn.neural_network")
    linear, pipeline = pytest.importorskip("sklearn.linear_model"), pytest.importorskip("sklearn.pipeline")
    scaler = pytest.importorskip("sklearn.preprocessing").StandardScaler
    columns, fresh = flowers(rng, 1500), flowers(rng, 500)
    trained = quick(write(tmp_path / "train.csv", columns), "kind", epochs=60)
    accuracy = trained.evaluate(write(tmp_path / "test.csv", fresh))["accuracy"]
    x, test_x = (np.stack([c["a"], c["b"]], axis=1) for c in (columns, fresh))
    models = (
        linear.LogisticRegression(),
        network.MLPClassifier(hidden_layer_sizes=(64, 64), max_iter=400, random_state=3),
    )
    line, other = (
        pipeline.make_pipeline(scaler(), model).fit(x, columns["kind"]).score(test_x, fresh["kind"]) for model in models
    )
    assert accuracy > line + 0.2
    assert accuracy > other - 0.03


def test_linear_model_finds_the_least_squares(rng: np.random.Generator, tmp_path: Path) -> None:
    x = rng.normal(size=(400, 2)) * [3, 100] + [5, -40]
    y = 2 * x[:, 0] - 0.1 * x[:, 1] + 7 + rng.normal(size=400)
    path = write(tmp_path / "a.csv", {"a": x[:, 0], "b": x[:, 1], "y": y})
    trained = quick(path, "y", hidden=(), validation_split=0, learning_rate=0.02, batch_size=400, epochs=800)
    design = np.column_stack([x, np.ones(400)])
    expected = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    np.testing.assert_allclose(trained.predict(path), expected, atol=0.01)


def test_columns_are_encoded_as_sklearn_does(rng: np.random.Generator, tmp_path: Path) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    columns = flats(rng)
    path = write(tmp_path / "a.csv", columns)
    trained = quick(path, "price", epochs=1, validation_split=0)
    size = preprocessing.StandardScaler().fit_transform(columns["size"][:, None])
    city = preprocessing.OneHotEncoder(sparse_output=False).fit_transform(columns["city"][:, None])
    np.testing.assert_allclose(encoded(trained, path), np.hstack([size, city]), atol=1e-6)


def test_validation_rows_teach_nothing(rng: np.random.Generator, tmp_path: Path) -> None:
    columns = flats(rng)
    held = np.random.default_rng(3).random(600) < 0.2
    assert 80 < held.sum() < 160
    columns["size"] = np.where(held, 1e6, columns["size"])
    columns["city"] = np.where(held, "Nowhere", columns["city"])
    trained = quick(write(tmp_path / "a.csv", columns), "price", epochs=1)
    size, city = trained.schema.features
    assert size.mean == pytest.approx(columns["size"][~held].mean())
    assert size.scale == pytest.approx(columns["size"][~held].std())
    assert city.values == ["Bern", "Oslo", "Rome"]
    assert trained.facts is not None and trained.facts["validation_rows"] == held.sum()


def test_chunks_change_nothing(rng: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = flats(rng)
    columns["size"] = [("" if i % 7 == 0 else size) for i, size in enumerate(columns["size"])]
    path = write(tmp_path / "a.csv", columns)
    whole = quick(path, "price", missing="fill", epochs=3).predict(path)
    monkeypatch.setattr(Source.__init__, "__defaults__", (None, "utf-8-sig", 17))
    monkeypatch.setattr(_train, "_IN_MEMORY", 100)  # bytes: the inputs lie in a file now
    parts = quick(path, "price", missing="fill", epochs=3)
    assert {len(chunk) for chunk in Source(path).chunks()} == {17, 600 % 17}
    np.testing.assert_allclose(parts.predict(path), whole, rtol=1e-5)


def test_memory_does_not_grow_with_the_table(rng: np.random.Generator, tmp_path: Path) -> None:
    trained, peaks = quick(write(tmp_path / "a.csv", flats(rng)), "price", epochs=1), []
    for rows in (1000, 10_000):
        source = Source(write(tmp_path / "b.csv", flats(rng, rows)), rows=500)
        tracemalloc.start()
        seen = sum(len(each.values) for each in trained.predictions(source))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert seen == rows
    assert peaks[1] < 1.3 * peaks[0]


def test_seed_repeats_and_another_does_not(rng: np.random.Generator, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", flats(rng))
    first, again, other = (quick(path, "price", epochs=2, seed=seed).predict(path) for seed in (5, 5, 6))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_early_stopping_keeps_the_best_weights(rng: np.random.Generator, tmp_path: Path) -> None:
    columns = {"x": rng.normal(size=60), "y": rng.normal(size=60)}  # nothing to learn but noise
    path = write(tmp_path / "a.csv", columns)
    stopped = quick(path, "y", epochs=500, patience=4, learning_rate=0.03)
    record = stopped.history.history["val_loss"]
    assert stopped.facts is not None and stopped.facts["epochs"] == len(record) < 500
    assert stopped.facts["best_epoch"] == int(np.argmin(record)) + 1 == len(record) - 4
    assert stopped.scores is not None
    in_units = stopped.scores.result()["rmse"] / stopped.schema.scale
    assert in_units**2 == pytest.approx(min(record), rel=1e-3)
    assert quick(path, "y", epochs=25, patience=0).facts["epochs"] == 25  # type: ignore[index]


@pytest.mark.parametrize(
    ("target", "options", "task"),
    [
        ([1.5, 2.5, 3.5], {}, "regression"),
        ([1, 2, 3], {}, "classification"),
        ([1, 2, 3], {"task": "regression"}, "regression"),
        ([1, 2, 3], {"numeric": ("y",)}, "regression"),
        (["a", "b", "c"], {}, "classification"),
        ([1.5, 2.5, 3.5], {"task": "classification"}, "classification"),
    ],
)
def test_task_follows_from_the_target(
    tmp_path: Path, rng: np.random.Generator, target: list[Any], options: dict[str, Any], task: str
) -> None:
    path = write(tmp_path / "a.csv", {"x": rng.normal(size=60), "y": target * 20})
    trained = quick(path, "y", epochs=1, **options)
    assert trained.schema.task == task
    assert trained.schema.classes == ([str(value) for value in target] if task == "classification" else [])


def test_many_whole_numbers_are_a_regression_and_classes_are_sorted_as_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"x": range(90), "many": range(90), "few": [2, 10, 9] * 30})
    assert quick(path, "many", epochs=1).schema.task == "regression"
    assert quick(path, "few", epochs=1).schema.classes == ["2", "9", "10"]


def test_probabilities_of_two_classes_and_of_three_add_up(rng: np.random.Generator, tmp_path: Path) -> None:
    for classes in (2, 3):
        path = write(tmp_path / "a.csv", flowers(rng, classes=classes))
        trained = quick(path, "kind", epochs=2)
        part = next(trained.predictions(Source(path)))
        assert part.values.shape == (600, classes)
        np.testing.assert_allclose(part.values.sum(axis=1), 1, rtol=1e-6)
        picked = [trained.schema.classes[i] for i in part.values.argmax(axis=1)]
        assert picked == trained.predict(path).tolist()


def test_scores_are_those_of_sklearn(rng: np.random.Generator, tmp_path: Path) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    prices, kinds = write(tmp_path / "a.csv", flats(rng)), write(tmp_path / "b.csv", flowers(rng))
    price, kind = quick(prices, "price", epochs=2), quick(kinds, "kind", epochs=2)
    true = np.array([row.split(",")[2] for row in prices.read_text().splitlines()[1:]], float)
    scores, guess = price.evaluate(prices), price.predict(prices)
    assert scores["r2"] == pytest.approx(metrics.r2_score(true, guess), abs=1e-6)
    assert scores["mae"] == pytest.approx(metrics.mean_absolute_error(true, guess))
    assert scores["rmse"] == pytest.approx(metrics.mean_squared_error(true, guess) ** 0.5)
    names = [row.split(",")[2] for row in kinds.read_text().splitlines()[1:]]
    scores, part = kind.evaluate(kinds), next(kind.predictions(Source(kinds)))
    assert scores["log_loss"] == pytest.approx(metrics.log_loss(names, part.values, labels=kind.schema.classes))
    assert scores["confusion"] == metrics.confusion_matrix(names, kind.predict(kinds)).tolist()
    report = metrics.classification_report(names, kind.predict(kinds), output_dict=True, zero_division=0)
    for name, found in scores["classes"].items():
        assert found["recall"] == pytest.approx(report[name]["recall"])
        assert (found["precision"] or 0) == pytest.approx(report[name]["precision"])


# ------------------------------------------------------------------ files


def test_model_travels_in_one_file_with_its_table(rng: np.random.Generator, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", flowers(rng))
    trained = quick(path, "kind", epochs=3)
    for name in ("m.safetensors", "m.keras"):
        if name.endswith("keras"):
            pytest.importorskip("h5py")
        trained.save(tmp_path / name)
        loaded = tables.load(tmp_path / name)
        assert loaded.schema == trained.schema
        assert loaded.predict(path).tolist() == trained.predict(path).tolist()
        x = encoded(trained, path)
        plain = lamella.models.load_model(tmp_path / name)
        assert np.array_equal(plain.predict(x), trained.model.predict(x))


def test_damaged_and_foreign_models_are_refused(rng: np.random.Generator, tmp_path: Path) -> None:
    file, path = tmp_path / "m.safetensors", write(tmp_path / "a.csv", flats(rng))
    trained = quick(path, "price", epochs=1)
    trained.save(file)
    content = file.read_bytes()
    at = content.index(b"Oslo")
    file.write_bytes(content[:at] + b"Uslo" + content[at + 4 :])
    with pytest.raises(BadModelFile, match="SHA-256"):
        tables.load(file)
    model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
    model.save(file)
    with pytest.raises(TableError, match="knows no columns"):
        tables.load(file)
    good = trained.schema.to_dict()
    for wrong in (
        [], {}, {**good, "version": 9}, {**good, "features": [{}]}, {**good, "task": "magic"}, {**good, "mean": "x"},
        {**good, "classes": ["one"]}, {**good, "classes": ""}, {**good, "scale": 0.0}, {**good, "more": 1},
        {**good, "features": []},
    ):  # fmt: skip
        model.metadata = {"table": wrong}
        model.save(file)
        with pytest.raises(TableError, match=r"does not describe a table|version 9"):
            tables.load(file)
    model.metadata = {"table": good}
    model.save(file)
    with pytest.raises(TableError, match="another table"):
        tables.load(file)


def test_metadata_survive_files_pickles_and_copies(tmp_path: Path) -> None:
    import copy
    import pickle

    model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
    assert model.metadata is None
    model.metadata = {"classes": ["cat", "dog"], "ü": [1.5, None]}
    model.save(tmp_path / "m.safetensors")
    loaded = lamella.models.load_model(tmp_path / "m.safetensors")
    for other in (loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.metadata == model.metadata


def test_columns_may_come_in_any_order_with_others_between(rng: np.random.Generator, tmp_path: Path) -> None:
    columns = flats(rng)
    trained = quick(write(tmp_path / "a.csv", columns), "price", epochs=2)
    moved = {"id": range(600), "city": columns["city"], "size": columns["size"]}
    there = trained.predict(write(tmp_path / "b.csv", moved, ";"))
    assert np.array_equal(there, trained.predict(tmp_path / "a.csv"))


def test_packed_quoted_windows_files_are_read(tmp_path: Path) -> None:
    text = '\ufeff"a, b";c\r\n"1";"x;y"\r\n\r\n 2 ;"say ""hi"""\r\n'
    (tmp_path / "a.csv").write_bytes(gzip.compress(text.encode()))
    (chunk,) = Source(tmp_path / "a.csv").chunks()
    assert chunk.cells == {"a, b": ["1", "2"], "c": ["x;y", 'say "hi"']}
    assert chunk.lines == [2, 4]


def test_index_that_pandas_wrote_is_passed_over(rng: np.random.Generator, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": rng.normal(size=50), "y": rng.normal(size=50)})
    frame.to_csv(tmp_path / "a.csv")
    assert [each.name for each in quick(tmp_path / "a.csv", "y", epochs=1).schema.features] == ["x"]


# ------------------------------------------------------------------ missing values


def holes(rng: np.random.Generator) -> dict[str, Any]:
    columns = flats(rng)
    columns["size"] = [("NA" if i % 10 == 0 else size) for i, size in enumerate(columns["size"])]
    columns["city"] = [("" if i % 15 == 1 else city) for i, city in enumerate(columns["city"])]
    return columns


def test_missing_values_are_named_and_nothing_is_done_about_them_unasked(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", holes(rng))
    with pytest.raises(
        TableError, match=r"'size' \(60, first on line 2, such as 'NA'\), 'city' \(40, first on line 3\)"
    ) as error:
        quick(path, "price")
    assert "--missing fill" in str(error.value) and str(path) in str(error.value)


def test_filled_values_are_the_mean_and_a_category_of_their_own(rng: np.random.Generator, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", holes(rng))
    trained = quick(path, "price", missing="fill", epochs=1)
    x = encoded(trained, path)
    assert x.shape == (600, 6)  # size, is it missing; three cities, is it missing
    gone = np.arange(600) % 10 == 0
    assert (x[gone, 0] == 0).all() and np.array_equal(x[:, 1] == 1, gone)
    nowhere = np.arange(600) % 15 == 1
    assert np.array_equal(x[:, 5] == 1, nowhere) and (x[:, 2:].sum(axis=1) == 1).all()
    assert len(trained.predict(path)) == 600


def test_dropped_rows_neither_train_nor_get_a_prediction(rng: np.random.Generator, tmp_path: Path) -> None:
    columns = holes(rng)
    path = write(tmp_path / "a.csv", columns)
    trained = quick(path, "price", missing="drop", epochs=2)
    whole = sum(size != "NA" and city != "" for size, city in zip(columns["size"], columns["city"], strict=True))
    assert trained.facts is not None
    assert trained.facts["training_rows"] + trained.facts["validation_rows"] == whole == len(trained.predict(path))
    assert trained.evaluate(path)["rows"] == whole


def test_rows_without_a_target_are_left_out_if_asked(rng: np.random.Generator, tmp_path: Path) -> None:
    columns = flats(rng)
    columns["price"] = [("?" if i < 50 else price) for i, price in enumerate(columns["price"])]
    path = write(tmp_path / "a.csv", columns)
    with pytest.raises(TableError, match=r"'price' \(50, first on line 2, such as '\?'\).*drop"):
        quick(path, "price")
    trained = quick(path, "price", missing="fill", epochs=1)
    assert trained.evaluate(path)["rows"] == 550 and len(trained.predict(path)) == 600
    strict = quick(write(tmp_path / "b.csv", flats(rng)), "price", epochs=1)
    with pytest.raises(TableError, match=r"column 'price', line 2: the target is missing"):
        strict.evaluate(path)


def test_values_missing_only_later_are_an_error_or_dropped(rng: np.random.Generator, tmp_path: Path) -> None:
    trained = quick(write(tmp_path / "a.csv", flats(rng)), "price", epochs=1)
    path = write(tmp_path / "b.csv", {"size": [30, "", 40], "city": ["Oslo", "Rome", "Bern"]})
    with pytest.raises(TableError, match=r"b\.csv, column 'size', line 3: a value is missing.*--missing drop"):
        trained.predict(path)
    assert len(trained.predict(path, missing="drop")) == 2


def test_markers_are_what_the_caller_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"x": [1.5, "-999", 2.5, 3.5] * 20, "y": [1.5, 2.5, 3.5, 4.5] * 20})
    trained = quick(path, "y", missing="fill", markers=["-999"], epochs=1)
    assert trained.schema.features[0].missing and trained.schema.features[0].mean == pytest.approx(2.5, abs=0.3)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.9])
@pytest.mark.parametrize("rows", [2, 4, 30])
def test_small_tables_have_rows_on_both_sides_for_every_seed(tmp_path: Path, rows: int, share: float) -> None:
    columns = {"a": range(rows + 1), "y": [*(f"{i}.5" for i in range(rows)), ""]}
    path = write(tmp_path / "a.csv", columns)
    for seed in range(8):
        facts = quick(path, "y", missing="drop", validation_split=share, seed=seed, epochs=1).facts
        assert facts is not None
        assert min(facts["training_rows"], facts["validation_rows"]) > 0
        assert facts["training_rows"] + facts["validation_rows"] == rows


def test_target_that_never_changes_is_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"a": range(9), "y": [5.5] * 9})
    trained = quick(path, "y", task="regression", epochs=1)
    assert any("target 'y' is the same in all rows" in note for note in trained.notes)
