//! Blocks of rows that all ranks read or write together.
//!
//! Every function is **collective**: all ranks call it, also those without rows.

use std::ops::Range;
use std::sync::Once;

use hdf5::{Dataset, H5Type};
use hdf5_sys::h5p::H5FD_mpio_xfer_t::{H5FD_MPIO_COLLECTIVE, H5FD_MPIO_INDEPENDENT};

use crate::io::hdf5::hints;
use crate::io::hdf5::transfers::{TransferProperties, read_at_once, write_at_once};
use crate::parallel::{Comm, SpanKind, loops, piece};
use crate::system::print_stderr;

/// Largest number of bytes that a rank writes at once on its own. The kernel of a virtual machine may
/// serve larger writes from memory that it must get from its host first: writes of 8 MiB then take
/// up to nine times as long.
const WRITE_BYTES: usize = 1 << 20;

/// Largest number of bytes that a rank reads at once on its own: they stay in its cache.
const READ_BYTES: usize = 1 << 18;

/// Reads rows of a dataset. `T` must be the type in the file: for another one HDF5 converts the values
/// and silently transfers independently. **Collective.**
///
/// # Errors
/// As [`read_parts`].
pub fn read_rows<T: H5Type + Default + Copy + Send + Sync>(
    comm: &Comm,
    dataset: &Dataset,
    rows: Range<u64>,
) -> hdf5::Result<Vec<T>> {
    let mut values = Vec::with_capacity((rows.end - rows.start) as usize * width(dataset));
    read_parts(comm, dataset, rows, |part| values.extend_from_slice(part))?;
    Ok(values)
}

/// Reads rows of a dataset as [`read_rows`] does, and passes their values to `take` in parts of whole
/// rows, which are still in the caches. **Collective.**
///
/// # Errors
/// The first error of HDF5, possibly on some ranks only; a rank takes part in all transfers even
/// so, since the others wait for it there. `take` gets the parts before it.
pub fn read_parts<T: H5Type + Default + Copy + Send + Sync>(
    comm: &Comm,
    dataset: &Dataset,
    rows: Range<u64>,
    mut take: impl FnMut(&[T]),
) -> hdf5::Result<()> {
    let plan = Plan::new::<T>(comm, dataset, rows, READ_BYTES / size_of::<T>())?;
    let mut buffer = loops::filled(plan.parts().map(|(_, place)| place.len()).max().unwrap_or(0), T::default());
    let mut result = Ok(());
    for (part, place) in plan.parts() {
        let values = &mut buffer[..place.len()];
        let bytes = size_of_val(values);
        let read = comm.span(SpanKind::Read, bytes, || read_at_once(dataset, &plan.properties, part, values));
        result = result.and(read);
        if result.is_ok() {
            take(values);
        }
    }
    result
}

/// Writes rows of a dataset. **Collective.**
///
/// # Errors
/// An error of HDF5, possibly on some ranks only.
pub fn write_rows<T: H5Type>(comm: &Comm, dataset: &Dataset, rows: Range<u64>, values: &[T]) -> hdf5::Result<()> {
    let plan = Plan::new::<T>(comm, dataset, rows, WRITE_BYTES / size_of::<T>())?;
    if values.len() != plan.values() {
        return Err(hdf5::Error::from(format!("{} values for the rows {:?}", values.len(), plan.rows)));
    }
    for (part, place) in plan.parts() {
        let values = &values[place];
        let write = || write_at_once(dataset, &plan.properties, part, values);
        comm.span(SpanKind::Write, size_of_val(values), write)?;
        let cause = plan.properties.no_collective_cause()?;
        if plan.is_collective && cause != 0 && comm.is_root() {
            warn(cause);
        }
    }
    Ok(())
}

/// Warns once that collective transfers are not. `cause` is that of HDF5.
fn warn(cause: u32) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        print_stderr(&format!(
            "warning: HDF5 does not write collectively (cause {cause:#x}), which is slow on many hosts: \
             is HDF5_MPI_OPT_TYPES set?\n"
        ));
    });
}

/// Returns the number of values in a row of a dataset.
fn width(dataset: &Dataset) -> usize {
    dataset.shape()[1..].iter().product()
}

/// Way in which the rows of a dataset are transferred.
struct Plan {
    is_collective: bool,
    properties: TransferProperties,
    /// Rows of this rank.
    rows: Range<u64>,
    /// Number of values in a row.
    width: usize,
    /// Largest number of rows in a part.
    length: u64,
    /// Number of parts.
    count: u64,
}

impl Plan {
    /// Decides how rows of values T are transferred. **Collective.**
    ///
    /// Where all ranks are on one host each of them transfers its own rows, as ROMIO does with
    /// blocks that do not interleave: they share its memory and its disks, and a collective
    /// transfer would only wait for all of them. Chunks may belong to several ranks, and hints for
    /// MPI-IO are about collective transfers.
    ///
    /// A part of a collective transfer is no longer than a message, since MPI-IO counts in 32 bits.
    /// There are as many on each rank as the rank with most rows needs: one, where the dataset is no
    /// longer either, and else the ranks agree on the number. A part of an independent one has up to
    /// `independent` values.
    fn new<T>(comm: &Comm, dataset: &Dataset, rows: Range<u64>, independent: usize) -> hdf5::Result<Self> {
        let width = width(dataset);
        let parts = |rows: u64, length: u64| rows.div_ceil(length);
        let [collective, independent] = [piece::<T>(), independent].map(|values| (values / width.max(1)).max(1) as u64);
        let own = rows.end - rows.start;
        let is_one_host = comm.is_one_host().map_err(|e| hdf5::Error::from(e.to_string()))?;
        let (is_collective, length, count) = if is_one_host && !hints::are_given() && !dataset.is_chunked() {
            (false, independent, parts(own, independent))
        } else if parts(dataset.shape()[0] as u64, collective) <= 1 {
            (true, collective, 1)
        } else {
            (true, collective, comm.max(parts(own, collective)))
        };
        let mode = if is_collective { H5FD_MPIO_COLLECTIVE } else { H5FD_MPIO_INDEPENDENT };
        Ok(Self { is_collective, properties: TransferProperties::new(mode)?, rows, width, length, count })
    }

    /// Returns the number of values of this rank.
    fn values(&self) -> usize {
        (self.rows.end - self.rows.start) as usize * self.width
    }

    /// Iterates over the rows of each part, and the place of their values among those of this rank.
    fn parts(&self) -> impl Iterator<Item = (Range<u64>, Range<usize>)> + '_ {
        let Range { start, end } = self.rows;
        (0..self.count).map(move |number| {
            let [first, last] = [number, number + 1].map(|number| (number * self.length).min(end - start));
            (start + first..start + last, first as usize * self.width..last as usize * self.width)
        })
    }
}
