"""What keeps the course from running on this machine, each cause with its mend."""

from dockerlab.engine.doctor.examination import examine
from dockerlab.engine.doctor.finding import Finding

__all__ = ["Finding", "examine"]
