"""Discounts by hand: the arithmetic of the papers written out, and where it ends."""

import numpy as np
import pytest

from anaphora.models.ngram.discounts import good_turing_ratios, one_discount, three_discounts


def test_three_discounts_of_chen_and_goodman() -> None:
    discounts, exist = three_discounts(np.array([0, 100, 40, 20, 12]))
    y = 100 / (100 + 2 * 40)  # 0.5556
    assert exist
    assert discounts == pytest.approx([0, 1 - 2 * y * 40 / 100, 2 - 3 * y * 20 / 40, 3 - 4 * y * 12 / 20])
    assert discounts == pytest.approx([0, 0.555556, 1.166667, 1.666667], abs=1e-6)
    assert discounts.dtype == np.float32


@pytest.mark.parametrize("n", [[0, 0, 5, 5, 5], [0, 5, 0, 5, 5], [0, 5, 5, 0, 5], [0, 10, 1, 9, 1], [0] * 5], ids=str)
def test_three_discounts_that_do_not_exist_are_those_of_kenlm(n: list[int]) -> None:
    discounts, exist = three_discounts(np.array(n))  # [0, 10, 1, 9, 1]: D_2 would be less than 0
    assert not exist
    assert discounts.tolist() == [0, 0.5, 1, 1.5]


def test_no_ngram_with_count_four_is_no_fault() -> None:
    discounts, exist = three_discounts(np.array([0, 100, 40, 20, 0]))
    assert exist
    assert discounts[3] == 3


def test_one_discount() -> None:
    discounts, exist = one_discount(np.array([0, 100, 40]))
    assert exist
    assert discounts == pytest.approx([0, 100 / 180, 100 / 180, 100 / 180])
    assert one_discount(np.array([0, 100, 0]))[1] is False
    assert one_discount(np.array([0, 0, 40]))[0].tolist() == [0, 0.75, 0.75, 0.75]


def test_ratios_of_good_and_turing_as_katz_scales_them() -> None:
    n = [0, 1000, 300, 150, 90, 60, 40]
    a = 6 * 40 / 1000  # 0.24
    ratios, exist = good_turing_ratios(np.array(n))
    assert exist
    wanted = [((r + 1) * n[r + 1] / n[r] / r - a) / (1 - a) for r in range(1, 6)]
    assert wanted[0] == pytest.approx(0.4736842)  # (2 * 300 / 1000 - 0.24) / 0.76
    assert ratios == pytest.approx([1, *wanted, 1])


@pytest.mark.parametrize("n", [[0, 1000, 300, 0, 90, 60, 40], [0, 100, 90, 80, 70, 60, 50], [0] * 7], ids=str)
def test_ratios_that_do_not_exist_take_half_a_count_off(n: list[int]) -> None:
    ratios, exist = good_turing_ratios(np.array(n))
    assert not exist
    assert ratios == pytest.approx([1, 0.5, 0.75, 2.5 / 3, 3.5 / 4, 0.9, 1])
