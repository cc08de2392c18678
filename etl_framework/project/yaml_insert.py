"""Insert a block into a YAML file without changing its comments, order and line ends."""

from __future__ import annotations

import re

import yaml

from etl_framework.errors import ConfigError

_LINE = re.compile(r"[^\n\r\x85\u2028\u2029]*(?:\r\n|[\n\r\x85\u2028\u2029]|$)")


def inserted(text: str, section: str, name: str, block: str) -> str:
    """Insert an entry at the end of a section, which is created if it does not exist.

    :param text: valid YAML; its line ends are kept.
    :param block: the entry in block style, indented by two.
    :raises ConfigError: the layout of the file does not allow an entry.
    """
    ends = "\r\n" if "\r\n" in text else "\n"
    if ends == "\r\n" and re.search(r"(?<!\r)\n", text):
        raise ConfigError("the file has line ends of two kinds", hint="save it with one of them")
    plain = text.replace("\r\n", "\n")
    made = _written(plain, section, block).replace("\n", ends)
    if not _only_adds(text, made, section, name):
        hint = f"add it by hand:\n{block}"
        raise ConfigError(f"'{section}' takes no entry as the file is laid out", hint=hint)
    return made


def _written(text: str, section: str, block: str) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    entry = next((pair for pair in pairs if pair[0].value == section), None)
    if entry is None:
        gap = "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}{section}:\n{block}"
    key, value = entry
    if isinstance(value, yaml.MappingNode) and value.value and value.flow_style:
        end = value.value[-1][1].end_mark.index
        return f"{text[:end]}, {_flow(block)}{text[end:]}"
    if not (isinstance(value, yaml.MappingNode) and value.value):
        start, end = key.end_mark.index, value.end_mark.index
        rest, _, later = text[max(end, start + 1) :].partition("\n")
        return f"{text[:start]}:{rest.rstrip()}\n{block}{later}"
    return _in_block(text, key, value, pairs, block)


def _in_block(
    text: str,
    key: yaml.Node,
    value: yaml.MappingNode,
    pairs: list[tuple[yaml.Node, yaml.Node]],
    block: str,
) -> str:
    """Insert the block after the section's last line, before empty lines and the next comment."""
    lines = [line for line in _LINE.findall(text) if line]
    if not lines[-1].endswith(("\n", "\r")):
        lines[-1] += "\n"
    starts = [child.start_mark for child, _ in value.value]
    first = key.start_mark.line
    end = min(
        (k.start_mark.line for k, _ in pairs if k.start_mark.line > first), default=len(lines)
    )
    outside = re.compile(rf"\s*$| {{0,{starts[0].column - 1}}}#")
    while end > first + 1 and outside.match(lines[end - 1]):
        end -= 1
    shifted = re.sub(r"^  ", " " * starts[0].column, block, flags=re.MULTILINE)
    spaced = any(lines[start.line - 1].strip() == "" for start in starts[1:])
    return "".join([*lines[:end], "\n" if spaced else "", shifted, *lines[end:]])


def _flow(block: str) -> str:
    """Write an entry in one line: `users: {type: csv, path: users.csv}`."""
    root = yaml.compose(block, Loader=yaml.SafeLoader)

    def written(node: yaml.Node) -> str:
        if isinstance(node, yaml.MappingNode) and not node.flow_style:
            return f"{{{', '.join(f'{k.value}: {written(v)}' for k, v in node.value)}}}"
        if isinstance(node, yaml.SequenceNode) and not node.flow_style:
            return f"[{', '.join(map(written, node.value))}]"
        return block[node.start_mark.index : node.end_mark.index].strip()

    return written(root)[1:-1] if root else ""


def _only_adds(before: str, after: str, section: str, name: str) -> bool:
    """Whether the new text has the same content as the old one, and one more entry."""
    try:
        old, new = (yaml.load(content, Loader=yaml.BaseLoader) for content in (before, after))
        added = new[section][name]
        wanted = {**old, section: {**(old.get(section) or {}), name: added}}
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        return False
    return bool(added) and bool(new == wanted)
