"""How long `import anaphora` takes beside `import torch`: whole processes, in turn."""

import sys

from benchmarks.harness import Figure, Result, parse_options, time_commands


def main() -> None:
    """Time both imports, and the command line's help, in new processes."""
    options = parse_options(__doc__ or "", repetitions=7)
    rows = time_commands(
        {
            "import torch": [sys.executable, "-c", "import torch"],
            "import anaphora": [sys.executable, "-c", "import anaphora"],
            "import anaphora, and all it offers": [sys.executable, "-c", "from anaphora import *"],
            "anaphora --help": [sys.executable, "-m", "anaphora", "--help"],
        },
        repetitions=options.repetitions,
    )
    torch_alone, plain, everything, _ = rows
    result = Result(name="import-time", about="seconds from the start of the process to its end", rows=rows)
    result.figures = [
        Figure(name="import anaphora / import torch", value=plain.median / torch_alone.median, at_most=1.3),
        Figure(name="from anaphora import * / import torch", value=everything.median / torch_alone.median, at_most=1.3),
    ]
    result.publish(options)


if __name__ == "__main__":
    main()
