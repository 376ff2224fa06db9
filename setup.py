"""What pyproject.toml cannot say: the photographs of examples/ travel inside the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPhotos(build_py):
    """Builds the package with the photographs that the page offers."""

    def run(self) -> None:
        """Copy the modules, then the photographs with their credits."""
        if self.editable_mode:  # works on the clone, where they lie beside the package
            return super().run()
        shutil.rmtree(self.build_lib, ignore_errors=True)  # what an earlier build left there
        super().run()
        folder = Path(self.build_lib, "difficmh_core", "ui", "examples")
        self.mkpath(str(folder))
        for path in [*Path("examples").glob("*.png"), Path("examples", "CREDITS.md")]:
            self.copy_file(str(path), str(folder))
        return None


setup(cmdclass={"build_py": BuildWithPhotos})
