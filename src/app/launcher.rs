//! Reads the environment variables that the launcher (mpirun, srun) sets for a process.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use crate::error::{Error, Result};
use crate::io::record::Libraries;
use crate::system::{print_error, set_variable_if_unset};

/// Variables of this process's rank. Under mpirun SLURM_PROCID belongs to the batch script, so it
/// comes last.
const RANK: [&str; 5] = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "SLURM_PROCID"];
/// Variables of the number of processes.
const SIZE: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"];
/// Variables of Open MPI: the number of processes, and of those on this host.
const OPEN_MPI: [&str; 2] = ["OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"];

/// Names of the libraries with the ABI of MPICH.
const MPICH_ABI: [&str; 3] = ["MPICH", "MVAPICH", "Intel(R) MPI"];

/// Rank and size from the launcher, read before MPI_Init, which changes some of these variables.
#[derive(Debug, Clone, Copy)]
pub struct Launcher {
    /// Rank of this process; 0 without a launcher.
    pub rank: u32,
    /// Number of processes that were started together, if the launcher sets it.
    processes: Option<u32>,
    /// Whether the mpirun of Open MPI started this process.
    by_open_mpi: bool,
    /// Whether a launcher that speaks PMIx only started this process.
    by_pmix: bool,
    /// Whether all processes are on this host.
    is_one_host: bool,
    /// Whether this process was started without a launcher.
    is_alone: bool,
}

impl Launcher {
    /// Reads the environment. To be called before MPI starts.
    pub fn read() -> Self {
        let is_alone = first(&RANK, variable).is_none();
        Self {
            rank: first(&RANK, variable).unwrap_or(0),
            processes: size(variable, std::process::id()),
            by_open_mpi: variable("OMPI_COMM_WORLD_SIZE").is_some(),
            by_pmix: variable("PMIX_RANK").is_some() && variable("PMI_RANK").is_none(),
            is_one_host: is_alone || is_one_host(variable),
            is_alone,
        }
    }

    /// Checks that neither the mpirun of Open MPI nor `srun --mpi=pmix` started a program of MPICH,
    /// whose MPI_Init would end it with an internal error. To be called before MPI starts.
    ///
    /// # Errors
    /// - The mpirun of Open MPI with MPICH or another library of its ABI.
    /// - A launcher that speaks PMIx only with an MPICH that is built without PMIx.
    pub fn check_library(&self) -> Result<()> {
        let library = library();
        let cause = if self.by_open_mpi && MPICH_ABI.iter().any(|name| library.contains(name)) {
            format!("the mpirun of Open MPI does not belong to {library}, which this program is linked to")
        } else if self.by_pmix && library.starts_with("MPICH") && !has_pmix() {
            format!("{library}, which this program is linked to, is built without PMIx, which srun --mpi=pmix needs")
        } else {
            return Ok(());
        };
        Err(Error::input(format!("{cause}; {}", remedy(&library, mpirun_beside_program().as_deref()))))
    }

    /// Warns on rank 0 where /dev/shm is missing or read-only. There MPICH ends in MPI_Init, and
    /// Open MPI cannot open files.
    pub fn check_shared_memory(&self) {
        if self.rank == 0 && access("/dev/shm", AccessFlags::W_OK).is_err() {
            print_error(
                "warning: /dev/shm is missing or not writable, and MPI needs it: mount it (in a container: docker run \
                 --shm-size=1g)",
            );
        }
    }

    /// Sets variables for Open MPI, unless the user has set them. Other MPI libraries ignore them. To
    /// be called before threads and MPI start.
    ///
    /// Files are written without data sieving. With it, Open MPI 4.1.4 loses values of collective
    /// transfers if several ranks write the values of others (the hint `cb_nodes`). See issue 12718
    /// of Open MPI.
    ///
    /// Open MPI starts without what a job on one host does not need: the search for fast networks,
    /// which takes 0.2 s, and the daemon of a process without a launcher, 0.1 s. Such a process gets
    /// a folder of its own for Open MPI's temporary files: without the daemon all of them would
    /// share one, and each would remove it at its end.
    pub fn configure_open_mpi(&self) {
        set_variable_if_unset("OMPI_MCA_fbtl_posix_write_datasieving", "0");
        if self.is_one_host {
            set_variable_if_unset("OMPI_MCA_pml", "ob1");
        }
        if self.is_alone {
            set_variable_if_unset("OMPI_MCA_ess_singleton_isolated", "1");
            set_variable_if_unset("OMPI_MCA_orte_tmpdir_base", &session_folder().to_string_lossy());
        }
    }

    /// Removes the folder for temporary files that a process without a launcher has after MPI has
    /// ended.
    pub fn remove_session_folder(&self) {
        if self.is_alone {
            // Another MPI library, or a user's own folder, leaves nothing to remove.
            let _ = fs::remove_dir(session_folder());
        }
    }

    /// Checks that a launcher of several processes made them ranks of one MPI job.
    ///
    /// # Errors
    /// A launcher of another MPI library, under which each process is the only rank.
    pub fn check(&self, ranks: usize) -> Result<()> {
        match self.processes {
            Some(processes) if processes > 1 && ranks == 1 => {
                let library = library();
                Err(Error::input(format!(
                    "the launcher started {processes} processes, but each of them is alone for MPI: the launcher does \
                     not belong to {library}, which this program is linked to; {}",
                    remedy(&library, mpirun_beside_program().as_deref())
                )))
            }
            _ => Ok(()),
        }
    }
}

