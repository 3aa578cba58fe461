"""saddles: the small library of the book. Each module is one idea; see their docstrings."""

__version__ = "0.1.0"
