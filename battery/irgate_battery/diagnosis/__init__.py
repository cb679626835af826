"""What is wrong: a transform's misreadings, a solver's habits, what a run's failures share."""

from irgate_battery.diagnosis.explanation import Explanation, explain
from irgate_battery.diagnosis.pattern import SEPARATOR, Pattern, pattern
from irgate_battery.diagnosis.probes import probe
from irgate_battery.diagnosis.view import View

__all__ = ["SEPARATOR", "Explanation", "Pattern", "View", "explain", "pattern", "probe"]
