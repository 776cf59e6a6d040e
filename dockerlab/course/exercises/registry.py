"""The exercises of chapter 5.2."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
