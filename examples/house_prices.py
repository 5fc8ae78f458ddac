"""A number instead of a class, few samples, k-fold validation, steps of single samples.

Boston as in the first two editions of *Deep Learning with Python*; the third has
``main(california_housing.load_data("small"))``.
"""

import numpy as np

from lamella import backend as K
from lamella import layers, models
from lamella.datasets import boston_housing


def build_model(columns):
    model = models.Sequential()
    model.add(layers.Dense(64, activation="relu", input_shape=(columns,)))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(1))
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


def smooth(values, factor=0.9):
    """Each value a mean of those before it, which count the less the older they are."""
    smoothed = [values[0]]
    for value in values[1:]:
        smoothed.append(smoothed[-1] * factor + value * (1 - factor))
    return smoothed


def k_fold(data, targets, k, epochs):
    """The mean absolute error of the validation, by epoch: the mean over k models."""
    rows = len(data) // k
    histories = []
    for i in range(k):
        K.clear_session()
        held_out = slice(i * rows, (i + 1) * rows)
        model = build_model(data.shape[1])
        history = model.fit(
            np.delete(data, held_out, axis=0),
            np.delete(targets, held_out, axis=0),
            validation_data=(data[held_out], targets[held_out]),
            epochs=epochs,
            batch_size=1,
            verbose=0,
        )
        histories.append(history.history["val_mean_absolute_error"])
        print(f"Fold {i + 1} of {k}: off by {histories[-1][-1]:.3f}")
    return np.mean(histories, axis=0)


def main(data=None, epochs=100, k=4):
    """Finds out how long to train by k-fold validation, then trains on everything.

    Args:
        data: ``(data, targets), (test_data, test_targets)``; Boston when None.
        epochs: How long to look for the best epoch.
        k: Number of parts.

    Returns:
        The error of the validation by epoch, and that on the test data.
    """
    (train_data, train_targets), (test_data, test_targets) = data or boston_housing.load_data()
    mean, std = train_data.mean(axis=0), train_data.std(axis=0)
    train_data, test_data = (train_data - mean) / std, (test_data - mean) / std

    by_epoch = k_fold(train_data, train_targets, k, epochs)
    enough = int(np.argmin(smooth(by_epoch))) + 1
    print(f"Validation was best after {enough} epochs, off by {by_epoch[enough - 1]:.3f}")

    model = build_model(train_data.shape[1])
    model.fit(train_data, train_targets, epochs=enough, batch_size=16, verbose=0)
    test_mse_score, test_mae_score = model.evaluate(test_data, test_targets, verbose=0)
    print(f"On the test data off by {test_mae_score:.3f}, mean square {test_mse_score:.3f}")
    return list(by_epoch), test_mae_score


if __name__ == "__main__":
    main()
