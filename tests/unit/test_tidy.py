"""The style guide as a test: what ruff, mypy and import-linter do not see."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

from server import log

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("server", "repository", "tokenizer", "deploy", "loadtests", "protos/opencif", "tests")
OURS = {"server", "repository", "tokenizer", "deploy", "loadtests", "opencif", "tests"}
OUTSIDERS = ("loadtests/", "tests/rpc/")  # they may use the published client and nothing else

FILE_MAX_LINES = 500
APP_MAX_LINES = 150
FUNCTION_MAX_LINES = 60
LINE_MAX_CHARACTERS = 100
POSITIONAL_MAX = 5
FOLDERS_MAX = 2

MODULE_MAPPED = re.compile(r"^\|[^|]*\| `(\w+\.py)` \|", re.MULTILINE)
EMPTY_WORDS = {"util", "utils", "common", "helper", "helpers", "manager", "managers", "base"}
EMPTY_WORDS |= {"core", "misc"}
LEFT_BEHIND = re.compile(r"\b(TOD[O]|FIXM[E]|NotImplementedErro[r])\b|pytest\.(mark\.)?ski[p]")
SELECT_STAR = re.compile(r"\b(select|returning)\s+(\w+\.)?\*", re.IGNORECASE)
LOG_METHODS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
MESSAGES = {"request", "response", "message", "record"}  # what handlers call protobuf messages

# "rule: finding", as printed. May only shrink: an entry that no longer applies fails too.
EXCEPTIONS: set[str] = set()


@dataclass(frozen=True)
class Source:
    """One file of ours; `path` is relative to the root."""

    path: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text))) if self.path.endswith(".py") else []

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@cache
def sources() -> list[Source]:
    """Every file of ours, parsed once for all rules."""
    return [
        Source(str(path.relative_to(ROOT)), path.read_text())
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*"))
        if path.suffix in {".py", ".sql"} and "_pb2" not in path.name
    ]


def long_file(source: Source) -> Iterator[str]:
    limit = APP_MAX_LINES if source.path == "server/app.py" else FILE_MAX_LINES
    if len(source.lines) > limit:
        yield f"{source.path}"


def long_line(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_MAX_CHARACTERS:
            yield f"{source.path}:{number}"


def long_function(source: Source) -> Iterator[str]:
    for function in source.functions:
        if (function.end_lineno or 0) - function.lineno >= FUNCTION_MAX_LINES:
            yield f"{source.path} {function.name}"


def many_positional(source: Source) -> Iterator[str]:
    """Fixtures are asked for by position, so tests are left out."""
    for function in source.functions:
        arguments = [a.arg for a in function.args.posonlyargs + function.args.args]
        named = [name for name in arguments if name not in {"self", "cls"}]
        if len(named) > POSITIONAL_MAX and not source.path.startswith("tests/"):
            yield f"{source.path} {function.name}"


def empty_name(source: Source) -> Iterator[str]:
    names = [source.path.rpartition(".")[0]]
    names += [
        node.name
        for node in source.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    for name in names:
        words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
        if EMPTY_WORDS & {word.lower() for word in words}:
            yield f"{source.path} {name}"


def select_star(source: Source) -> Iterator[str]:
    if SELECT_STAR.search(source.text):
        yield source.path


def deep_folder(source: Source) -> Iterator[str]:
    if source.path.removeprefix("protos/").count("/") > FOLDERS_MAX + 1:
        yield source.path


def left_behind(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.lines, 1):
        if LEFT_BEHIND.search(line):
            yield f"{source.path}:{number}"


def formatted_log(source: Source) -> Iterator[str]:
    """An event's name is a constant; what varies goes in as fields, which are redacted."""
    for node in source.nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        logger = ast.unparse(node.func.value).rpartition(".")[2].strip("_")
        if node.func.attr not in LOG_METHODS or logger not in {"log", "logger", "logging"}:
            continue
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        formats = any(isinstance(part, ast.JoinedStr) for a in arguments for part in ast.walk(a))
        if formats or not all(isinstance(argument, ast.Constant) for argument in node.args):
            yield f"{source.path}:{node.lineno}"


def dropped_field(source: Source) -> Iterator[str]:
    """What is logged under a key that the log does not know is dropped without a word."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_log."):
            named = {keyword.arg for keyword in node.keywords if keyword.arg}
            for key in sorted(named - log.KEYS):
                yield f"{source.path}:{node.lineno} {key}"


def formatted_message(source: Source) -> Iterator[str]:
    """The text of a message holds what it says about a person: it is never made."""
    for node in source.nodes:
        shown: list[ast.expr] = []
        if isinstance(node, ast.FormattedValue):
            shown = [node.value]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"str", "repr", "print"}:
            shown = node.args
        names = {part.id for part in shown if isinstance(part, ast.Name)}
        if names & MESSAGES and source.path.startswith("server/"):
            yield f"{source.path}:{node.lineno}"  # type: ignore[attr-defined]  # both kinds have it


def insider_import(source: Source) -> Iterator[str]:
    if not source.path.startswith(OUTSIDERS):
        return
    for node in source.nodes:
        imported: list[str] = []
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported = [node.module]
        for module in imported:
            if module.partition(".")[0] in OURS - {"opencif", source.path.partition("/")[0]}:
                yield f"{source.path} {module}"


Rule = Callable[[Source], Iterator[str]]
# One file for each rule that must break it, so that no rule is blind.
RULES: dict[Rule, Source] = {
    long_file: Source("server/app.py", "x = 1\n" * 151),
    long_line: Source("server/a.sql", "-- " + "x" * 98),
    long_function: Source("server/a.py", "def f():\n" + "    x = 1\n" * 60),
    many_positional: Source("server/a.py", "def f(self, a, b, c, d, e, f): ..."),
    empty_name: Source("server/a.py", "class CardManager: ..."),
    select_star: Source("repository/a.py", 'X = """SELECT r.\x2a\nFROM record r"""'),
    deep_folder: Source("server/a/b/c/d.py", ""),
    left_behind: Source("server/a.py", "# TOD\x4f: later"),
    formatted_log: Source("server/a.py", 'self._log.info(f"card {pan}")'),
    dropped_field: Source("server/a.py", '_log.info("card_read", colour="red")'),
    formatted_message: Source("server/a.py", 'raise ValueError(f"bad {request}")'),
    insider_import: Source("tests/rpc/test_a.py", "from server.app import serve"),
}
GOOD = Source(
    "server/card.py",
    '''
def get(self, a, b, c, d, e, *, f):
    """A database of base32 names, SELECT count(*)."""
    log.info("card_read", code=a.code)
    _log.info("card_read", code=a.code)
''',
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_holds(rule: Rule) -> None:
    found = {f"{rule.__name__}: {finding}" for source in sources() for finding in rule(source)}
    excepted = {entry for entry in EXCEPTIONS if entry.startswith(f"{rule.__name__}: ")}
    assert found - excepted == set(), "new breaches of the style guide"
    assert excepted - found == set(), "mended: take it off the list of exceptions"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_sees(rule: Rule) -> None:
    assert list(rule(RULES[rule]))
    assert not list(rule(GOOD))


def test_the_map_in_the_architecture_page_names_every_module_of_the_server_once() -> None:
    mapped = MODULE_MAPPED.findall((ROOT / "docs" / "architecture.md").read_text("utf-8"))
    assert sorted(mapped) == sorted(path.name for path in (ROOT / "server").glob("*.py"))
