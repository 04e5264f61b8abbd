#!/usr/bin/env python3
"""Keeps at most 20 inputs of a fuzz target: those that reach the most edges together.

    tests/fuzz_seeds.py CONTROL FOLDER

CONTROL is what libFuzzer's -set_cover_merge=1 -use_counters=0 -merge_control_file=CONTROL leaves: the edges of
the control flow that each input reaches. FOLDER then holds the chosen inputs and no other. An input with a name of its own stays in any case; the
others are chosen greedily, each for the most edges that are not reached yet.
"""
import re
import shutil
import sys
from pathlib import Path

MOST = 20


def read_control(path: Path) -> dict[Path, set[int]]:
    """Reads the numbers of the edges that each input reaches."""
    lines = path.read_text().splitlines()
    inputs = [Path(line) for line in lines[2:2 + int(lines[0])]]
    reached: dict[str, tuple[Path, set[int]]] = {}
    for line in lines[2 + len(inputs):]:
        kind, number, *edges = line.split()
        if kind == 'FT':
            path = inputs[int(number)]
            reached[path.name] = path, set(map(int, edges))     # one of two files with the same name
    return dict(reached.values())


def choose(reached: dict[Path, set[int]]) -> list[Path]:
    """Returns the inputs with names of their own and, up to MOST in all, those that add the most; small ones first."""
    rest = sorted(reached, key=lambda path: (path.stat().st_size, path))
    chosen = [path for path in rest if not re.fullmatch('[0-9a-f]{40}', path.name)]
    covered = set().union(*(reached[path] for path in chosen))
    while len(chosen) < MOST:
        best = max(rest, key=lambda path: len(reached[path] - covered))
        if not reached[best] - covered:
            break
        chosen.append(best)
        covered |= reached[best]
    return chosen


def main() -> None:
    """Chooses, and prints how many edges are reached."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    reached, folder = read_control(Path(sys.argv[1])), Path(sys.argv[2])
    chosen = choose(reached)
    total, covered = (len(set().union(*(reached[path] for path in paths))) for paths in (reached, chosen))
    for path in chosen:
        if path.resolve().parent != folder.resolve():
            shutil.copy(path, folder)
    names = {path.name for path in chosen}
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()
    print(f'{folder.name}: {len(chosen)} of {len(reached)} inputs reach {covered} of {total} edges')


if __name__ == '__main__':
    main()
