"""The parts of the ``dockerlab`` command, a file per noun."""
