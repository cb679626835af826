"""The checks of the consistency suite: their fixed problems, what they compare, which there are."""
