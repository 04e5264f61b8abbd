//! Transfers of rows and hints for MPI-IO through the C libraries: hdf5-metno does not offer
//! collective transfers. All calls into C are in this file.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ops::Range;

use hdf5::sync::sync;
use hdf5::{Dataset, Datatype, H5Type, h5check};
use hdf5_sys::h5d::{H5Dread, H5Dwrite};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::H5FD_mpio_xfer_t;
use hdf5_sys::h5p::{H5Pclose, H5Pcreate, H5Pset_dxpl_mpio};
use hdf5_sys::h5s::{
    H5S_SELECT_SET, H5Sclose, H5Screate_simple, H5Sget_select_npoints, H5Sselect_hyperslab, H5Sselect_none,
};
use mpi::ffi::{MPI_Info, MPI_Info_create, MPI_Info_free, MPI_Info_set};

use crate::parallel::work;

/// Key and value for MPI-IO.
pub type Hint<'a> = (&'a str, &'a str);

/// Reads rows in one transfer. `T` must be the type in the file.
///
/// # Errors
/// An error of HDF5.
pub fn read_at_once<T: H5Type>(
    dataset: &Dataset,
    properties: &TransferProperties,
    rows: Range<u64>,
    values: &mut [T],
) -> hdf5::Result<()> {
    let selection = Selection::new(dataset, rows)?;
    selection.expect(values.len())?;
    let memory_type = Datatype::from_type::<T>()?;
    // SAFETY: the memory dataspace describes exactly as many values as the
    // selection in the file, which `expect` compared with `values`; these are
    // of `T`, which `memory_type` describes; all ids are alive.
    #[allow(unsafe_code)]
    unsafe {
        let buffer = values.as_mut_ptr().cast();
        let Selection { memory, file } = &selection;
        sync(|| h5check(H5Dread(dataset.id(), memory_type.id(), memory.0, file.0, properties.0.0, buffer)))?;
    }
    work::done(size_of_val(values) as u64);
    Ok(())
}

/// Writes rows in one transfer.
///
/// # Errors
/// An error of HDF5.
pub fn write_at_once<T: H5Type>(
    dataset: &Dataset,
    properties: &TransferProperties,
    rows: Range<u64>,
    values: &[T],
) -> hdf5::Result<()> {
    let selection = Selection::new(dataset, rows)?;
    selection.expect(values.len())?;
    let memory_type = Datatype::from_type::<T>()?;
    // SAFETY: as in `read_at_once`; HDF5 only reads from `values`.
    #[allow(unsafe_code)]
    unsafe {
        let buffer = values.as_ptr().cast();
        let Selection { memory, file } = &selection;
        sync(|| h5check(H5Dwrite(dataset.id(), memory_type.id(), memory.0, file.0, properties.0.0, buffer)))?;
    }
    work::done(size_of_val(values) as u64);
    Ok(())
}

/// Hints for MPI-IO, freed on drop.
pub struct Info(MPI_Info);

impl Info {
    /// Stores hints, texts without NUL.
    ///
    /// # Errors
    /// MPI does not take a hint: a key or a value is too long.
    pub fn new(hints: &[Hint]) -> hdf5::Result<Self> {
        let text = |text: &str| CString::new(text).map_err(|e| hdf5::Error::from(e.to_string()));
        let mut handle = MaybeUninit::uninit();
        // SAFETY: MPI_Info_create fills the handle.
        #[allow(unsafe_code)]
        let info = unsafe {
            MPI_Info_create(handle.as_mut_ptr());
            Self(handle.assume_init())
        };
        for (key, value) in hints {
            let (name, setting) = (text(key)?, text(value)?);
            // SAFETY: the handle is alive, both texts end with NUL and MPI copies them.
            #[allow(unsafe_code)]
            let code = unsafe { MPI_Info_set(info.0, name.as_ptr(), setting.as_ptr()) };
            if code != 0 {
                return Err(format!("MPI does not take the hint {key}={value}").into());
            }
        }
        Ok(info)
    }

    /// Returns the MPI handle.
    pub fn handle(&self) -> MPI_Info {
        self.0
    }
}

impl Drop for Info {
    fn drop(&mut self) {
        // SAFETY: the handle belongs to this value alone; HDF5 has its own copy.
        #[allow(unsafe_code)]
        unsafe {
            MPI_Info_free(&mut self.0);
        }
    }
}

