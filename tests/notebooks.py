"""Notebooks, run as a reader would: in an empty folder, by a fresh kernel. ``python -m tests.notebooks [NAME…]`` keeps pictures.

A notebook is committed without outputs, but for the picture of a cell tagged ``keep-picture``: a reader of the repository sees it.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parents[1] / "notebooks"
KEPT, WIDEST, COLOURS = "keep-picture", 900, 96


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Return a notebook with the outputs of a run in this folder."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def is_kept(cell: nbformat.NotebookNode) -> bool:
    return KEPT in cell.metadata.get("tags", ())


def pictures(cell: nbformat.NotebookNode) -> list[bytes]:
    """Return the pictures of a cell's outputs."""
    found = [output.get("data", {}).get("image/png") for output in cell.get("outputs", ())]
    return [base64.b64decode(content) for content in found if content]


def stripped(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Take away what a run left, but for the kept pictures, which are made small."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        kept = [small(content) for content in pictures(cell)] if is_kept(cell) else []
        data = [{"image/png": base64.b64encode(content).decode() + "\n", "text/plain": "<Figure>"} for content in kept]
        cell.outputs = [nbformat.v4.new_output("display_data", data=each) for each in data]
        cell.execution_count = None
        cell.metadata.pop("execution", None)
    notebook.metadata.language_info = {"name": "python"}
    return notebook


def small(content: bytes) -> bytes:
    """Return a picture with fewer pixels and colours."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    picture.thumbnail((WIDEST, 2 * WIDEST), Image.Resampling.LANCZOS)
    made = io.BytesIO()
    picture.quantize(COLOURS).save(made, "PNG", optimize=True)
    return made.getvalue()


def main(names: list[str]) -> None:
    """Run notebooks and write them back with their kept pictures alone."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        if not names or path.stem in names:
            with tempfile.TemporaryDirectory() as folder:
                nbformat.write(stripped(executed(path, Path(folder))), path)


if __name__ == "__main__":
    main(sys.argv[1:])
