import pytest

from isekai_gen.neighbors.choosing import choose_mode, exact_rate, exact_seconds, matrix_rate


def test_a_small_search_is_exact_and_says_how_long_it_takes():
    mode, why = choose_mode(100_000, 512, None, "cpu", 0.95, rate=4e11)
    assert mode == "exact"
    assert why == "exact search of 100,000 rows would take about 8 s on cpu, within 300 s"


def test_a_search_beyond_the_budget_is_approximate():
    mode, why = choose_mode(1_000_000, 512, None, "cpu", 0.95, rate=4e11)
    assert mode == "approximate"
    assert why == "exact search of 1,000,000 rows would take about 800 s on cpu, over 300 s"


def test_a_faster_machine_searches_the_same_rows_exactly():
    assert choose_mode(1_000_000, 512, None, "cuda:0", 0.95, rate=2e14)[0] == "exact"


def test_two_matrices_take_every_row_with_every_row():
    assert exact_seconds(1000, 8, 1000, 1e9) == 2 * exact_seconds(1000, 8, None, 1e9)
    assert "1,000 x 2,000 rows" in choose_mode(1000, 8, 2000, "cpu", 0.95, rate=1e9)[1]


def test_the_rate_of_this_machine_is_measured():
    assert matrix_rate("cpu") > 1e8
    assert exact_rate(0.95, "cpu") > 1e8
    assert exact_rate(0.1, "cpu") == matrix_rate("cpu")
    assert choose_mode(1000, 64, None, "cpu", 0.95)[0] == "exact"


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_any_rows_are_no_trouble(n):
    assert choose_mode(n, 512, None, "cpu", 0.95, rate=1e9)[0] == "exact"