/// Returns the folder for Open MPI's temporary files of this process, which Open MPI creates and
/// empties.
fn session_folder() -> PathBuf {
    let user = fs::metadata("/proc/self").map_or(0, |process| process.uid());
    std::env::temp_dir().join(format!("quad8-mpi.{user}.{}", std::process::id()))
}

fn variable(name: &str) -> Option<u32> {
    std::env::var(name).ok()?.parse().ok()
}

/// Returns the first of these variables that is a number.
fn first(names: &[&str], variable: impl Fn(&str) -> Option<u32>) -> Option<u32> {
    names.iter().find_map(|name| variable(name))
}

/// Returns the number of processes that were started together, if the launcher sets it.
///
/// A shell under srun passes its variables on to every program, so the variables of srun count only
/// where srun started this process itself.
fn size(variable: impl Fn(&str) -> Option<u32>, process: u32) -> Option<u32> {
    let is_task = variable("SLURM_TASK_PID") == Some(process);
    first(&SIZE, &variable).or_else(|| variable("SLURM_STEP_NUM_TASKS").filter(|_| is_task))
}

/// Returns whether Open MPI started all processes on this host.
fn is_one_host(variable: impl Fn(&str) -> Option<u32>) -> bool {
    let [all, local] = OPEN_MPI.map(variable);
    all.is_some() && all == local
}

/// Returns name and version of the MPI library, also before MPI starts.
fn library() -> String {
    let version = Libraries::mpi_in_use();
    let name = version.split(',').next().unwrap_or_default();
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns whether this process has loaded the library of PMIx, as it has where MPICH uses it.
fn has_pmix() -> bool {
    std::fs::read_to_string("/proc/self/maps").is_ok_and(|maps| maps.contains("/libpmix"))
}

/// Returns the mpirun in the folder of this program. Environments of Python and conda have both
/// there.
fn mpirun_beside_program() -> Option<PathBuf> {
    let mpirun = std::env::current_exe().ok()?.with_file_name("mpirun");
    mpirun.is_file().then_some(mpirun)
}

/// Returns the remedy: the mpirun beside the program, else the launchers of an MPI library.
fn remedy(library: &str, mpirun: Option<&Path>) -> String {
    let launcher = if let Some(mpirun) = mpirun {
        format!("{}, which lies beside it", mpirun.display())
    } else if library.starts_with("Open MPI") {
        "the mpirun of Open MPI (on Debian mpirun.openmpi), or with srun --mpi=pmix".to_owned()
    } else if library.starts_with("MPICH") {
        "the mpirun of MPICH (on Debian mpirun.mpich), or with srun --mpi=pmi2".to_owned()
    } else {
        "the mpirun of this library".to_owned()
    };
    format!("start it with {launcher}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_with(variables: &[(&str, u32)]) -> Option<u32> {
        size(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value), 42)
    }

    #[test]
    fn the_number_of_processes_is_that_of_the_launcher_of_this_process() {
        assert_eq!(size_with(&[]), None);
        assert_eq!(size_with(&[("PMI_SIZE", 3)]), Some(3));
        // Where Open MPI starts its processes on other hosts by srun.
        assert_eq!(size_with(&[("SLURM_STEP_NUM_TASKS", 2), ("OMPI_COMM_WORLD_SIZE", 8)]), Some(8));
        // By srun itself, in a shell that srun started, and in a batch script.
        assert_eq!(size_with(&[("SLURM_STEP_NUM_TASKS", 4), ("SLURM_TASK_PID", 42)]), Some(4));
        assert_eq!(size_with(&[("SLURM_STEP_NUM_TASKS", 4), ("SLURM_TASK_PID", 41)]), None);
        assert_eq!(size_with(&[("SLURM_NTASKS", 4), ("SLURM_TASK_PID", 42)]), None);
    }

    #[test]
    fn processes_are_on_one_host_where_open_mpi_counts_as_many_on_it() {
        let is_one_host = |variables: &[(&str, u32)]| {
            super::is_one_host(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
        };
        assert!(is_one_host(&[("OMPI_COMM_WORLD_SIZE", 4), ("OMPI_COMM_WORLD_LOCAL_SIZE", 4)]));
        assert!(!is_one_host(&[("OMPI_COMM_WORLD_SIZE", 8), ("OMPI_COMM_WORLD_LOCAL_SIZE", 4)]));
        assert!(!is_one_host(&[("PMIX_RANK", 0)]));
    }

    #[test]
    fn the_remedy_is_the_mpirun_beside_the_program_or_that_of_the_library() {
        assert!(remedy("Open MPI v4.1.4, package: Debian OpenMPI", None).contains("mpirun.openmpi"));
        assert!(remedy("MPICH Version: 4.0.2", None).contains("mpirun.mpich"));
        assert_eq!(remedy("Intel(R) MPI Library 2021.11", None), "start it with the mpirun of this library");
        let mpirun = Path::new("/venv/bin/mpirun");
        assert_eq!(remedy("MPICH", Some(mpirun)), "start it with /venv/bin/mpirun, which lies beside it");
    }
}
