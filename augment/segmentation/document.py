"""A report as a list of blocks, written as Markdown with files and as one HTML page.

Both say the same, for they are made from the same blocks. The page is self-contained: pictures
are inlined, no script, no font and no style sheet is loaded; it follows the reader's light or dark
setting and prints in light.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

GAIN, HARM = "▲", "▼"
"""Marks of a clear change; cells that hold one are coloured too, never by colour alone."""


@dataclass(frozen=True)
class Heading:
    """A heading below the title."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text; the lead is set larger."""

    text: str
    is_lead: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first `n_names` columns are names and are set to the left."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    n_names: int = 1


@dataclass(frozen=True)
class Picture:
    """A picture with its file name, bytes and, for dark screens, other bytes.

    Attributes:
        file_name: Name with the ending svg or jpg.
        caption: What it shows, in a sentence.
        data: The file.
        dark: The same for a dark background, or None.
    """

    file_name: str
    caption: str
    data: bytes
    dark: bytes | None = None


@dataclass(frozen=True)
class Listing:
    """Text that keeps its lines, such as a recipe."""

    caption: str
    text: str


Block = Heading | Paragraph | Table | Picture | Listing

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #5b6470; --line: #d5dae0;
  --paper: #ffffff; --band: #f4f6f8; --gain: #00598c; --harm: #a83e00; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --faint: #9aa5b1;
  --line: #39424d; --paper: #14181d; --band: #1c2229; --gain: #6cc0f5; --harm: #ff9f6b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.1rem; font-weight: 600; color: var(--faint); margin: 0 0 .75rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .75rem;
  border-top: 1px solid var(--line); }
p { max-width: 46rem; margin: .5rem 0; }
p.lead { font-size: 1.45rem; line-height: 1.35; font-weight: 600; margin: 0 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .4rem 0 1.75rem; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
p.caption { color: var(--faint); font-size: .9rem; margin: 1rem 0 0; break-after: avoid; }
th, td { padding: .25rem .7rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
td.name, th.name { text-align: left; }
td.text { white-space: normal; text-align: left; }
thead th { border-bottom: 2px solid var(--line); vertical-align: bottom; white-space: normal; }
tbody tr:nth-child(even) { background: var(--band); }
.gain { color: var(--gain); font-weight: 600; }
.harm { color: var(--harm); font-weight: 600; }
figure { margin: 1.25rem 0; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption { color: var(--faint); font-size: .9rem; max-width: 46rem; margin-top: .4rem; }
pre { background: var(--band); padding: .75rem 1rem; overflow-x: auto; font-size: .8rem;
  line-height: 1.4; }
@media print { @page { margin: 16mm; } body { padding: 0; max-width: none; font-size: 9.5pt; }
  h2 { break-after: avoid; } figure, tr { break-inside: avoid; } pre { white-space: pre-wrap; }
  .scroll { overflow: visible; } table { font-size: 8pt; } th, td { padding: .15rem .4rem; } }
"""


def to_markdown(title: str, blocks: Sequence[Block], folder: str) -> str:
    """Write the report as Markdown.

    Args:
        title: First heading.
        blocks: What stands in it.
        folder: Folder of the pictures, relative to the file.

    Returns:
        The text. Its first line is the lead; the title follows it.
    """
    parts = []
    for block in sorted(blocks, key=lambda block: not _is_lead(block)):
        parts.append(_markdown(block, folder))
        if _is_lead(block):
            parts.append(f"# {title}")
    return "\n\n".join(parts) + "\n"


def to_html(title: str, blocks: Sequence[Block]) -> str:
    """Write the report as one self-contained HTML page.

    Args:
        title: Title of the page.
        blocks: What stands in it.

    Returns:
        The page.
    """
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def _is_lead(block: Block) -> bool:
    return isinstance(block, Paragraph) and block.is_lead


def _markdown(block: Block, folder: str) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Paragraph(text, is_lead):
            return f"**{text}**" if is_lead else text
        case Table():
            rule = ["---" if i < block.n_names else "--:" for i in range(len(block.columns))]
            lines = [block.columns, rule, *block.rows]
            table = "\n".join(
                "| " + " | ".join(_cell(text) for text in row) + " |" for row in lines
            )
            return f"{block.caption}\n\n{table}"
        case Picture():
            return f"![{block.caption}]({folder}/{block.file_name})\n\n{block.caption}"
        case Listing():
            return f"{block.caption}\n\n```\n{block.text.rstrip()}\n```"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{_text(text)}</h2>"
        case Paragraph(text, is_lead):
            return f'<p class="lead">{_text(text)}</p>' if is_lead else f"<p>{_text(text)}</p>"
        case Table():
            return _html_table(block)
        case Picture():
            return _html_picture(block)
        case Listing():
            return f"<p>{_text(block.caption)}</p>\n<pre>{escape(block.text)}</pre>"


def _text(text: str) -> str:
    """Escape text and keep `n = 3` on one line."""
    return re.sub(r"\bn = (?=\d)", "n&nbsp;=&nbsp;", escape(text))


def _html_table(table: Table) -> str:
    head = "".join(
        f"<th{_class(position, '', table)}>{_text(text)}</th>"
        for position, text in enumerate(table.columns)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(f"<td{_class(i, text, table)}>{_text(text)}</td>" for i, text in enumerate(row))
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<p class="caption">{_text(table.caption)}</p>\n<div class="scroll"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>"
    )


def _class(position: int, text: str, table: Table) -> str:
    names = []
    if position < table.n_names:
        names.append("name")
    if len(text) > 40:
        names.append("text")
    names += [name for mark, name in ((GAIN, "gain"), (HARM, "harm")) if mark in text]
    return f' class="{" ".join(names)}"' if names else ""


def _html_picture(picture: Picture) -> str:
    dark = ""
    if picture.dark is not None:
        dark = (
            '<source media="screen and (prefers-color-scheme: dark)"'
            f' srcset="{_data_uri(picture.file_name, picture.dark)}">'
        )
    image = (
        f'<img src="{_data_uri(picture.file_name, picture.data)}" alt="{escape(picture.caption)}">'
    )
    return (
        f"<figure><picture>{dark}{image}</picture>"
        f"<figcaption>{_text(picture.caption)}</figcaption></figure>"
    )


def _data_uri(file_name: str, data: bytes) -> str:
    kinds = {"svg": "image/svg+xml", "jpg": "image/jpeg", "png": "image/png"}
    encoded = base64.b64encode(data).decode("ascii")
    return f"data:{kinds[file_name.rpartition('.')[2]]};base64,{encoded}"
