"""What README and docs/performance.md quote of the results, written from the results themselves.

A quotation stands between two comments that name it; `python -m loadtests.bench_quotes` writes all
of them anew. It rounds and words; it computes nothing.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = ["DOCUMENTS", "QUOTES", "RESULTS", "file_lines", "main", "profile_lines", "requoted"]

RESULTS: Final = Path(__file__).with_name("results")
_ROOT: Final = RESULTS.parents[1]
DOCUMENTS: Final = (_ROOT / "README.md", _ROOT / "docs" / "performance.md")
_QUOTE: Final = re.compile(
    r"(?P<begin><!-- quote: (?P<name>[a-z ]+) -->\n).*?(?P<end><!-- end of quote -->)", re.DOTALL
)

Found = Mapping[str, Any]
Words = Callable[[Path], Iterator[str]]
"""The lines of a quotation, from the directory of results."""


def _read(directory: Path, name: str) -> Any:
    return json.loads((directory / name).read_text())


def _headline(directory: Path) -> Iterator[str]:
    """The rates that a reader wants first, with the machine."""
    found = _read(directory, "bench.json")
    facts, rates = found["facts"], {rate["text"]: rate for rate in found["rates"]}

    def rate(text: str) -> str:
        one = rates[text]
        return f"{one['doubt']}{one['rate']['median']:,.0f}"

    own, valkey = "from the worker's own cache", "from Valkey"
    yield f"One worker on one core ({facts['processor']} in all; {facts['measured']}):"
    yield ""
    yield f"- **{rate(f'lookups, 1,000 a call, {own}')} lookups/s** {own},"
    yield f"  **{rate(f'lookups, 1,000 a call, {valkey}')}/s** {valkey}, each entry proven and"
    yield f"  opened, {rate('lookups, 1,000 a call, from the database')}/s uncached, 1,000 keys a"
    yield f"  call; one key a call, {rate(f'lookups, one a call, {own}')}/s."
    yield f"- **{rate('entries of a NACHA file, end to end')} entries/s** of a NACHA file, from the"
    yield "  client's disk to the client's answers."
    yield f"- {rate('FF1 tokens')} FF1 tokens/s."


def _rates(directory: Path) -> Iterator[str]:
    yield "| one worker on one core | a second, median (range) | server's CPU, µs each |"
    yield "|---|---|---|"
    for one in _read(directory, "bench.json")["rates"]:
        rate = one["rate"]
        yield (
            f"| {one['text']} | {one['doubt']}{rate['median']:,.0f} ({rate['low']:,.0f} to "
            f"{rate['high']:,.0f}) | {one['server_us']:.3g} |"
        )


def _ratios(directory: Path) -> Iterator[str]:
    yield "| ratio | median (range) | by the server's CPU | floor | goal | stands at |"
    yield "|---|---|---|---|---|---|"
    for one in _read(directory, "bench.json")["ratios"]:
        by_rate, by_cpu = one["by_rate"], one["by_cpu"]["median"]
        span = "no sound round"
        if by_rate:
            span = f"{by_rate['median']:.3g} ({by_rate['low']:.3g} to {by_rate['high']:.3g})"
        yield (
            f"| {one['text']} | {span} | {by_cpu:.3g} | {one['floor']:g} | {one['goal']:g} "
            f"| {one['verdict']} |"
        )


def _sizes(directory: Path) -> Iterator[str]:
    found = _read(directory, "sizes.json")
    least = f"{found['sizes'][0]:,} accounts"
    yield f"| CPU a lookup, to {least} | accounts | median (range) | stands at |"
    yield "|---|---|---|---|"
    for one in found["flatness"]:
        growth = one["growth"]
        yield (
            f"| {one['text']} | {one['accounts']:,} | {growth['median']:.3f} "
            f"({growth['low']:.3f} to {growth['high']:.3f}) | {one['verdict']} |"
        )
    yield ""
    sources = list(next(iter(found["memory_mib"].values())))
    yield f"| memory of the worker, MiB | {' | '.join(sources)} |"
    yield f"|---|{'---|' * len(sources)}"
    for size, each in found["memory_mib"].items():
        yield f"| {size} | {' | '.join(f'{each[source]:,.0f}' for source in sources)} |"


def profile_lines(profiles: Sequence[Found]) -> Iterator[str]:
    """Where the server's CPU goes, by stage, a column for each path that was profiled."""
    stages = dict.fromkeys(stage for one in profiles for stage in one["stages_us"])
    yield f"| µs a lookup | {' | '.join(one['path'] for one in profiles)} |"
    yield f"|---|{'---|' * len(profiles)}"
    for stage in stages:
        cells = (f"{one['stages_us'].get(stage, 0.0):.2f}" for one in profiles)
        yield f"| {stage} | {' | '.join(cells)} |"
    yield f"| all | {' | '.join(format(one['cpu_us'], '.2f') for one in profiles)} |"


