"""The checkout the ``dockerlab`` command works on."""

import os
from pathlib import Path

from dockerlab.errors import UsageError
from dockerlab.language import _


def project_folder() -> Path:
    """Find the folder with the notebooks: where lab.py is, or a checkout around this package.

    Raises
    ------
    UsageError
        The package was installed without its notebooks.
    """
    folder = Path(os.environ.get("DOCKERLAB_PROJECT") or Path(__file__).parents[2])
    if not os.path.isdir(folder / "notebooks"):  # noqa: PTH112 - Path's raises for long names
        raise UsageError(
            _("There are no notebooks in {folder}.").format(folder=folder),
            _("Run 'python3 lab.py' of a checkout, or set DOCKERLAB_PROJECT to one."),
        )
    return folder


def notebooks_folder() -> Path:
    """Find the folder of the chapters.

    Raises
    ------
    UsageError
        The package was installed without its notebooks.
    """
    return project_folder() / "notebooks"
