"""`python -m l9gate` is the command `l9gate`."""

from l9gate.cli.main import main

if __name__ == "__main__":
    main()
