"""Templates filled in, and pictures that stand in a page by themselves."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from exodx.errors import RUO
from exodx.evaluation.check_text import percent
from exodx.report.style import CASE, FAINT, INK, OTHER, QUIET
from exodx.report.words import benefit_sentence, label, number, rank_range, sentence, stability_sentence


def data_uri(content: bytes) -> str:
    """Return a PNG as something that stands in a page by itself."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def inline_svg(content: bytes, name: str, alt: str) -> Markup:
    """Return matplotlib's SVG as part of a page: in the page's colours, with ids of its own, and named for who cannot see it.

    Parameters
    ----------
    content : bytes
    name : str
        Unlike that of any other picture of the page.
    alt : str
    """
    svg = content.decode()
    svg = re.sub(r'<g id="[^"]*"', "<g", svg[svg.index("<svg") :])
    svg = re.sub(r'( id="|url\(#|xlink:href="#)', rf"\g<1>{name}-", svg)
    for colour, role in _ROLES:
        svg = svg.replace(colour, f"var(--{role})")
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it would hold for the whole page
    svg = re.sub(r">\n\s*<", "><", svg)
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1))


_ROLES = ((INK, "ink"), (QUIET, "quiet"), (FAINT, "faint"), ("#ffffff", "paper"), (OTHER, "plot-other"), (CASE, "plot-case"))


def script(name: str) -> tuple[Markup, str]:
    """Return a script of this package and what the page's policy calls it: no other may run in it."""
    text = (resources.files("exodx.report") / "templates" / name).read_text(encoding="utf-8")
    return Markup(text), f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"


def render(template: str, **values: object) -> str:
    """Return a template of this package filled in; everything is escaped."""
    return render_all(template, [values])[0]


def render_all(template: str, pages: Sequence[Mapping[str, object]]) -> list[str]:
    """Return a template of this package filled in once for each page; it is read once."""
    environment = Environment(
        loader=PackageLoader("exodx.report"),
        autoescape=select_autoescape(("html", "svg")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "ruo": RUO,
        "label": label,
        "sentence": sentence,
        "number": number,
        "percent": percent,
        "rank_range": rank_range,
        "benefit_sentence": benefit_sentence,
        "stability_sentence": stability_sentence,
    }
    page = environment.get_template(template)
    return [page.render(**values) for values in pages]
