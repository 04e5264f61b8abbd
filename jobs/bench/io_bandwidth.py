#!/usr/bin/env python3
"""Compares reading and writing of meshes, results and checkpoints with a plain stream of as many bytes.

Runs of the program and streams take turns. A stream writes or reads one file in blocks of 1 MiB, and flushes it to the
disk where the program does: checkpoints. Columns, for each file: MB/s of the whole stage, with checks and messages (a
checkpoint: what an iteration takes longer with one after it); MB/s of the transfers alone, which are the reads, or the
reservation of disk space, the writes and the flush: the time in which some rank is in one, without what it waits for a
core there while other ranks compute on it; MB/s of the stream; and the ratios of both to it. All are medians, that of the transfers of checkpoints over the checkpoints of a run. Like the
program, a stream replaces an older file when it is complete. The mesh leaves the page cache before it is read, except
on tmpfs. Leave the machine alone meanwhile.
"""
from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median

from common import Bench, option_parser, prepared_bench, read_json, run, whole_number, whole_numbers
from peers.report import markdown
from stages import write_refined

BLOCK = 1 << 20
ITERATIONS = 12


def write_stream(path: Path, size: int, flushed: bool) -> float:
    """Returns the seconds that it takes to write so many bytes."""
    block = os.urandom(BLOCK)
    start = time.perf_counter()
    partial = path.with_suffix('.partial')
    with partial.open('wb', buffering=0) as file:
        for at in range(0, size, BLOCK):
            file.write(block[:size - at])
        if flushed:
            os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    partial.rename(path)
    return seconds


def evict(path: Path) -> None:
    """Removes a file from the page cache."""
    with path.open('rb') as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_stream(path: Path, size: int) -> float:
    """Returns the seconds that it takes to read so many bytes of a file."""
    block = bytearray(BLOCK)
    start = time.perf_counter()
    with path.open('rb', buffering=0) as file:
        for at in range(0, size, BLOCK):
            file.readinto(memoryview(block)[:size - at])
    return time.perf_counter() - start


def stages(bench: Bench, ranks: int, mesh: Path, folder: Path, *options: str) -> tuple[dict[str, float], list[dict]]:
    """Runs some iterations, exit code 1, and returns the seconds of the stages and the events of the timeline."""
    record, timeline = bench.work/'run.json', bench.work/'timeline.json'
    run([*bench.mpirun(ranks, [bench.program]), mesh, '--preconditioner', 'jacobi', '--max-iterations', str(ITERATIONS),
         '--threads', '1', '--quiet', '-o', folder/'out.h5', '--json', record, '--trace', timeline, *options],
        env=bench.env, stderr=(bench.work/'stderr').open('w'))
    seconds = {name: stage['max'] for name, stage in read_json(record)['timing_metrics'].items()}
    return seconds, [event for event in read_json(timeline)['traceEvents'] if event['ph'] == 'X']


def transfers(events: list[dict], stage: str) -> float:
    """Returns the seconds in which some rank transfers a file in a stage, the median of its files."""
    ranks = []
    for outer in (event for event in events if event['name'] == stage):
        files: list[list[tuple[float, float]]] = [[]]
        for event in events:
            if event['cat'] == 'file' and event['pid'] == outer['pid'] and 0 <= event['ts'] - outer['ts'] < outer['dur']:
                own = event['dur'] - event.get('args', {}).get('waited_us', 0)
                files[-1].append((event['ts'], event['ts'] + own))
                # A checkpoint ends with its flush.
                files += [[]] if event['name'] == 'flush' else []
        ranks.append([file for file in files if file])
    return median(1e-6*covered(sorted(sum(files, []))) for files in zip(*ranks, strict=True))


def covered(intervals: list[tuple[float, float]]) -> float:
    """Returns the length of the union of intervals, sorted by their starts."""
    length, reached = 0.0, intervals[0][0]
    for start, end in intervals:
        length += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return length


def measure(bench: Bench, ranks: int, mesh: Path, folder: Path, repeats: int) -> list[str]:
    """Returns MB/s of stage, transfers and stream, and their ratios, for mesh, results and checkpoints."""
    stages(bench, ranks, mesh, folder, '--checkpoint-every', '0.000001')
    results = (folder/'out.h5').stat().st_size
    checkpoint = (folder/'out.checkpoint.h5').stat().st_size
    elements, nodes = (read_json(bench.work/'run.json')['mesh_info'][name] for name in ('elements', 'nodes'))
    # A solve reads x, y and the nodes of the elements.
    sizes = {'mesh': 32*elements + 16*nodes, 'results': results, 'checkpoint': checkpoint}
    seconds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in sizes}
    for _ in range(repeats):
        evict(mesh)
        plain, events = stages(bench, ranks, mesh, folder)
        evict(mesh)
        seconds['mesh'].append((plain['load_mesh'], transfers(events, 'load_mesh'), read_stream(mesh, sizes['mesh'])))
        stream = write_stream(folder/'stream', results, False)
        seconds['results'].append((plain['export'], transfers(events, 'export'), stream))
        saved, events = stages(bench, ranks, mesh, folder, '--checkpoint-every', '0.000001')
        longer = (saved['solve_system'] - plain['solve_system'])/ITERATIONS
        stream = write_stream(folder/'stream', checkpoint, True)
        seconds['checkpoint'].append((longer, transfers(events, 'solve_system'), stream))
    cells = []
    for name, size in sizes.items():
        stage, files, stream = (1e-6*size/median(times) for times in zip(*seconds[name], strict=True))
        cells += [f'{stage:.0f}', f'{files:.0f}', f'{stream:.0f}', f'{stage/stream:.2f}', f'{files/stream:.2f}']
    return cells


def main() -> None:
    """Measures every folder and number of ranks and prints the table."""
    parser = option_parser(__doc__)
    parser.add_argument('folders', nargs='*', type=Path, default=[Path('/dev/shm'), Path('/var/tmp')], metavar='FOLDER',
                        help='folders on the file systems to measure (default /dev/shm and /var/tmp)')
    parser.add_argument('--ranks', type=whole_numbers(1), default=[1, 2, 4, 16], metavar='LIST',
                        help='numbers of MPI ranks (default "1 2 4 16")')
    parser.add_argument('--refine', type=whole_number(0), default=3, metavar='K',
                        help='refinements of the built-in Y-channel (default 3: a million unknowns)')
    parser.add_argument('--repeats', type=whole_number(1), default=3, metavar='N', help='runs of each kind (default 3)')
    args = parser.parse_args()
    units = ('MB/s', 'transfers', 'stream', 'ratio', 'ratio of transfers')
    files = [f'{name}, {unit}' for name in ('mesh', 'results', 'checkpoint') for unit in units]
    rows = [('folder, ranks', *files)]
    with prepared_bench() as bench:
        for place in args.folders:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                mesh = Path(folder)/'mesh.h5'
                write_refined(bench, args.refine, mesh)
                for ranks in args.ranks:
                    rows.append((f'{place}, {ranks}', *measure(bench, ranks, mesh, Path(folder), args.repeats)))
    print(*markdown(rows), sep='\n')


if __name__ == '__main__':
    main()