def _profile(directory: Path) -> Iterator[str]:
    return profile_lines(_read(directory, "profile.json"))


def _profile_before(directory: Path) -> Iterator[str]:
    return profile_lines(_read(directory, "profile-before.json"))


def file_lines(found: Found) -> Iterator[str]:
    """How a large NACHA file was resolved, a column for each pass."""
    passes = found["passes"]
    yield (
        f"| {passes[0]['entries']:,} entries, {found['bytes']:,} bytes | "
        + " | ".join(one["name"] for one in passes)
        + " |"
    )
    yield f"|---|{'---|' * len(passes)}"
    rows = {
        "seconds": [f"{one['elapsed_s']:,.0f}" for one in passes],
        "entries a second, end to end": [
            f"{one['entries'] / one['elapsed_s']:,.0f}" for one in passes
        ],
        "client's memory at most, MiB": [f"{one['client_mib']:,.0f}" for one in passes],
        "worker's memory at most, MiB": [f"{one['worker_mib']:,.0f}" for one in passes],
    }
    for side in passes[0]["stages_s"]:
        for stage in passes[0]["stages_s"][side]:
            told = [one["stages_s"][side].get(stage, 0.0) for one in passes]
            rows[f"{side}: {stage}, seconds"] = [f"{seconds:,.1f}" for seconds in told]
    for name, cells in rows.items():
        yield f"| {name} | {' | '.join(cells)} |"


def _file(directory: Path) -> Iterator[str]:
    return file_lines(_read(directory, "file.json"))


def _kernels(directory: Path) -> Iterator[str]:
    before = _read(directory, "kernels-before.json")["instructions"]
    now = _read(directory, "kernels.json")["instructions"]
    yield "| instructions each | before | now | part |"
    yield "|---|---|---|---|"
    for name, instructions in now.items():
        was = before[name]
        yield f"| {name} | {was:,.0f} | {instructions:,.0f} | {instructions / was:.2f} |"


def _availability(directory: Path) -> Iterator[str]:
    """As deploy/fault_report.py has it."""
    yield (directory / "availability.md").read_text().strip()


QUOTES: Final[Mapping[str, Words]] = {
    "headline": _headline,
    "rates": _rates,
    "ratios": _ratios,
    "sizes": _sizes,
    "profile": _profile,
    "profile before": _profile_before,
    "file": _file,
    "kernels": _kernels,
    "availability": _availability,
}
"""What can be quoted."""


def requoted(text: str, directory: Path = RESULTS) -> str:
    """A document with every quotation written anew, but of results that are not there."""

    def quoted(found: re.Match[str]) -> str:
        try:
            lines = "\n".join(QUOTES[found["name"]](directory))
        except FileNotFoundError:
            return found[0]
        return f"{found['begin']}\n{lines}\n\n{found['end']}"

    return _QUOTE.sub(quoted, text)


def main() -> None:
    """Write all quotations; with --check, exit with 1 where one is not what the results say."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench_quotes", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    given = parser.parse_args()
    for document in DOCUMENTS:
        text = document.read_text()
        fresh = requoted(text)
        if fresh == text:
            continue
        if given.check:
            sys.exit(f"{document.name} does not quote the results: run loadtests.bench_quotes")
        document.write_text(fresh)
        print(f"{document.name} quotes the results")


if __name__ == "__main__":
    main()
