"""The exercises of chapter 3.4."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
