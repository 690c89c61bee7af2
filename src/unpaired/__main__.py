"""`python -m unpaired`: what torchrun starts."""

from unpaired.cli import main

if __name__ == "__main__":
    main()
