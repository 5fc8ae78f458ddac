class Regularizer:
    pass


class L1(Regularizer):
    pass


class L2(Regularizer):
    pass


class L1L2(Regularizer):
    pass


def get(x):
    return x


def serialize(x):
    return x
