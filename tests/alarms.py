"""False alarms: how often the statistical tests may fail although everything is right.

All of them together get BUDGET: fewer than one false alarm in a million runs of the whole suite
with fresh seeds. Half of it is for the chapters, BOOK: each `Sampled` evidence carries its rate,
and the executed notebooks are added up. The other half, SUITE, is for the tests of the library;
each comparison takes the same share, ALPHA. A statistical test asks for the fixture `alarm`
(conftest.py) and hands it each of its p-values; here stands how many those are. The seeds are
fixed, so an alarm means that the code has changed, or NumPy's generators have.
"""

BUDGET = 1e-6
SUITE = BOOK = BUDGET / 2

# test -> (how often it runs, p-values in each run)
COMPARISONS = {
    "test_false_alarm_rate_of_a_sample_is_the_stated_one": (1, 1),
    "test_the_interval_holds_as_often_as_it_says": (9, 2),
    "test_the_interval_holds_for_gaussian_data": (1, 1),
    "test_the_interval_allows_for_correlation": (2, 1),
    "test_looks_together_hold_as_often_as_they_say": (1, 1),
    "test_follow_finds_the_largest_exponent_away_from_zero": (1, 1),
    "test_ornstein_uhlenbeck_step_by_step": (1, 1),
    "test_boundaries": (1, 3),
    "test_paths_and_chain_agree": (1, 1),
    "test_sampler_draws_its_law": (4, 1),
    "test_neighbouring_draws_are_independent": (4, 8),
    "test_every_pattern_of_eight_bits_is_equally_likely": (1, 1),
    "test_gaussian_sampler": (1, 1),
    "test_exponent_is_the_drift_of_simulated_runs": (3, 1),
    "test_simulation_finds_both_known_exponents": (5, 2),
    "test_gaussian_matrices_are_newman_s": (4, 5),
    "test_one_dimension_is_mu": (3, 1),
    "test_the_standard_error_is_the_exact_one": (1, 1),
    "test_nothing_over_or_underflows": (1, 2),
    "test_simulation_lies_in_the_bracket": (3, 2),
    "test_draws_follow_the_probabilities": (1, 1),
    "test_laws_with_a_density_draw_it": (3, 2),
    "test_law_of_sgd_against_all_histories": (1, 2),
    "test_quadratic_follows_the_binomial_law": (4, 1),
    "test_gaussian_noise_has_the_moments_of_the_product": (1, 1),
    "test_additive_noise_alone_makes_the_known_gaussian": (1, 1),
    "test_underflow_is_counted_and_absent_from_the_log": (1, 1),
    "test_counting_agrees_with_stepping_in_law": (1, 2),
    "test_counts_from_the_table_are_binomial": (6, 1),
    "test_counting_three_values_of_many_walkers": (1, 2),
    "test_counting_reaches_a_million_steps": (1, 2),
}

ALPHA = SUITE / sum(runs * each for runs, each in COMPARISONS.values())
