"""Answer one question: ``python -m eyewire_validator answer --image ...``."""

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyewire_validator.errors import EyewireValidatorError

if TYPE_CHECKING:
    import pandas as pd

# Rows that are printed; all are written.
SHOWN = 20
# Blocks a second that are asked for; whoever serves data serves others, too.
RATE = 20.0
SUFFIXES = (".csv", ".json")


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, print the answer, and write it where that is asked for.

    Exit status 1 if the question cannot be answered, 2 if it is not understood.
    """
    options = vars(_parser().parse_args(arguments))
    try:
        _answer(options.pop("output"), options)
    except (EyewireValidatorError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _answer(output: Path | None, options: dict[str, Any]) -> None:
    """Answer a question, print it, and write it to a file if one is named."""
    # Now, as torch takes two seconds.
    from eyewire_validator.jobs.progress import shown
    from eyewire_validator.models.arrays_answer import READY_MADE, answer
    from eyewire_validator.models.thresholds import (
        describe_left_out,
        describe_thresholds,
    )
    from eyewire_validator.storage.array_files import Access
    from eyewire_validator.storage.files import check_writable

    if output:
        check_writable(output)
    options["model"] = options["model"] or READY_MADE
    options["access"] = Access(options.pop("cache"), rate=options.pop("rate"))
    with warnings.catch_warnings(record=True, action="always") as caught, shown():
        table = answer(**options)
        checkpoint = options["model"], options["adapt"]
        thresholds = describe_thresholds(*checkpoint)
        left_out = describe_left_out(*checkpoint)
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    if output:
        write_table(output, table)
    if table.empty:
        print("there is no other segment")
        return
    print(table.head(SHOWN).to_string(index=False))
    if len(table) > SHOWN:
        print(f"... and {len(table) - SHOWN} less probable segments")
    print(f"decisions by {thresholds}")
    if left_out:
        print(left_out)


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """Write an answer as CSV or JSON, by the suffix; in JSON, ids are strings.

    JavaScript rounds numbers above 2^53.
    """
    from eyewire_validator.storage.files import write_json
    from eyewire_validator.storage.tables import write_csv

    if path.suffix == ".json":
        rows: list[dict[str, Any]] = json.loads(
            table.assign(segment=table["segment"].astype(str)).to_json(
                orient="records", double_precision=15
            )
        )
        write_json(path, rows)
    else:
        write_csv(path, table, exact=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eyewire_validator")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "answer",
        help="which segments belong to a seed",
        description="Answer which segments belong to a seed. Sources are files "
        "(block.npz::image, .npy, .tif, block.h5::raw, slices), or zarr://, "
        "precomputed:// or n5:// before a path or address; docs/sources.md has all.",
    )
    add = command.add_argument
    add("--image", required=True, metavar="SRC", help="the grey image")
    add("--segments", required=True, metavar="SRC", help="the segmentation")
    add("--seed", type=_ids, default=(), metavar="IDS", help="such as 17,230")
    add("--seed-point", type=_place, metavar="Z,Y,X", help="nm, in a segment")
    add("--box", type=_box, metavar="Z0:Z1,Y0:Y1,X0:X1", help="voxels; a part of it")
    add("--voxel-nm", type=_place, metavar="Z,Y,X", help="edges of a voxel, nm")
    add("--model", type=Path, help="checkpoint; the ready-made one if not given")
    add(
        "--adapt",
        action="store_true",
        help="first learn, for a minute, what membranes look like here",
    )
    add("--cache", type=Path, help="folder to keep blocks from elsewhere in")
    add(
        "--rate",
        type=_rate,
        default=RATE,
        metavar="N",
        help="blocks a second from there",
    )
    add("--output", type=_output, metavar="FILE", help=".csv or .json")
    return parser


def _ids(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def _place(text: str) -> tuple[float, float, float]:
    z, y, x = map(float, text.split(","))
    return z, y, x


def _box(text: str) -> tuple[tuple[int, ...], ...]:
    bounds = tuple(
        tuple(int(end) for end in part.split(":")) for part in text.split(",")
    )
    if [len(ends) for ends in bounds] != [2, 2, 2]:
        raise ValueError
    return bounds


def _rate(text: str) -> float:
    rate = float(text)
    if not rate > 0:
        raise ValueError
    return rate


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix not in SUFFIXES:
        raise ValueError
    return path


# What argparse calls them in "invalid ... value".
_ids.__name__ = "ids"
_place.__name__ = "z,y,x"
_box.__name__ = "z0:z1,y0:y1,x0:x1"
_rate.__name__ = "rate"
_output.__name__ = ".csv or .json"


if __name__ == "__main__":
    main()
