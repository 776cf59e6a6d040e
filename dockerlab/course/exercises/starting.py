"""The exercises of chapter 4.1."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
