"""The exercises of chapter 4.6."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
