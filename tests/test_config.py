"""lamella.config and lamella.backend: what can be asked, and what can be set to the one value there is."""

import numpy as np
import pytest

import lamella
from lamella import backend, config

SHARED = ["backend", "epsilon", "floatx", "image_data_format", "set_epsilon", "set_floatx", "set_image_data_format"]


def test_config_and_backend_share_their_functions():
    assert config.__all__ == SHARED
    assert all(getattr(backend, name) is getattr(config, name) for name in SHARED)
    assert (config.backend(), config.floatx(), config.image_data_format()) == ("lamella", "float32", "channels_last")
    assert config.epsilon() == 1e-7


def test_values_that_are_so_already_can_be_set():
    config.set_floatx("float32")
    config.set_image_data_format("channels_last")
    for value in (1e-7, np.float32(1e-7), np.float64(1e-7)):
        config.set_epsilon(value)


@pytest.mark.parametrize("value", ["float64", "float16", "bfloat16", "int32", None, np.float32])
def test_other_types_are_refused(value):
    with pytest.raises(ValueError, match='set_floatx `value` must be "float32", the only type of the compiled core'):
        config.set_floatx(value)
    assert config.floatx() == "float32"


@pytest.mark.parametrize("value", [1e-5, 0, -1e-7, float("nan"), float("inf"), None, "1e-7", True])
def test_other_epsilons_are_refused(value):
    with pytest.raises(ValueError, match="set_epsilon `value` must be 1e-7, which is compiled in"):
        config.set_epsilon(value)


@pytest.mark.parametrize("value", ["channels_first", None, ""])
def test_other_orders_of_axes_are_refused(value):
    with pytest.raises(ValueError, match='`data_format` must be "channels_last"'):
        config.set_image_data_format(value)


def test_epsilon_is_the_one_losses_clip_by():
    model = lamella.Sequential([lamella.Input((1,)), lamella.layers.Activation("linear")])
    model.compile("sgd", "binary_crossentropy")
    loss = model.evaluate([[0.0]], [[1.0]], verbose=0)
    assert loss == pytest.approx(-np.log(config.epsilon()), rel=1e-6)


def test_get_uid_counts_each_prefix_until_the_session_is_cleared():
    assert [backend.get_uid("a"), backend.get_uid("a"), backend.get_uid("b"), backend.get_uid()] == [1, 2, 1, 1]
    backend.clear_session()
    assert backend.get_uid("a") == 1


def test_clear_session_starts_names_of_layers_again():
    for clear in (backend.clear_session, lamella.utils.clear_session, lambda: backend.clear_session(free_memory=False)):
        lamella.layers.Dense(1)
        clear()
        assert lamella.layers.Dense(1).name == "dense"


@pytest.mark.parametrize(
    ("dtype", "floating", "whole"),
    [
        ("float32", True, False),
        ("bfloat16", True, False),
        (np.float16, True, False),
        (None, True, False),
        ("int8", False, True),
        (np.dtype("u8"), False, True),
        ("bool", False, False),
        ("complex64", False, False),
    ],
)
def test_kinds_of_types_are_told(dtype, floating, whole):
    assert backend.is_float_dtype(dtype) is floating and backend.is_int_dtype(dtype) is whole


@pytest.mark.parametrize("dtype", ["float33", "nonsense", 5])
def test_unknown_types_are_refused(dtype):
    for function in (backend.is_float_dtype, backend.is_int_dtype):
        with pytest.raises(ValueError, match="`dtype` must be a type"):
            function(dtype)


def test_old_programs_find_what_they_import():
    from lamella import backend as K
    from lamella.preprocessing.sequence import pad_sequences
    from lamella.utils.np_utils import to_categorical

    K.clear_session()
    assert callable(pad_sequences) and callable(to_categorical)
