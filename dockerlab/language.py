"""Every word a student reads goes through gettext; English is the source language."""

import gettext as _gettext
from pathlib import Path

_translation = _gettext.translation("dockerlab", Path(__file__).parent / "locale", fallback=True)

_ = _translation.gettext
ngettext = _translation.ngettext
