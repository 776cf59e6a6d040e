"""The exercises of chapter 3.5."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