/// HDF5 identifier, closed on drop.
struct Id(hid_t, #[allow(unsafe_code)] unsafe extern "C" fn(hid_t) -> i32);

impl Drop for Id {
    fn drop(&mut self) {
        // SAFETY: the id came from the library, belongs to this value alone and
        // is closed once, by the function of its kind. A failure to close leaks
        // it, which is harmless.
        #[allow(unsafe_code)]
        unsafe {
            let _ = sync(|| h5check((self.1)(self.0)));
        }
    }
}

/// Properties of transfers. To create them takes a third as long as to read 256 KiB, so that all
/// parts of a dataset share them.
pub struct TransferProperties(Id);

impl TransferProperties {
    /// Creates the properties of transfers that all ranks make together, or each on its own.
    ///
    /// # Errors
    /// An error of HDF5.
    pub fn new(mode: H5FD_mpio_xfer_t) -> hdf5::Result<Self> {
        // SAFETY: the class of the properties is initialised with the library, and the new id is alive.
        #[allow(unsafe_code)]
        unsafe {
            let list = Id(sync(|| h5check(H5Pcreate(*hdf5::globals::H5P_DATASET_XFER)))?, H5Pclose);
            sync(|| h5check(H5Pset_dxpl_mpio(list.0, mode)))?;
            Ok(Self(list))
        }
    }

    /// Returns why the last transfer with these properties was not collective on all ranks, as bits,
    /// or 0.
    ///
    /// # Errors
    /// An error of HDF5.
    pub fn no_collective_cause(&self) -> hdf5::Result<u32> {
        // The sys crate does not declare it (HDF5 Reference Manual,
        // H5Pget_mpio_no_collective_cause).
        #[allow(unsafe_code)]
        unsafe extern "C" {
            fn H5Pget_mpio_no_collective_cause(plist: hid_t, local: *mut u32, global: *mut u32) -> i32;
        }
        let (mut local, mut global) = (0, 0);
        // SAFETY: the id is a transfer property list that `self` keeps alive,
        // and both pointers are to live integers.
        #[allow(unsafe_code)]
        unsafe {
            sync(|| h5check(H5Pget_mpio_no_collective_cause(self.0.0, &mut local, &mut global)))?;
        }
        Ok(global)
    }
}

/// Selections in memory and in the file of one transfer.
struct Selection {
    memory: Id,
    file: Id,
}

impl Selection {
    fn new(dataset: &Dataset, rows: Range<u64>) -> hdf5::Result<Self> {
        let shape: Vec<u64> = dataset.shape().iter().map(|&n| n as u64).collect();
        let mut start = vec![0; shape.len()];
        let mut count = shape.clone();
        start[0] = rows.start;
        count[0] = rows.end - rows.start;
        let total = [count.iter().product::<u64>()];
        let rank = shape.len() as i32;
        // SAFETY: `shape`, `start`, `count` and `total` live through the calls
        // and have as many entries as the dataspaces have dimensions; null is
        // the documented default for maximal sizes, stride and block.
        #[allow(unsafe_code)]
        unsafe {
            let memory = Id(sync(|| h5check(H5Screate_simple(1, total.as_ptr(), std::ptr::null())))?, H5Sclose);
            let file = Id(sync(|| h5check(H5Screate_simple(rank, shape.as_ptr(), std::ptr::null())))?, H5Sclose);
            if total[0] == 0 {
                sync(|| h5check(H5Sselect_none(memory.0)))?;
                sync(|| h5check(H5Sselect_none(file.0)))?;
            } else {
                let null = std::ptr::null();
                sync(|| {
                    h5check(H5Sselect_hyperslab(file.0, H5S_SELECT_SET, start.as_ptr(), null, count.as_ptr(), null))
                })?;
            }
            Ok(Self { memory, file })
        }
    }

    /// Checks that the selection has `count` values.
    fn expect(&self, count: usize) -> hdf5::Result<()> {
        // SAFETY: the id is a dataspace that `self` keeps alive.
        #[allow(unsafe_code)]
        let selected = unsafe { sync(|| h5check(H5Sget_select_npoints(self.file.0)))? };
        if selected as u64 == count as u64 {
            Ok(())
        } else {
            Err(hdf5::Error::from(format!("{count} values for a selection of {selected}")))
        }
    }
}
