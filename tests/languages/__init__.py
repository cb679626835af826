"""Solvers in other languages, built and run as their page says."""
