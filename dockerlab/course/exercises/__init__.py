"""The exercises of all chapters, a module for each chapter."""

from dockerlab.course.exercises import architecture, image, welcome

EXERCISES = (*welcome.EXERCISES, *architecture.EXERCISES, *image.EXERCISES)
