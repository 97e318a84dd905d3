"""Reading a YAML file into plain values together with the line of every key."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from analysis.errors import ParamsError

_HALF = re.compile("[\ud800-\udfff]")
Key = tuple[str, ...]
Scalar = str | bool | int | float | date | None


class Tree(NamedTuple):
    """A YAML file: its values, the line of each key (`("source", "tables")`: 14), (line, problem) pairs."""

    data: Any
    lines: dict[Key, int]
    problems: list[tuple[int, str]]


def where(shown: str, lines: dict[Key, int], key: Key) -> str:
    """`file:line` of a key, or of its nearest ancestor with a line, or the file alone."""
    for depth in range(len(key), 0, -1):
        if line := lines.get(key[:depth]):
            return f"{shown}:{line}"
    return shown


def read(path: Path, shown: str, is_typed: Callable[[Key], bool]) -> Tree:
    """Read one YAML 1.2 document whose top is a mapping.

    Keys are text as written. A scalar is None when empty, else its text as written; where `is_typed` says so
    of its key, plain booleans, numbers and dates become values (a number with a leading zero, as ids have it,
    stays text).

    Raises
    ------
    ParamsError
        No such file, not UTF-8, no YAML, or no mapping; `shown` is how the text names the file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ParamsError(f"{shown}: there is no such file") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ParamsError(f"{shown}:{line}: is not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise ParamsError(f"{shown}: cannot be read: {error.strerror}") from None
    node = _compose(text, shown)
    if not isinstance(node, MappingNode):
        raise ParamsError(f"{shown}: holds no `key: value` lines; start from params/_template.yaml")
    tree = Tree({}, {}, [])
    return tree._replace(data=_plain(node, (), tree, is_typed))


def _compose(text: str, shown: str) -> Node | None:
    try:
        return YAML().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        begun = f" ({error.context}, line {error.context_mark.line + 1})" if error.context_mark else ""
        if error.context == "while scanning a quoted scalar" and error.context_mark:
            mark, begun = error.context_mark, "; the quote that begins here is not closed"
        at = f":{mark.line + 1}" if mark else ""
        raise ParamsError(f"{shown}{at}: is not valid YAML: {error.problem}{begun}") from None
    except YAMLError as error:
        raise ParamsError(f"{shown}: is not valid YAML: {error}") from None


def _scalar(node: ScalarNode, typed: bool) -> Scalar:
    text: str = node.value.replace("\a", "")  # ruamel marks the folds of a folded text (`>`) with it
    kind = str(node.tag).rpartition(":")[2]
    if kind == "null":
        return None
    if not typed or kind == "str" or re.match(r"[-+]?0\d", text):
        return text
    try:
        if kind == "int":
            return int(text, 0)
        if kind == "float":
            return float(text)
        if kind == "timestamp":
            return date.fromisoformat(text)
    except ValueError:
        return text
    return text.lower() == "true" if kind == "bool" else text


def _plain(
    node: Node, key: Key, tree: Tree, is_typed: Callable[[Key], bool], above: tuple[int, ...] = ()
) -> Any:
    """Plain dicts, lists and scalars of a node; the lines of its keys and its problems go into `tree`."""
    if id(node) in above:
        tree.problems.append((node.start_mark.line + 1, f"`*{node.anchor}` refers to itself"))
        return None
    above = (*above, id(node))
    if isinstance(node, ScalarNode):
        if _HALF.search(node.value):
            wrong = "half of a surrogate pair (`\\ud83d`); write the letter itself, or `\\U0001F600`"
            tree.problems.append((node.start_mark.line + 1, wrong))
            return None
        return _scalar(node, is_typed(key))
    if isinstance(node, SequenceNode):
        places = [(*key, str(i)) for i in range(len(node.value))]
        tree.lines.update(zip(places, (item.start_mark.line + 1 for item in node.value), strict=True))
        return [_plain(item, at, tree, is_typed, above) for item, at in zip(node.value, places, strict=True)]
    result: dict[str, Any] = {}
    for name_node, value in node.value:
        line = name_node.start_mark.line + 1
        name = name_node.value
        at = (*key, name) if isinstance(name, str) else key
        if isinstance(name, str) and _HALF.search(name):
            tree.problems.append((line, "a key holds half of a surrogate pair; write the letter itself"))
        elif not isinstance(name, str):
            tree.problems.append((line, "a key must be one word, or a text in quotes"))
        elif name in result:
            tree.problems.append(
                (line, f"`{name}` stands in line {tree.lines[at]} already; keep one of the two")
            )
        else:
            tree.lines[at] = line
            result[name] = _plain(value, at, tree, is_typed, above)
    return result
