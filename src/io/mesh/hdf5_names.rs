//! Names in an HDF5 mesh: `boundaries/NAME` lists the edges of a boundary by their corner nodes,
//! `regions/NAME` the elements of a region.

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, Group};

use crate::error::{Error, Result};
use crate::io::hdf5::write_rows;
use crate::io::mesh::hdf5_reader::{Column, Reader};
use crate::io::mesh::{FormatError, bad_file};
use crate::mesh::{NO_REGION, TaggedEdge, Tags};
use crate::parallel::{BlockDistribution, Comm, GlobalIndex, Outgoing, concat};

/// Group of the boundaries.
pub const BOUNDARIES: &str = "boundaries";
/// Group of the regions.
pub const REGIONS: &str = "regions";
/// Attribute for a name that cannot be the name of a dataset.
pub const NAME: &str = "name";

impl Reader<'_> {
    /// Reads all names, with their edges and elements. **Collective.**
    pub(crate) fn tags(&self, elements: BlockDistribution) -> Result<Tags> {
        let mut tags = Tags::default();
        let node = |n: i64| GlobalIndex::try_from(n).unwrap_or(GlobalIndex::MAX);
        let boundaries = self.named(BOUNDARIES)?;
        for (_, list) in &boundaries {
            self.expect_shape(&list.dataset, &list.name, matches!(list.dataset.shape()[..], [_, 2 | 3]), "(M, 2)")?;
        }
        let lists = self.lists(&boundaries)?;
        for (((_, list), edges), boundary) in boundaries.iter().zip(&lists).zip(0..) {
            let edges = edges.chunks_exact(list.dataset.shape()[1]).map(|row| [node(row[0]), node(row[1])]);
            tags.edges.extend(edges.map(|nodes| TaggedEdge { nodes, boundary }));
        }
        tags.boundary_names = boundaries.into_iter().map(|(name, _)| name).collect();

        let regions = self.named(REGIONS)?;
        for (_, list) in &regions {
            self.expect_shape(&list.dataset, &list.name, list.dataset.ndim() == 1, "(M)")?;
        }
        let lists = self.lists(&regions)?;
        tags.region_names = regions.into_iter().map(|(name, _)| name).collect();
        if !lists.is_empty() {
            tags.regions = self.regions(&tags.region_names, elements, &lists)?;
        }
        Ok(tags)
    }

    /// Reads this rank's rows of the list of each name. **Collective.**
    fn lists(&self, named: &[(String, Column)]) -> Result<Vec<Vec<i64>>> {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let read = |(_, list): &(String, Column)| {
            let rows = BlockDistribution::new(list.dataset.shape()[0] as u64, self.comm.size());
            let mut values = Vec::with_capacity(self.length(rows));
            self.integers(list, rows, |part| values.extend_from_slice(part)).map(|()| values)
        };
        // All are read, also after an error, as in `slab`.
        let lists: Vec<_> = named.iter().map(read).collect();
        self.comm.agree(lists.into_iter().collect())
    }

    /// Returns the region of each element of this rank's slab from the rows of the lists that the
    /// ranks have read. Elements of other slabs are sent to their ranks. **Collective.**
    fn regions(&self, names: &[String], elements: BlockDistribution, lists: &[Vec<i64>]) -> Result<Vec<u16>> {
        let range = elements.range(self.comm.rank());
        let mut regions = vec![NO_REGION; (range.end - range.start) as usize];
        let mut overlap: Option<(GlobalIndex, [u16; 2])> = None;
        let mut place = |element: GlobalIndex, region: u16| {
            let slot = &mut regions[(element - range.start) as usize];
            if *slot != NO_REGION && *slot != region {
                let found = (element, [region.min(*slot), region.max(*slot)]);
                overlap = Some(overlap.map_or(found, |other| other.min(found)));
            }
            *slot = region.min(*slot);
        };
        let mut outgoing = Outgoing::new();
        let mut beyond: Option<(u16, i64)> = None;
        for (list, region) in lists.iter().zip(0..) {
            for &element in list {
                match GlobalIndex::try_from(element) {
                    Ok(e) if range.contains(&e) => place(e, region),
                    Ok(e) if e < elements.total() => outgoing.to(elements.owner(e)).extend([e, u64::from(region)]),
                    _ => beyond = Some(beyond.map_or((region, element), |other| other.min((region, element)))),
                }
            }
        }
        self.comm.agree(beyond.map_or(Ok(()), |(region, element)| {
            let name = names[usize::from(region)].clone();
            Err(self.bad(FormatError::RegionOutOfRange { name, element, elements: elements.total() }))
        }))?;
        for &[element, region] in concat(self.comm.sparse_exchange(outgoing)).as_chunks().0 {
            place(element, region as u16);
        }
        self.comm.agree(overlap.map_or(Ok(regions), |(element, both)| {
            let [first, second] = both.map(|region| names[usize::from(region)].clone());
            Err(self.bad(FormatError::RegionsOverlap { element, first, second }).at(element, 0))
        }))
    }

    /// Reads the names in a group. **Collective.**
    pub(crate) fn names(&self, group: &str) -> Result<Vec<String>> {
        Ok(self.named(group)?.into_iter().map(|(name, ..)| name).collect())
    }

    /// Returns the name and the list of each member of a group, which may be missing. **Collective.**
    fn named(&self, group: &str) -> Result<Vec<(String, Column)>> {
        let found = if self.file.link_exists(group) { self.members(group) } else { Ok(Vec::new()) };
        let found = self.comm.agree(found)?;
        let limit = usize::from(NO_REGION) - 1;
        if found.len() > limit {
            return Err(self.bad(FormatError::TooManyNames { count: found.len(), limit }));
        }
        Ok(found)
    }

    fn members(&self, group: &str) -> Result<Vec<(String, Column)>> {
        let failed = |e| self.unreadable(group, &e);
        let members = self.file.group(group).map_err(failed)?;
        let open = |member: String| {
            let dataset = members.dataset(&member).map_err(failed)?;
            let name = true_name(&dataset).unwrap_or_else(|| member.clone());
            Ok((name, self.column(dataset, &format!("{group}/{member}"))?))
        };
        names(&members).map_err(failed)?.into_iter().map(open).collect()
    }

    fn bad(&self, flaw: FormatError) -> Error {
        bad_file(self.path, "HDF5", &flaw)
    }
}

