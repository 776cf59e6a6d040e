"""The exercises of chapter 4.3."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
