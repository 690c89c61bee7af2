"""Samplers: `unpaired sample`, `judge` and `likelihood`."""

from pathlib import Path
from typing import Annotated

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from tyro.conf import Positional, arg

from unpaired.config import options
from unpaired.effort import Effort
from unpaired.errors import ConfigError
from unpaired.serve.options import JudgeOptions


@options
class Sample:
    """Draw samples of a trained generator, or walks between them."""

    run_folder: Positional[Path]
    """A run's folder or a bundle."""
    out: Path
    """The folder that the pictures go into."""
    n: Annotated[PositiveInt | None, arg(aliases=("-n",))] = None
    """How many samples; or stops of a walk. None: 64, or 8 stops."""
    class_: Annotated[str | None, arg(name="class")] = None
    """Of which class, by its name or number; none for all in turn."""
    interpolate: bool = False
    """Walks from one noise to the next instead: walk.png, and walk.gif that moves."""
    steps: PositiveInt = 10
    """Pictures from one stop of a walk to the next."""
    grid: bool = False
    """One sheet, grid.png, instead of a file for each sample."""
    seed: NonNegativeInt = 0
    """Of the noise: the same seed gives the same pictures, and more samples begin with those that fewer would be."""
    device: str = "auto"
    """auto, cpu, cuda, mps."""

    def run(self) -> None:
        if self.interpolate and self.grid:
            raise ConfigError("--interpolate draws a walk, --grid single samples; wanted one of them")
        from unpaired.sampling import Asked, sample_files

        asked = Asked(self.n, self.class_, walk=self.interpolate, steps=self.steps, grid=self.grid, seed=self.seed)
        written = sample_files(self.run_folder, asked, out=self.out, device=self.device)
        print(f"drawn into {self.out}: " + (", ".join(path.name for path in written) if len(written) < 4 else str(len(written))))


@options
class Judge:
    """A human Turing test: a page where a person says real or fake of a run's pictures beside real ones."""

    run_folder: Positional[Path]
    """The run's folder."""
    part: str | None = None
    """Which of several samplers, directions or changes, by its name; none for the first."""
    out: Path | None = None
    """The folder that keeps the test, one for each person; none for `judge` in the run's. The same command goes on with a test
    that was begun."""
    test: JudgeOptions = JudgeOptions()
    host: str = "127.0.0.1"
    """Who may open the page: whoever can reach this address. This machine alone, unless another is given."""
    port: Annotated[int, arg(metavar="INT")] = 8000
    """Of the page; 0 for any free one."""
    device: str = "auto"
    """auto, cpu, cuda, mps."""

    def run(self) -> None:
        from unpaired.judging import pictures_of
        from unpaired.serve.judge import serve_judge
        from unpaired.serve.session import SESSION, what_of
        from unpaired.serve.trials import needed
        from unpaired.serve.verdict import conclusion, sentences

        folder = self.out or self.run_folder / "judge"
        real = fake = None
        part = self.part
        if begun := (folder / SESSION).exists():
            what = what_of(folder)
        else:
            real, fake, what, part = pictures_of(self.run_folder, count=needed(self.test), part=part, device=self.device)
        print(f"real pictures beside {what or 'those that the test was begun with'}")
        verdict = serve_judge(
            folder,
            real=real,
            fake=fake,
            options=None if begun and self.test == JudgeOptions() else self.test,
            what=what,
            part=part,
            host=self.host,
            port=self.port,
            ready=lambda at: print(f"open {at}"),
        )
        print("\n".join(f"{name}: {said} ({of})" for name, said, of in sentences(verdict)))
        print(conclusion(verdict))
        print(f"{folder / 'verdict.json'}\n{folder / 'answers.csv'}")


@options
class Likelihood:
    """How likely a generator holds held-out images: annealed importance sampling, and the Parzen estimate of old papers."""

    run_folder: Positional[Path]
    """The folder of a run that leaves a sampler (gan, dcgan, sgan, acgan)."""
    sigma: PositiveFloat | None = None
    """Deviation of the noise about a sample, of pixels from 0 to 1; none to choose one on validation images."""
    effort: Effort = Effort()
    device: str = "auto"
    """auto, cpu, cuda, mps."""

    def run(self) -> None:
        from unpaired.density import likelihoods

        found = likelihoods(self.run_folder, sigma=self.sigma, effort=self.effort, device=self.device)
        print(f"pixels from 0 to 1, nats an image, {found['images']:.0f} held-out images, sigma {found['sigma']:g}")
        print(f"annealed importance sampling: {found['annealed']:.1f}, a lower bound")
        more = "" if found["gap"] < 10 else "; give more --temperatures"
        print(f"  of the sampler's own images the lower bound lies {found['gap']:.1f} below the upper{more}")
        for name in ("parzen", "parzen of training images"):
            print(f"{name}: {found[name]:.1f} +- {found[f'{name}, standard error']:.1f}")
        print(self.run_folder / "likelihood.json")
