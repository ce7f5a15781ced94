"""`python -m anaphora` and the `anaphora` command: set up the process, then hand over to the command line."""

from anaphora.runtime import prepare_environment


def main() -> None:
    """Run the command line."""
    prepare_environment()
    from anaphora.cli import run

    run()


if __name__ == "__main__":
    main()
