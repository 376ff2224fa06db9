"""What pyproject.toml cannot say: the photographs of examples/ travel inside the package."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPhotos(build_py):
    """Builds the package with the photographs that the page offers."""

    def run(self) -> None:
        """Copy the photographs and their credits after the modules."""
        super().run()
        if self.editable_mode:  # works on the clone, where they lie beside the package
            return
        folder = Path(self.build_lib, "difficmh_core", "ui", "examples")
        self.mkpath(str(folder))
        for path in [*Path("examples").glob("*.png"), Path("examples", "CREDITS.md")]:
            self.copy_file(str(path), str(folder))


setup(cmdclass={"build_py": BuildWithPhotos})
