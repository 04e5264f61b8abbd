//! Small file systems of their own, which root can fill or make read-only.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Mounted tmpfs that is unmounted when it is dropped.
pub struct Mount(TempDir);

impl Mount {
    /// Mounts a tmpfs with these options. Returns nothing where that is not allowed.
    pub fn new(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let is_done = run(Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(folder.path()));
        is_done.then(|| Self(folder))
    }

    /// Returns why no file system can be mounted, if so.
    pub fn impossible() -> Option<&'static str> {
        Self::new("size=64k").is_none().then_some("needs to be root and to mount")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Remounts the file system, `ro` (read-only) or `rw`.
    pub fn remount(&self, how: &str) {
        assert!(run(Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.0.path())));
    }

    /// Returns the names of all its files, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        unmount(self.0.path());
    }
}

fn unmount(path: &Path) {
    // Lazily, since a process that was killed may hold it for a moment.
    run(Command::new("umount").arg("-l").arg(path));
}

fn run(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
