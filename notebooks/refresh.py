"""Execute the committed notebooks on the default sample; clean them of times, paths and traces of a machine.

python notebooks/refresh.py            all notebooks of this folder
python notebooks/refresh.py leads      only these
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

FOLDER = Path(__file__).parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
KEPT = {"tags"}  # of a cell's metadata
SECONDS = 120  # for one cell


def clean(notebook: NotebookNode) -> NotebookNode:
    """The same notebook without anything that differs between two runs or two machines; counts 1 to n."""
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(LANGUAGE))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in notebook.cells:
        cell.metadata = NotebookNode({key: cell.metadata[key] for key in KEPT & set(cell.metadata)})
    for count, cell in enumerate(code, start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
    return notebook


def refresh(path: Path) -> None:
    """Execute one notebook in its folder, as JupyterLab does, and write it back clean."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL))
    where = {"metadata": {"path": str(path.parent)}}
    with TemporaryDirectory() as sockets:
        config = Config({"AsyncKernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}})
        executed = NotebookClient(notebook, timeout=SECONDS, resources=where, config=config).execute()
    nbformat.write(clean(executed), path)


if __name__ == "__main__":
    names = sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    for name in names:
        refresh(FOLDER / f"{name}.ipynb")
