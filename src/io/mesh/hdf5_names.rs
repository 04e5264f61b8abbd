//! Names in an HDF5 mesh: `boundaries/NAME` lists the edges of a boundary by their corner nodes,
//! `regions/NAME` the elements of a region.

use hdf5::types::VarLenUnicode;
use hdf5::{Dataset, Group};

use crate::error::{Error, Result};
use crate::io::hdf5::write_rows;
use crate::io::mesh::hdf5_reader::Reader;
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
        for (name, path, dataset) in self.named(BOUNDARIES)? {
            let boundary = tags.boundary_names.len() as u16;
            tags.boundary_names.push(name);
            let shape = dataset.shape();
            self.expect_shape(&dataset, &path, matches!(shape[..], [_, 2 | 3]), "(M, 2)")?;
            let rows = BlockDistribution::new(shape[0] as u64, self.comm.size());
            let node = |n: i64| GlobalIndex::try_from(n).unwrap_or(GlobalIndex::MAX);
            let edges: Vec<i64> = self.integers(&dataset, &path, rows)?.iter().collect();
            let edges = edges.chunks_exact(shape[1]).map(|row| [node(row[0]), node(row[1])]);
            tags.edges.extend(edges.map(|nodes| TaggedEdge { nodes, boundary }));
        }
        let regions = self.named(REGIONS)?;
        tags.region_names = regions.iter().map(|(name, ..)| name.clone()).collect();
        if !regions.is_empty() {
            let range = elements.range(self.comm.rank());
            tags.regions = vec![NO_REGION; (range.end - range.start) as usize];
        }
        for ((name, path, dataset), region) in regions.iter().zip(0..) {
            self.expect_shape(dataset, path, dataset.ndim() == 1, "(M)")?;
            let rows = BlockDistribution::new(dataset.shape()[0] as u64, self.comm.size());
            let list: Vec<i64> = self.integers(dataset, path, rows)?.iter().collect();
            self.mark_region(&mut tags, name, region, elements, &list)?;
        }
        Ok(tags)
    }

    /// Sends the numbers of the elements of a region to the ranks of their slabs. **Collective.**
    fn mark_region(
        &self,
        tags: &mut Tags,
        name: &str,
        region: u16,
        elements: BlockDistribution,
        list: &[i64],
    ) -> Result<()> {
        let mut outgoing = Outgoing::new();
        let mut beyond: Option<i64> = None;
        for &element in list {
            match GlobalIndex::try_from(element).ok().filter(|&e| e < elements.total()) {
                Some(e) => outgoing.to(elements.owner(e)).push(e),
                None => beyond = Some(beyond.map_or(element, |other| other.min(element))),
            }
        }
        let in_range = beyond.map_or(Ok(()), |element| {
            Err(self.bad(FormatError::RegionOutOfRange { name: name.to_owned(), element, elements: elements.total() }))
        });
        self.comm.agree(in_range)?;
        let first = elements.range(self.comm.rank()).start;
        let mut overlap = Ok(());
        for element in concat(self.comm.sparse_exchange(outgoing)) {
            let slot = &mut tags.regions[(element - first) as usize];
            if *slot != NO_REGION && *slot != region && overlap.is_ok() {
                let first = tags.region_names[usize::from(*slot)].clone();
                overlap = Err(self.bad(FormatError::RegionsOverlap { element, first, second: name.to_owned() }));
            }
            *slot = region;
        }
        self.comm.agree(overlap)
    }

    /// Reads the names in a group. **Collective.**
    pub(crate) fn names(&self, group: &str) -> Result<Vec<String>> {
        Ok(self.named(group)?.into_iter().map(|(name, ..)| name).collect())
    }

    /// Returns name, path and dataset of each member of a group, which may be missing.
    /// **Collective.**
    fn named(&self, group: &str) -> Result<Vec<(String, String, Dataset)>> {
        let found = if self.file.link_exists(group) { self.members(group) } else { Ok(Vec::new()) };
        let found = self.comm.agree(found.map_err(|e| self.unreadable(group, &e)))?;
        let limit = usize::from(NO_REGION) - 1;
        if found.len() > limit {
            return Err(self.bad(FormatError::TooManyNames { count: found.len(), limit }));
        }
        Ok(found)
    }

    fn members(&self, group: &str) -> hdf5::Result<Vec<(String, String, Dataset)>> {
        let members = self.file.group(group)?;
        let open = |member: String| {
            let dataset = members.dataset(&member)?;
            Ok((true_name(&dataset).unwrap_or_else(|| member.clone()), format!("{group}/{member}"), dataset))
        };
        names(&members)?.into_iter().map(open).collect()
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
