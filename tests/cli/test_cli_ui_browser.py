"""What a reviewer sees: the run's report inside the real MLflow UI, in headless Chromium."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from exodx.tracking import open_store

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(trained):
    """``exodx ui`` on the store the study was written to."""
    open_store()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "exodx", "ui", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ),
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).read()
            break
        except OSError:
            assert time.monotonic() < deadline, "the server did not answer"
            assert process.poll() is None, "the server ended"
            time.sleep(0.5)
    yield address
    os.killpg(process.pid, 15)
    process.wait(30)


def test_the_report_opens_in_the_run_and_shows_the_headline(trained, browser, server, tmp_path):
    from mlflow.tracking import MlflowClient
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    run = MlflowClient(open_store().uri).get_run(trained.answer["run_id"])
    page = f"{server}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    browser.get(f"{page}?workflowType=machine_learning")
    wait = WebDriverWait(browser, 90)
    value = f"{trained.answer['headline']['value']:.3f}"
    wait.until(lambda b: value in b.find_element(By.TAG_NAME, "body").text)  # the description
    body = browser.find_element(By.TAG_NAME, "body").text
    assert "leave-one-site-out" in body
    assert "For Research Use Only" in body
    _keep(browser, "mlflow-overview")
    browser.get("about:blank")
    browser.get(f"{page}/artifacts/report.html?workflowType=machine_learning")
    frame = wait.until(lambda b: next(iter(b.find_elements(By.TAG_NAME, "iframe")), None))
    browser.switch_to.frame(frame)
    wait.until(lambda b: "The number to quote" in b.find_element(By.TAG_NAME, "body").text)
    text = browser.find_element(By.TAG_NAME, "body").text
    assert value in text
    assert "Simulated specimens" in text
    widths = browser.execute_script("return [...document.querySelectorAll('figure img, figure svg')].map(i => i.clientWidth)")
    assert len(widths) >= 4
    assert min(widths) > 200
    slider = browser.find_element(By.ID, "upper")
    before = browser.find_element(By.TAG_NAME, "body").text
    slider.send_keys(*[Keys.ARROW_RIGHT] * 8)
    wait.until(lambda b: b.find_element(By.TAG_NAME, "body").text != before)  # the script runs in MLflow's sandboxed frame
    browser.execute_script("window.scrollTo(0, 0)")
    browser.switch_to.default_content()
    _keep(browser, "mlflow-run")


def test_the_registry_tells_aliases_tags_and_what_speaks_against_a_version(trained, browser, server):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    name, version = trained.answer["model_uri"].removeprefix("models:/").split("/")
    wait = WebDriverWait(browser, 90)

    def shows(address, *words):
        browser.get("about:blank")
        browser.get(f"{server}/#/models/{address}?workflowType=machine_learning")
        wait.until(lambda b: all(word in b.find_element(By.TAG_NAME, "body").text for word in words))

    shows(name, "Every version is a bundle that exodx made", "challenger")
    shows(f"{name}/versions/{version}", "Verdict:", "leave-one-site-out", "exodx.model_hash")
    assert f"AUC {trained.answer['headline']['value']:.3f}" in browser.find_element(By.TAG_NAME, "body").text


def _keep(browser, name: str) -> None:
    """Save a picture where ``EXODX_PICTURES`` asks for it (to be looked at, and for the README), without this machine's paths."""
    folder = os.environ.get("EXODX_PICTURES")
    if folder:
        leaves = "[...document.querySelectorAll('*')].filter(e => !e.children.length && /file:/.test(e.textContent))"
        browser.execute_script(f"{leaves}.forEach(e => e.textContent = '')")
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))
