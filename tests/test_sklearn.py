"""lamella.sklearn in scikit-learn's own tools, against MLPClassifier and the plain Sequential."""

from __future__ import annotations

import io
import pickle
from typing import Any

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import lamella
from lamella.sklearn import DenseClassifier, DenseRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def digits() -> list[Any]:
    x, y = load_digits(return_X_y=True)
    return train_test_split(x / 16, y, random_state=0)


def test_classifier_is_as_accurate_as_mlpclassifier(digits: list[Any]) -> None:
    x, x_test, y, y_test = digits
    ours = DenseClassifier((64,), max_iter=40, random_state=0).fit(x, y).score(x_test, y_test)
    theirs = MLPClassifier((64,), max_iter=40, random_state=0).fit(x, y).score(x_test, y_test)
    assert ours > 0.95
    assert ours >= theirs - 0.01


def test_predictions_are_those_of_the_model(digits: list[Any]) -> None:
    x, x_test, y, _ = digits
    network = DenseClassifier((16,), max_iter=3, random_state=0).fit(x, y)
    outputs = network.model_.predict(x_test, verbose=0)
    np.testing.assert_array_equal(network.predict_proba(x_test), outputs)
    np.testing.assert_array_equal(network.predict(x_test), network.classes_[outputs.argmax(axis=1)])
    np.testing.assert_array_equal(network.predict_log_proba(x_test), np.log(outputs))
    assert len(network.loss_curve_) == network.n_iter_ == 3


def test_grid_search_with_two_workers_finds_the_wider_network() -> None:
    x, y = load_iris(return_X_y=True)
    network = DenseClassifier(max_iter=30, learning_rate_init=0.01, random_state=0)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), network), {"denseclassifier__hidden_layer_sizes": [(1,), (32,)]}, n_jobs=2, cv=3
    ).fit(x, y)
    assert search.best_params_ == {"denseclassifier__hidden_layer_sizes": (32,)}
    assert search.best_score_ > 0.9


def test_regressor_explains_diabetes_in_cross_validation() -> None:
    x, y = load_diabetes(return_X_y=True)
    network = make_pipeline(StandardScaler(), DenseRegressor((8,), alpha=1.0, max_iter=60, random_state=0))
    scaled = TransformedTargetRegressor(network, transformer=StandardScaler())
    assert cross_val_score(scaled, x, y, cv=3).mean() > 0.3


def test_several_outputs_are_learned_at_once(rng: np.random.Generator) -> None:
    x = rng.standard_normal((400, 3))
    y = x @ rng.standard_normal((3, 2))
    network = DenseRegressor((32,), learning_rate_init=0.01, random_state=0).fit(x, y)
    assert network.predict(x).shape == (400, 2)
    assert network.score(x, y) > 0.98


def test_labels_are_learned_at_once(rng: np.random.Generator) -> None:
    x = rng.standard_normal((500, 4))
    y = (x[:, :3] > 0).astype(int)
    network = DenseClassifier((32,), learning_rate_init=0.01, random_state=0).fit(x, y)
    assert network.predict(x).shape == network.predict_proba(x).shape == (500, 3)
    assert network.score(x, y) > 0.9


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix])
def test_sparse_input_gives_the_model_of_dense_input(kind: Any, rng: np.random.Generator) -> None:
    x = np.where(rng.random((200, 40)) < 0.1, rng.standard_normal((200, 40)), 0).astype(np.float32)
    y = np.where(x.sum(axis=1) > 0, "up", "down")
    dense = DenseClassifier((8,), max_iter=5, random_state=0).fit(x, y)
    given = DenseClassifier((8,), max_iter=5, random_state=0).fit(kind(x), y)
    np.testing.assert_allclose(given.predict_proba(kind(x)), dense.predict_proba(x), atol=1e-5)


