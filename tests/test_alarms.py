"""The statistical tests together stay within their budget of false alarms."""

import ast
import json

import pytest
from alarms import ALPHA, BOOK, BUDGET, COMPARISONS, SUITE
from book import ROOT, notebooks
from saddles.check import KEY, Sampled, argue, check, step

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
    share = sum(runs * each for runs, each in COMPARISONS.values()) * ALPHA
    assert share == pytest.approx(SUITE) and SUITE + BOOK == BUDGET <= 1e-6


def test_a_verdict_carries_the_false_alarm_rates_of_its_evidence():
    """All samples count: alone, in a tuple, in a step of an argument."""
    one, two = Sampled(0.5, 0.01, 100, 1, alarm=1e-9), Sampled(0.25, 0.01, 100, 1, alarm=3e-9)
    pair = step("both", ("1/2", "1/4"), (one, two), method="simulation")
    verdicts = {1e-9: check("eq:1", "1/2", one), 5e-9: argue("eq:2", "words", [pair, step("one", "1/2", one)]),
                0: check("eq:3", "1/2", 0.25 + 0.25)}
    for rate, verdict in verdicts.items():
        assert verdict._repr_mimebundle_()[1][KEY]["alarm"] == pytest.approx(rate)


def test_the_book_s_samples_stay_within_their_part(site):
    """The sum over the verdicts of the executed notebooks."""
    rates = {}
    for path in notebooks():
        page = path.relative_to(ROOT).with_suffix(".ipynb")
        cells = json.loads((site.parent / "jupyter_execute" / page).read_text(encoding="utf-8"))["cells"]
        for output in (output for cell in cells for output in cell.get("outputs", [])):
            if record := output.get("metadata", {}).get(KEY):
                rates[record["id"]] = record["alarm"]
    assert len([rate for rate in rates.values() if rate]) > 30  # else this adds up nothing
    largest = sorted(rates.items(), key=lambda item: -item[1])[:5]
    assert sum(rates.values()) <= BOOK, f"{sum(rates.values()):.2g}; the largest: {largest}"


def test_the_budget_lists_exactly_the_tests_that_take_from_it():
    assert {node.name for _, node in functions() if asks_for_alarm(node)} == COMPARISONS.keys()


def test_no_test_judges_a_p_value_by_itself():
    for file, node in functions():
        used = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
        assert asks_for_alarm(node) or not used & STATISTICAL, (file, node.name)
