"""The exercises of chapter 2.3."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
