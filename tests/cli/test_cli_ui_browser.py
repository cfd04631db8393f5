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


def asked(server, path, host=None, method="GET", body=None, **headers):
    """Ask over plain HTTP, under any Host; return status, headers and body."""
    from http.client import HTTPConnection

    own = server.removeprefix("http://")
    connection = HTTPConnection(own, timeout=60)
    connection.request(method, path, body, {"Host": host or own, **{k.replace("_", "-"): v for k, v in headers.items()}})
    answer = connection.getresponse()
    found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return found


RUNS = "/api/2.0/mlflow/experiments/search"


def test_the_server_listens_to_this_machine_alone(server):
    port = int(server.rsplit(":", 1)[1])
    with socket.socket() as other:
        other.settimeout(5)
        try:
            address = socket.gethostbyname(socket.gethostname())
        except OSError:
            pytest.skip("this machine has no name")
        if address.startswith("127."):
            pytest.skip("this machine has no address but its own")
        assert other.connect_ex((address, port)) != 0


def test_a_name_that_is_pointed_here_is_not_answered(server):
    """DNS rebinding: the browser takes us for a page's own server, and says so in Host."""
    port = server.rsplit(":", 1)[1]
    question = {"method": "POST", "body": '{"max_results": 5}', "content_type": "application/json"}
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert asked(server, RUNS, f"{host}:{port}", **question)[0] == 200
    for host in ("evil.example", f"10.evil.example:{port}", "192.168.0.1.evil.example", f"127.0.0.1.evil.example:{port}", "x"):
        for path, more in ((RUNS, question), ("/", {}), ("/get-artifact?path=x&run_uuid=x", {})):
            status, _, body = asked(server, path, host, **more)
            assert (status, b"experiments" in body) == (403, False), (host, path)


def test_pages_of_others_get_no_answer_that_they_may_read_and_change_nothing(server):
    as_json = {"method": "POST", "content_type": "application/json"}
    preflight = {"access_control_request_method": "POST", "access_control_request_headers": "content-type"}
    for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "null"):
        status, read, _ = asked(server, "/api/2.0/mlflow/experiments/create", body='{"name": "evil"}', origin=origin, **as_json)
        assert status == 403
        for headers in (
            read,
            asked(server, "/", origin=origin)[1],
            asked(server, RUNS, method="OPTIONS", origin=origin, **preflight)[1],
        ):
            assert headers.get("access-control-allow-origin") is None
    assert b"evil" not in asked(server, RUNS, body='{"max_results": 100}', **as_json)[2]


def test_an_artifact_is_a_download_and_its_scripts_run_in_a_frame_of_no_origin(trained, server):
    """MLflow sends it as an attachment, and shows it in a frame that may run scripts but has no origin of its own."""
    import mlflow

    status, headers, body = asked(server, f"/get-artifact?path=report.html&run_uuid={trained.answer['run_id']}")
    assert (status, b"Research Use Only" in body) == (200, True)
    assert headers["content-disposition"].startswith("attachment")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    scripts = (Path(mlflow.__file__).parent / "server" / "js" / "build" / "static" / "js").glob("*.js")
    shown = [text for path in scripts if "mlflow-html-iframe" in (text := path.read_text(encoding="utf-8", errors="ignore"))]
    assert shown
    for text in shown:
        frame = text.split('"mlflow-html-iframe"', 1)[1][:200]
        assert 'sandbox:"allow-scripts"' in frame


def test_another_host_is_refused_unless_it_is_meant(cli):
    for host in ("0.0.0.0", "192.168.0.7", "::", "example.org"):
        refused = cli("ui", "--host", host)
        assert (refused.code, "HOST_OPEN" in refused.err) == (2, True)
