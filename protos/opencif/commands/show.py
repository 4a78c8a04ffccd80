"""How answers are printed: tables for people with numbers masked, JSON lines for machines."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TextIO

from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table

from opencif.commands.forms import texts

_WIDTH_ELSEWHERE: Final = 160


@dataclass(frozen=True, slots=True)
class Output:
    """Standard output in one of its two forms, and standard error for everything else."""

    as_json: bool
    console: Console = field(default_factory=lambda: _console(sys.stdout))
    errors: Console = field(default_factory=lambda: _console(sys.stderr))

    def complain(self, fact: str) -> None:
        """One line to standard error."""
        self.errors.print(fact, style="red", soft_wrap=True)

    def say(self, fact: str) -> None:
        """One line for people; nothing in JSON."""
        if not self.as_json:
            self.console.print(fact, soft_wrap=True)

    def line(self, value: Mapping[str, Any]) -> None:
        """One JSON object on a line of its own."""
        self.console.file.write(json.dumps(value, separators=(",", ":")) + "\n")

    def message(self, message: Message, title: str = "") -> None:
        """One message: all its fields."""
        if self.as_json:
            self.line(as_dict(message))
        else:
            self.pairs(texts(message), title)

    def pairs(self, pairs: Iterable[tuple[str, str]], title: str = "") -> None:
        """Names and values, for people."""
        table = Table(title=title or None, show_header=False, title_justify="left")
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, text in pairs:
            table.add_row(name, text)
        self.console.print(table)

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
        """A table for people; columns whose name begins with `#` are numbers."""
        table = Table(title=title or None, title_justify="left")
        for name in columns:
            justify: Literal["left", "right"] = "right" if name.startswith("#") else "left"
            table.add_column(name.removeprefix("#"), justify=justify, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def messages(self, messages: Iterable[Message], columns: Sequence[str], title: str = "") -> int:
        """Many messages: a line of JSON or a row of the chosen fields each. How many there were."""
        shown = list(messages)
        if self.as_json:
            for message in shown:
                self.line(as_dict(message))
        else:
            found = (dict(texts(message)) for message in shown)
            headings = [name.rpartition(".")[2] for name in columns]
            self.rows(headings, ([row.get(name, "") for name in columns] for row in found), title)
        return len(shown)


def _console(file: TextIO) -> Console:
    """What is read from a file or pipe is not folded to the 80 columns that rich assumes there."""
    width = None if file.isatty() else _WIDTH_ELSEWHERE
    return Console(file=file, highlight=False, markup=False, emoji=False, width=width)


def as_dict(message: Message) -> dict[str, Any]:
    """A message as protobuf's JSON mapping has it, under the contract's own field names."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)
