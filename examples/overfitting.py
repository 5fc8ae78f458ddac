"""Against overfitting: fewer units, penalties of weights, dropout; after chapter 4 of *Deep Learning with Python*."""

import numpy as np

import lamella as keras
from lamella import layers, regularizers
from lamella.datasets import imdb


def multi_hot(texts, words):
    """Rows of zeros with a one for each word that a text has: ``(texts, words)``."""
    rows = np.zeros((len(texts), words), dtype="float32")
    for i, text in enumerate(texts):
        rows[i, text] = 1.0
    return rows


def networks():
    """What is compared: a list of layers by name."""

    def penalized(regularizer):
        return [layers.Dense(16, kernel_regularizer=regularizer, activation="relu") for _ in range(2)]

    return {
        "16 units": [layers.Dense(16, activation="relu"), layers.Dense(16, activation="relu")],
        "4 units": [layers.Dense(4, activation="relu"), layers.Dense(4, activation="relu")],
        "512 units": [layers.Dense(512, activation="relu"), layers.Dense(512, activation="relu")],
        "l2": penalized(regularizers.l2(0.002)),
        "l1": penalized(regularizers.l1(0.001)),
        "l1 and l2": penalized(regularizers.l1_l2(l1=0.001, l2=0.001)),
        "dropout": [
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.5),
        ],
    }


def main(data=None, epochs=20, words=10000):
    """Trains all networks, holding out a part of the texts.

    Args:
        data: ``(texts, labels), ...``, texts as lists of word numbers; IMDB when None.
        epochs: How often to go through the training texts.
        words: How many of the most frequent words count.

    Returns:
        The dictionary of each history, by the name of the network.
    """
    (texts, labels), _ = data or imdb.load_data(num_words=words)
    x, y = multi_hot(texts, words), np.asarray(labels)

    histories = {}
    for name, hidden in networks().items():
        model = keras.Sequential([*hidden, layers.Dense(1, activation="sigmoid")])
        model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, epochs=epochs, batch_size=512, validation_split=0.4, verbose=0)
        histories[name] = history.history
        loss, val_loss = history.history["loss"], history.history["val_loss"]
        best = int(np.argmin(val_loss))
        print(
            f"{name:10} best in epoch {best + 1:2}: validation {val_loss[best]:.4f}; "
            f"at the end training {loss[-1]:.4f}, validation {val_loss[-1]:.4f}"
        )
    return histories


if __name__ == "__main__":
    main()
