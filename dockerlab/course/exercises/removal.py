"""The exercises of chapter 3.3."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
