#!/usr/bin/env python3
"""Renders the conda recipe for each MPI library with rattler-build's own parser, without building it:

    pip install py-rattler-build==0.73.0 && tests/packaging/conda.py
"""

import re
from pathlib import Path

from rattler_build import PlatformConfig, RenderConfig, Stage0Recipe, VariantConfig

TOP = Path(__file__).resolve().parents[2]
FOLDER = TOP / "jobs/packaging/conda"

variants = VariantConfig.from_files([FOLDER / "variants.yaml"])
config = RenderConfig(PlatformConfig(target_platform="linux-64"))
rendered = Stage0Recipe.from_file(FOLDER / "recipe.yaml").render(variants, config)
version = re.search(r'^version = "(.*)"', (TOP / "Cargo.toml").read_text(), re.M)[1]
recipes = [variant.recipe.to_dict() for variant in rendered]
assert {recipe["package"]["version"] for recipe in recipes} == {version}, recipes
for mpi in ("mpich", "openmpi"):
    assert any(f"hdf5 * mpi_{mpi}_*" in str(recipe["requirements"]) for recipe in recipes), recipes
assert len(recipes) == 2, recipes
print("conda.py: rendered for mpich and openmpi")
