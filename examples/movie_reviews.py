"""Good or bad film? Two classes of texts, in the spelling of the first edition of *Deep Learning with Python*."""

import numpy as np

from lamella import layers, losses, metrics, models, optimizers
from lamella.datasets import imdb


def multi_hot(texts, words):
    """Rows of zeros with a one for each word that a text has: ``(texts, words)``."""
    rows = np.zeros((len(texts), words), dtype="float32")
    for i, text in enumerate(texts):
        rows[i, text] = 1.0
    return rows


def build_model(words):
    model = models.Sequential()
    model.add(layers.Dense(16, activation="relu", input_shape=(words,)))
    model.add(layers.Dense(16, activation="relu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def best_epoch(history):
    """The number of epochs after which the validation was best."""
    return int(np.argmin(history.history["val_loss"])) + 1


def main(data=None, epochs=20, words=10000):
    """Finds out how long to train, then trains anew on everything.

    Args:
        data: ``(texts, labels), (test_texts, test_labels)``, texts as lists of word numbers; IMDB when None.
        epochs: How long to look for the best epoch.
        words: How many of the most frequent words count.

    Returns:
        The history of the search, and ``[loss, accuracy]`` on the test texts.
    """
    (train_texts, train_labels), (test_texts, test_labels) = data or imdb.load_data(num_words=words)
    x_train, x_test = multi_hot(train_texts, words), multi_hot(test_texts, words)
    y_train = np.asarray(train_labels).astype("float32")
    y_test = np.asarray(test_labels).astype("float32")

    held_out = len(x_train) * 2 // 5
    model = build_model(words)
    model.compile(
        optimizer=optimizers.RMSprop(lr=0.001),
        loss=losses.binary_crossentropy,
        metrics=[metrics.binary_accuracy],
    )
    history = model.fit(
        x_train[held_out:],
        y_train[held_out:],
        epochs=epochs,
        batch_size=512,
        validation_data=(x_train[:held_out], y_train[:held_out]),
    )
    enough = best_epoch(history)
    print(f"Validation was best after {enough} epochs, with {history.history['val_binary_accuracy'][enough - 1]:.4f}.")

    model = build_model(words)
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["acc"])
    model.fit(x_train, y_train, epochs=enough, batch_size=512)
    results = model.evaluate(x_test, y_test)
    print("Loss and accuracy on the test texts:", results)
    print("The first three are good with probability", model.predict(x_test[:3]).ravel())
    return history.history, results


if __name__ == "__main__":
    main()
