"""Chapters, claims, predictions, exercises and their checks, start and cleanup."""
