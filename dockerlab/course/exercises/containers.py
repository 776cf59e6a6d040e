"""The exercises of chapter 4.0."""

from dockerlab.course.check import Exercise

EXERCISES: tuple[Exercise, ...] = ()
