"""Generate `opencif.v1` from its proto files, or with --check tell whether that was forgotten.

Run from anywhere in the development environment; the generated code is committed.
"""

import argparse
import filecmp
import os
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
PACKAGE = Path("opencif/v1")
INCLUDES = (PROTOS, PROTOS / "third_party", Path(grpc_tools.__file__).parent / "_proto")
GENERATED = "*_pb2*.py*"


def generate(target: Path) -> None:
    """Write the generated modules and their types below `target`."""
    sources = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / PACKAGE).glob("*.proto"))
    outputs = ("python", "pyi", "grpc_python", "mypy_grpc")
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # the mypy plug-in
    arguments = [
        "protoc",
        *(f"--proto_path={include}" for include in INCLUDES),
        *(f"--{output}_out={target}" for output in outputs),
        "--mypy_grpc_opt=quiet",
        *sources,
    ]
    if protoc.main(arguments) != 0:
        sys.exit("the proto files do not compile")


def differences(fresh: Path) -> list[str]:
    """Name the generated files that are missing, left over or different in the tree."""
    names = {path.name for root in (fresh, PROTOS) for path in (root / PACKAGE).glob(GENERATED)}
    _, mismatched, missing = filecmp.cmpfiles(
        fresh / PACKAGE, PROTOS / PACKAGE, sorted(names), shallow=False
    )
    return sorted(mismatched + missing)


def main() -> None:
    """Regenerate in place, or compare with what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if outdated")
    if not parser.parse_args().check:
        for path in (PROTOS / PACKAGE).glob(GENERATED):
            path.unlink()
        generate(PROTOS)
        return
    with tempfile.TemporaryDirectory() as directory:
        generate(Path(directory))
        if outdated := differences(Path(directory)):
            sys.exit(f"generated code is out of date, run `make proto`: {' '.join(outdated)}")


if __name__ == "__main__":
    main()
