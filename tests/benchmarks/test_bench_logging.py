"""The benchmark of logging at its smallest: every contender writes a whole run, and one that lacks something would be seen."""

import pytest
from bench_logging import WAYS, check, compare, record

from exodx.tracking.log import log_evaluation

pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow's tutorials


def test_every_contender_logs_the_same_run(tmp_path, monkeypatch):
    monkeypatch.setenv("EXODX_HOME", str(tmp_path))
    seconds = compare(0, tmp_path, {name: WAYS[name] for name in ("exodx", "one call for each thing")})
    assert set(seconds) == {"exodx", "one call for each thing"}
    with pytest.raises(SystemExit, match="lacks"):
        check(log_evaluation(record()))
