"""The exercises of chapter 3.1."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
