"""Solvers that try to get a green line over a wrong answer, and what becomes of each."""