def test_partial_fit_goes_on_where_it_stood(digits: list[Any]) -> None:
    x, x_test, y, y_test = digits
    network = DenseClassifier((64,), batch_size=32, random_state=0)
    for _ in range(10):
        network.partial_fit(x, y, classes=range(10))
    assert network.score(x_test, y_test) > 0.93
    assert len(network.loss_curve_) == 10
    with pytest.raises(ValueError, match=r"not in `classes`: \[11\]"):
        network.partial_fit(x[:1], [11])


def test_early_stopping_keeps_the_weights_of_the_best_epoch(digits: list[Any]) -> None:
    x, _, y, _ = digits
    network = DenseClassifier(
        (64,), early_stopping=True, n_iter_no_change=3, learning_rate_init=0.01, max_iter=100, random_state=0
    ).fit(x, y)
    assert network.n_iter_ < 100
    assert network.best_validation_score_ == max(network.validation_scores_)


def test_class_and_sample_weights_move_the_decision(rng: np.random.Generator) -> None:
    x = rng.standard_normal((400, 2))
    y = (x[:, 0] + rng.standard_normal(400) > 0).astype(int)
    plain = DenseClassifier((8,), max_iter=30, random_state=0).fit(x, y)
    by_class = clone(plain).set_params(class_weight={0: 1, 1: 20}).fit(x, y)
    by_sample = clone(plain).fit(x, y, sample_weight=np.where(y == 1, 20.0, 1.0))
    assert by_class.predict(x).mean() > plain.predict(x).mean() + 0.1
    np.testing.assert_allclose(by_sample.predict_proba(x), by_class.predict_proba(x), atol=1e-5)


def test_the_same_seed_gives_the_same_network_and_no_other_generator_moves(digits: list[Any]) -> None:
    x, _, y, _ = digits
    lamella.utils.set_random_seed(1)
    first = [DenseClassifier((8,), max_iter=2, random_state=5).fit(x, y).predict_proba(x) for _ in range(2)]
    np.testing.assert_array_equal(*first)
    after = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(3)]).get_weights()[0]
    lamella.utils.set_random_seed(1)
    undisturbed = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(3)]).get_weights()[0]
    np.testing.assert_array_equal(after, undisturbed)


def test_pickles_and_joblib_files_predict_the_same(digits: list[Any]) -> None:
    x, x_test, y, _ = digits
    network = DenseClassifier((8,), max_iter=2, random_state=0).fit(x, y)
    file = io.BytesIO()
    joblib.dump(network, file)
    file.seek(0)
    for copy in (pickle.loads(pickle.dumps(network)), joblib.load(file)):
        np.testing.assert_array_equal(copy.predict_proba(x_test), network.predict_proba(x_test))


def _fit_and_predict(model: Any, x: Any, y: Any) -> Any:
    model.fit(x, y, epochs=1, shuffle=False, verbose=0)
    return model.predict(x, verbose=0)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_models_train_and_predict_in_workers_of_joblib(backend: str, digits: list[Any]) -> None:
    x, _, y, _ = digits
    model = lamella.Sequential([lamella.Input((64,)), lamella.layers.Dense(10, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    copies = [pickle.loads(pickle.dumps(model)) for _ in range(2)]
    found = joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(_fit_and_predict)(copy, x, y) for copy in copies)
    expected = _fit_and_predict(model, x, y)
    for outputs in found:
        np.testing.assert_array_equal(outputs, expected)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"alpha": -1}, ValueError, "alpha"),
        ({"hidden_layer_sizes": (0,)}, ValueError, "hidden_layer_sizes"),
        ({"optimizer": "adm"}, ValueError, "adam"),
        ({"model": 3}, TypeError, "`model` must be None or a function"),
        ({"validation_fraction": 1.0, "early_stopping": True}, ValueError, "validation_fraction"),
        ({"loss": "nonsense"}, ValueError, "nonsense"),
    ],
    ids=str,
)
def test_wrong_parameters_are_named(options: dict[str, Any], error: type[Exception], words: str) -> None:
    x, y = load_iris(return_X_y=True)
    with pytest.raises(error, match=words):
        DenseClassifier(**options).fit(x, y)


