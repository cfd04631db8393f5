"""Numbers as they are written for a person."""

from __future__ import annotations

import subprocess
import sys

from exodx.stats.numbers import interval, number


def test_a_number_has_a_true_minus_sign_and_none_before_a_zero():
    assert (number(-0.0271), number(-0.0001), number(None), number(0.5, 1)) == ("−0.027", "0.000", "–", "0.5")


def test_an_interval_is_whole_or_empty():
    assert interval(-0.1, 0.25) == "−0.100 to 0.250"
    assert interval(None, 0.25) == interval(0.25, None) == ""


def test_the_review_draws_nothing():
    """Loading matplotlib takes a second."""
    script = "import sys, exodx.tracking, exodx.tracking.review; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
