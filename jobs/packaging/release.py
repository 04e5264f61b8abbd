#!/usr/bin/env python3
"""Makes the files of a release from the commit that is checked out:

    jobs/packaging/release.py [--out dist] [--only source]

Source archive, wheels for MPICH and Open MPI (wheel.py), bill of materials (CycloneDX 1.5) and SHA256SUMS. Refuses
uncommitted files, a CHANGELOG without the version of Cargo.toml, and packages with other versions.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from wheel import MPIS, ROOT, cargo_version, output_of, run, work_folder

MACHINE = os.uname().machine
#: Libraries inside the wheel and the program that are no crates: name, version, licence.
LIBRARIES = (('hdf5', '2.2.0', 'BSD-3-Clause'), ('zlib', '1.4', 'Zlib'), ('metis', '5.2.1', 'Apache-2.0'),
             ('uplot', '1.6.32', 'MIT'))


def refuse(text: str) -> None:
    """Ends the script with exit code 1 and a message."""
    print(f'release.py: {text}', file=sys.stderr)
    sys.exit(1)


def check(version: str) -> None:
    """Ends the script where the checkout is not ready for a release."""
    changed = output_of(['git', 'status', '--porcelain'], cwd=ROOT).splitlines()
    if changed:
        refuse(f'not committed: {changed[0][3:]} and {len(changed) - 1} others')
    if not re.search(rf'^## {re.escape(version)}\b', (ROOT/'CHANGELOG.md').read_text(), re.M):
        refuse(f'CHANGELOG.md has no section "## {version}"')
    package = re.search(r"""^__version__ = ["'](.*)["']""", (ROOT/'python/quad8_mpi/__init__.py').read_text(), re.M)
    if not package or package[1] != version:
        refuse(f'python/quad8_mpi/__init__.py has another version than Cargo.toml ({version})')
    if f'version: "{version}"' not in (ROOT/'jobs/packaging/conda/recipe.yaml').read_text():
        refuse(f'jobs/packaging/conda/recipe.yaml has another version than Cargo.toml ({version})')


def source_archive(out: Path, version: str) -> None:
    """Writes the tracked files of the commit to an archive."""
    name = f'quad8-mpi-{version}'
    run(['git', '-C', ROOT, 'archive', '--format=tar.gz', f'--prefix={name}/', '-o', out/f'{name}.tar.gz', 'HEAD'])


def bill_of_materials(version: str) -> dict:
    """Returns all that is linked into the program, as CycloneDX 1.5."""
    metadata = json.loads(output_of(['cargo', 'metadata', '--locked', '--format-version', '1',
                                     '--filter-platform', f'{MACHINE}-unknown-linux-gnu',
                                     '--manifest-path', ROOT/'Cargo.toml']))
    linked = linked_packages(metadata)
    components = [component(package['name'], package['version'], package['license'], 'pkg:cargo')
                  for package in metadata['packages'] if package['id'] in linked]
    components += [component(*library, 'pkg:generic') for library in LIBRARIES]
    return {
        'bomFormat': 'CycloneDX', 'specVersion': '1.5', 'version': 1,
        'metadata': {'component': component('quad8-mpi', version, 'MIT', 'pkg:cargo', kind='application')},
        'components': components,
    }


def linked_packages(metadata: dict) -> set[str]:
    """Returns the packages that the program is linked to: all that it depends on, without tests and build scripts."""
    nodes = {node['id']: node['deps'] for node in metadata['resolve']['nodes']}
    root = metadata['resolve']['root']
    linked, pending = set(), [root]
    while pending:
        for dep in nodes[pending.pop()]:
            if dep['pkg'] not in linked and any(kind['kind'] is None for kind in dep['dep_kinds']):
                linked.add(dep['pkg'])
                pending.append(dep['pkg'])
    return linked - {root}


def component(name: str, version: str, licence: str, origin: str, kind: str = 'library') -> dict:
    """Returns an entry of the bill of materials."""
    purl = f'{origin}/{name}@{version}'
    return {'type': kind, 'bom-ref': purl, 'name': name, 'version': version, 'purl': purl,
            'licenses': [{'expression': licence.replace('/', ' OR ')}]}


def main() -> None:
    """Parses the options and makes the release."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=ROOT/'dist', help='new or empty folder (default: dist)')
    parser.add_argument('--only', choices=['source'], help='leave the wheels out')
    args = parser.parse_args()
    version = cargo_version()
    check(version)
    out = args.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        refuse(f'{out} is not empty')
    source_archive(out, version)
    (out/f'quad8-mpi-{version}.cdx.json').write_text(json.dumps(bill_of_materials(version), indent=1))
    # From a clone, so that files that git ignores play no part.
    with tempfile.TemporaryDirectory() as folder:
        run(['git', 'clone', '--quiet', ROOT, folder])
        for mpi in () if args.only else MPIS:
            run([sys.executable, Path(folder)/'jobs/packaging/wheel.py', '--mpi', mpi, '--out', out,
                 '--work', work_folder(mpi, MACHINE)])
    files = sorted(path for path in out.iterdir())
    sums = (f'{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n' for path in files)
    (out/'SHA256SUMS').write_text(''.join(sums))
    print(*files, sep='\n')


if __name__ == '__main__':
    main()
