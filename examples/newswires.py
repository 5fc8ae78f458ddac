"""What is this news about? Many classes, in the spellings of all three editions of *Deep Learning with Python*."""

import numpy as np

import lamella as keras
from lamella import layers, models
from lamella.datasets import reuters
from lamella.utils.np_utils import to_categorical


def multi_hot(texts, words):
    """Rows of zeros with a one for each word that a text has: ``(texts, words)``."""
    rows = np.zeros((len(texts), words), dtype="float32")
    for i, text in enumerate(texts):
        rows[i, text] = 1.0
    return rows


def one_hot_labels(x, y, x_val, y_val, topics, epochs):
    """The first edition: one-hot labels, layers added one by one, and `acc` in the history."""
    model = models.Sequential()
    model.add(layers.Dense(64, activation="relu", input_shape=(x.shape[1],)))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(topics, activation="softmax"))
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x,
        to_categorical(y, topics),
        epochs=epochs,
        batch_size=512,
        validation_data=(x_val, to_categorical(y_val, topics)),
        verbose=2,
    )
    acc, val_acc = history.history["acc"], history.history["val_acc"]
    print(f"One-hot labels: accuracy {acc[-1]:.4f}, on the validation {val_acc[-1]:.4f}")
    return model, val_acc


def class_numbers(x, y, x_val, y_val, topics, epochs):
    """The second and third edition: class numbers, a list of layers, built by fit(), a metric with a name."""
    model = keras.Sequential(
        [
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(topics, activation="softmax"),
        ]
    )
    top_3 = keras.metrics.SparseTopKCategoricalAccuracy(k=3, name="top_3_accuracy")
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy", top_3])
    history = model.fit(x, y, epochs=epochs, batch_size=512, validation_data=(x_val, y_val), verbose=0)
    found = history.history["val_top_3_accuracy"]
    print(f"Class numbers: the topic is among the best three of {found[-1]:.2%} of the validation")
    return found


def narrow(x, y, x_val, y_val, topics, epochs):
    """A layer of four units between wide ones throws away what the last layer needs."""
    model = keras.Sequential(
        [
            layers.Dense(64, activation="relu"),
            layers.Dense(4, activation="relu"),
            layers.Dense(topics, activation="softmax"),
        ]
    )
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=epochs, batch_size=128, validation_data=(x_val, y_val), verbose=0)
    print(f"Through four units: accuracy on the validation {history.history['val_accuracy'][-1]:.4f}")
    return history.history["val_accuracy"]


def main(data=None, epochs=20, words=10000):
    """Trains three networks and tests the first.

    Args:
        data: ``(texts, topics), (test_texts, test_topics)``, texts as lists of word numbers; Reuters when None.
        epochs: How often to go through the training texts.
        words: How many of the most frequent words count.

    Returns:
        A dictionary of the results: lists over epochs, and the accuracy ``"test"``.
    """
    (train_texts, y_train), (test_texts, y_test) = data or reuters.load_data(num_words=words)
    x_train, x_test = multi_hot(train_texts, words), multi_hot(test_texts, words)
    topics = int(max(np.max(y_train), np.max(y_test))) + 1

    held_out = len(x_train) // 9
    parts = (x_train[held_out:], y_train[held_out:], x_train[:held_out], y_train[:held_out], topics)
    model, val_acc = one_hot_labels(*parts, epochs)
    results = {"val_acc": val_acc, "top_3": class_numbers(*parts, epochs), "narrow": narrow(*parts, epochs)}

    _, results["test"] = model.evaluate(x_test, to_categorical(y_test, topics), verbose=0)
    guesses = np.random.default_rng(0).permutation(y_test)
    print(f"Accuracy on the test texts {results['test']:.4f}; guessing gives {np.mean(guesses == y_test):.4f}")
    return results


if __name__ == "__main__":
    main()
