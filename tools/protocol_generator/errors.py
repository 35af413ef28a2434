"""The one error of the generator."""


class SchemaError(Exception):
    """The bundle holds something that the generator does not know how to put into Python.

    The text names the place and what to do. It is never answered with a guess: a type that
    is wrong in silence costs more than a generator that stops.
    """
