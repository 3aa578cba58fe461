"""The statistical tests together stay within their budget of false alarms."""

import ast

from alarms import ALPHA, BUDGET, COMPARISONS
from book import ROOT

STATISTICAL = {"pvalue", "isf", "sf", "kstest", "chisquare", "binomtest", "pearsonr"}


def functions():
    """Every test function of the library's tests, by name."""
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield path.name, node


def asks_for_alarm(node):
    return any(argument.arg == "alarm" for argument in node.args.args)


def test_all_together_raise_less_than_one_false_alarm_in_a_million_runs():
    assert sum(runs * each for runs, each in COMPARISONS.values()) * ALPHA <= BUDGET * (1 + 1e-9) <= 1.1e-6


def test_the_budget_lists_exactly_the_tests_that_take_from_it():
    assert {node.name for _, node in functions() if asks_for_alarm(node)} == COMPARISONS.keys()


def test_no_test_judges_a_p_value_by_itself():
    for file, node in functions():
        used = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
        assert asks_for_alarm(node) or not used & STATISTICAL, (file, node.name)
