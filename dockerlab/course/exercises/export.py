"""The exercises of chapter 4.5."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