fn names(group: &Group) -> hdf5::Result<Vec<String>> {
    let mut names = group.member_names()?;
    names.sort();
    Ok(names)
}

/// Returns the name in the attribute, if there is one.
fn true_name(dataset: &Dataset) -> Option<String> {
    let has_name = dataset.attr_names().ok()?.iter().any(|attribute| attribute == NAME);
    let name = has_name.then(|| dataset.attr(NAME).ok()?.read_scalar::<VarLenUnicode>().ok())??;
    Some(name.as_str().to_owned())
}

/// Writes one dataset of all ranks' rows in rank order. Where `name` cannot be the name of a
/// dataset, `other_name` takes its place. **Collective.**
///
/// # Errors
/// An error of HDF5, possibly on some ranks only.
pub fn write_list(
    comm: &Comm,
    group: &Group,
    name: &str,
    other_name: &str,
    width: usize,
    values: &[u64],
) -> hdf5::Result<()> {
    let count = (values.len() / width) as u64;
    let (first, total) = (comm.exclusive_sum(count), comm.sum(count) as usize);
    // A slash separates groups, and a dot stands for the group itself.
    let is_usable = !name.contains('/') && name != "." && !name.is_empty() && !group.link_exists(name);
    let builder = group.new_dataset::<u64>();
    let link = if is_usable { name } else { other_name };
    let dataset =
        if width == 1 { builder.shape(total).create(link)? } else { builder.shape((total, width)).create(link)? };
    if !is_usable {
        let name: VarLenUnicode = name.parse().map_err(|_| hdf5::Error::from("name with a NUL"))?;
        dataset.new_attr::<VarLenUnicode>().create(NAME)?.write_scalar(&name)?;
    }
    write_rows(comm, &dataset, first..first + count, values)
}
