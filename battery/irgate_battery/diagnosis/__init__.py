"""What is wrong: a transform's misreadings, a solver's habits, what a run's failures share."""

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid
from irgate_battery.diagnosis.explanation import explain
from irgate_battery.diagnosis.found import Explanation
from irgate_battery.diagnosis.pattern import SEPARATOR, Pattern, pattern
from irgate_battery.diagnosis.probes import probe

__all__ = ["SEPARATOR", "AnswerOnGrid", "Explanation", "Pattern", "explain", "pattern", "probe"]
