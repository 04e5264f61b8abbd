//! A small file system of its own, for what root can do to one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A tmpfs that is gone at the end.
pub struct Mount(TempDir);

impl Mount {
    /// Mounts one with these options; nothing where that is not allowed.
    pub fn new(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let is_done = run(Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(folder.path()));
        is_done.then(|| Self(folder))
    }

    /// Why there are none here, in a word; nothing where they can be made.
    pub fn impossible() -> Option<&'static str> {
        Self::new("size=64k").is_none().then_some("needs to be root and to mount")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Mounts it anew, `ro` (to read only) or `rw`.
    pub fn remount(&self, how: &str) {
        assert!(run(Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.0.path())));
    }

    /// Names of everything there, sorted.
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
    // Lazily: a process that was killed may hold it for a moment.
    run(Command::new("umount").arg("-l").arg(path));
}

fn run(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
