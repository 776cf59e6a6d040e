"""The exercises of chapter 4.2."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
