class Constraint:
    pass


def get(x):
    return x


def serialize(x):
    return x
