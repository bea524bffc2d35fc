//! Two paths that change their meaning in one step.

use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Exchanges what two paths name, both of one file system and both there; `false` where the file system cannot.
///
/// At every moment both paths name something: whoever is killed during it has exchanged or not.
pub(crate) fn exchange(a: &Path, b: &Path) -> io::Result<bool> {
    match renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        // The kernel has no such call, or the file system (NFS, some FUSE ones) does not know the flag.
        Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP) => Ok(false),
        Err(other) => Err(other.into()),
    }
}
