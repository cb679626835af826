"""pytest-irgate: does a 2-D image registration do what SimpleITK does, and if not, what is wrong?

Nothing is imported here: every pytest run loads the entry point `pytest_irgate.plugin`, and with
it this file, whether `--irgate` is asked for or not.
"""

__version__ = "0.1.0"
