"""The exercises of chapter 4.4."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
