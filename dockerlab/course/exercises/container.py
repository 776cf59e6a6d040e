"""The exercises of chapter 2.2."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
