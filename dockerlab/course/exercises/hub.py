"""The exercises of chapter 5.1."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
