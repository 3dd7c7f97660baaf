"""`python -m isekai_gen` is `isekai-gen`."""

from isekai_gen.cli import main

if __name__ == "__main__":
    main()
