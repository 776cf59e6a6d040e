"""Which Docker Engine the course runs on: found on this machine, or brought along."""

from dockerlab.engine.find import Engine, connect, find, usual

__all__ = ["Engine", "connect", "find", "usual"]
