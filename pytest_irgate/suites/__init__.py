"""The suites: test modules that `pytest --irgate` runs."""
