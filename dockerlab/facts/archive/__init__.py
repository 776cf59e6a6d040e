"""From an image archive to a table per layer, in one pass, with nothing unpacked to disk.

``source`` brings the bytes of a file, a folder or an engine's socket, ``tape`` hands them out,
``headers`` finds the members of a tar archive on it, ``layer`` makes one layer's table,
``shelf`` tells an archive's documents from its layers, ``images`` reads those documents,
``merge`` lays layers over one another, ``waste`` tells what can't be seen any more.
An archive comes from outside: whatever it claims, it is read in bounded memory, and where it
can't be right it is an `ArchiveError`.
"""

from dockerlab.facts.archive.fault import ArchiveError

__all__ = ["ArchiveError"]
