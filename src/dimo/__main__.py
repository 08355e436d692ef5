"""`python -m dimo` is `dimo`."""

from dimo.cli.main import entry

if __name__ == "__main__":
    entry()
