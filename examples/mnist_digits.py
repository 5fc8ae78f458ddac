"""Handwritten digits: the first program of *Deep Learning with Python*, in the spelling of its first edition."""

from lamella import layers, models
from lamella.datasets import mnist
from lamella.utils import to_categorical


def build_network(pixels):
    network = models.Sequential()
    network.add(layers.Dense(512, activation="relu", input_shape=(pixels,)))
    network.add(layers.Dense(10, activation="softmax"))
    network.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    return network


def as_rows(images):
    return images.reshape((len(images), -1)).astype("float32") / 255


def main(data=None, epochs=5):
    """Trains and tests; returns the history of fit() and the accuracy on the test images.

    Args:
        data: ``(images, labels), (test_images, test_labels)``; MNIST when None.
        epochs: How often to go through the training images.
    """
    (train_images, train_labels), (test_images, test_labels) = data or mnist.load_data()
    train_images, test_images = as_rows(train_images), as_rows(test_images)
    train_labels, test_labels = to_categorical(train_labels, 10), to_categorical(test_labels, 10)

    network = build_network(train_images.shape[1])
    network.summary()
    history = network.fit(train_images, train_labels, epochs=epochs, batch_size=128)

    test_loss, test_acc = network.evaluate(test_images, test_labels)
    print(f"test_loss: {test_loss:.4f}, test_acc: {test_acc:.4f}")
    digit = network.predict(test_images[:1])[0].argmax()
    print(f"The first test image looks like a {digit}; it is a {test_labels[0].argmax()}.")
    return history.history, test_acc


if __name__ == "__main__":
    main()