def test_wrong_data_is_named(digits: list[Any]) -> None:
    x, _, y, _ = digits
    network = DenseClassifier((4,), max_iter=1)
    with pytest.raises(NotFittedError):
        network.predict(x)
    network.fit(x, y)
    with pytest.raises(ValueError, match="63 features"):
        network.predict(x[:, :63])
    with pytest.raises(ValueError, match="NaN"):
        network.fit(np.full((5, 3), np.nan), np.arange(5))
    with pytest.raises(ValueError, match="must not be negative"):
        network.fit(x, y, sample_weight=-np.ones(len(y)))


def test_a_function_may_make_the_model() -> None:
    x, y = load_iris(return_X_y=True)

    def make(features: int, outputs: int) -> lamella.Sequential:
        return lamella.Sequential(
            [lamella.Input((features,)), lamella.layers.BatchNormalization(), lamella.layers.Dense(outputs, "softmax")]
        )

    network = DenseClassifier(model=make, learning_rate_init=0.1, batch_size=16, max_iter=50, random_state=0).fit(x, y)
    assert network.score(x, y) > 0.9
    assert isinstance(network.model_.layers[0], lamella.layers.BatchNormalization)


@pytest.mark.parametrize("function", [lambda: None, lambda meta: None], ids=["none", "one"])
def test_a_function_of_other_arguments_is_told_what_it_gets(function: Any) -> None:
    with pytest.raises(TypeError, match=r"`model` must be a function of \(n_features, n_outputs\), got one of \("):
        DenseClassifier(model=function).fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize(
    "parameter", ["hidden_layer_sizes", "dropout", "alpha", "tol", "max_iter", "learning_rate_init", "batch_size"]
)
def test_parameters_of_the_wrong_kind_are_type_errors(parameter: str) -> None:
    with pytest.raises(TypeError, match=f"DenseClassifier `{parameter}` must be .*got 'a' of type str"):
        DenseClassifier(**{parameter: "a"}).fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("labels", "kinds"),
    [(["a", None, "b", "a"], "NoneType, str"), ([1, "a", 2, 1], "int, str"), ([None] * 4, "NoneType")],
    ids=str,
)
def test_labels_of_several_kinds_are_named(labels: list[Any], kinds: str) -> None:
    with pytest.raises(TypeError, match=f"`y` must hold classes of one kind, .*got objects of the types {kinds}"):
        DenseClassifier(max_iter=1).fit(np.eye(4), np.array(labels, dtype=object))


@pytest.mark.parametrize(
    ("weights", "error", "text"),
    [
        ({0: np.nan}, ValueError, r"`class_weight\[0\]` must be a finite number, at least 0; got nan"),
        ({0: -1}, ValueError, r"`class_weight\[0\]` must be .*got -1"),
        ({0: 1, 1: "a"}, TypeError, r"`class_weight\[1\]` must be .*got 'a' of type str"),
        ({0: 0, 1: 0}, ValueError, "a `sample_weight` or `class_weight` above 0"),
    ],
    ids=str,
)
def test_class_weights_are_checked_under_their_name(weights: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        DenseClassifier(max_iter=1, class_weight=weights).fit(np.eye(4), [0, 1, 0, 1])


def test_callbacks_are_a_list() -> None:
    with pytest.raises(TypeError, match="`callbacks` must be a list of callbacks or None, got 5"):
        DenseClassifier(callbacks=5).fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_numbers_beyond_float32_are_named_as_scikit_learn_names_inputs(form: Any) -> None:
    x = np.diag([1.0, -1e300, 1.0, 1.0])
    fitted = DenseRegressor(max_iter=1).fit(np.eye(4), np.arange(4.0))
    for use in (lambda: DenseRegressor(max_iter=1).fit(form(x), np.arange(4.0)), lambda: fitted.predict(form(x))):
        with pytest.raises(ValueError, match=r"^X holds -1e\+300, which is too large for float32\. Scale X"):
            use()
