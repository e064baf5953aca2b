"""All bad inputs, with the exact sentence that each gets; see `hostile_cases`."""

from hostile_files import FILES
from hostile_recipes import RECIPES

CASES = (*RECIPES, *FILES)
