"""The exercises of chapter 3.6."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
