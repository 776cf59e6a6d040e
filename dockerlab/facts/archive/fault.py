"""What is wrong with an archive."""

from dockerlab.errors import LabError
from dockerlab.language import _


class ArchiveError(LabError):
    """An archive is cut off, damaged, or claims what can't be."""

    def __init__(self, problem: str, mend: str = "") -> None:
        super().__init__(problem, mend or _("Save the image again: docker save -o FILE IMAGE"))
