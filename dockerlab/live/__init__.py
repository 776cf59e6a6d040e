"""Pictures one can work with, while the kernel runs: widgets, each with its still form beside it.

A widget shows what a frozen value holds and asks its kernel for the rest; what it can't do is
change the value. Everywhere else (GitHub, the book, a notebook without its kernel) the still
picture stands in its place.
"""

from dockerlab.live.files import FilesExplorer

__all__ = ["FilesExplorer"]
