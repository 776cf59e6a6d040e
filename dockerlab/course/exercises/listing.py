"""The exercises of chapter 3.2."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
