"""The report of a run: rows and verdicts as text, picture, JSON; and several side by side."""
