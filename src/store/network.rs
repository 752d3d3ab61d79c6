//! Tells whether a folder is on a network share, where SQLite's WAL gets damaged (D2).
//!
//! Linux: by the mount table. Elsewhere nothing is detected yet: a mapped drive of Windows and a share of macOS pass.

use std::path::Path;

/// File systems that live on another machine.
const NETWORK: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "gfs2",
    "glusterfs",
    "lustre",
    "ncp",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "smbfs",
    "fuse.ceph",
    "fuse.curlftpfs",
    "fuse.davfs2",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.smbnetfs",
    "fuse.sshfs",
];

/// The kind of network file system the folder is on, if it is known to be on one.
pub(super) fn share_of(folder: &Path) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let folder = folder.canonicalize().ok()?;
    let kind = kind_of(&mounts, &folder)?;
    NETWORK.contains(&kind).then(|| kind.to_owned())
}

/// The file system of the innermost mount that holds the folder; later lines hide earlier ones.
fn kind_of<'m>(mounts: &'m str, folder: &Path) -> Option<&'m str> {
    let holding = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (point, kind) = (unescape(words.next()?), words.next()?);
        folder.starts_with(&point).then_some((point.len(), kind))
    });
    holding.max_by_key(|(length, _)| *length).map(|(_, kind)| kind)
}

/// The mount table writes blanks and the like as octal escapes.
fn unescape(point: &str) -> String {
    [(r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", r"\")]
        .into_iter()
        .fold(point.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_and_latest_mount_counts() {
        let mounts = "/dev/sda1 / ext4 rw 0 0\nsrv:/home /home nfs4 rw 0 0\ntmpfs /home/ann/local tmpfs rw 0 0\n\
                      //nas/x /mnt/my\\040share cifs rw 0 0\nsystemd /net autofs rw 0 0\nsrv:/n /net nfs rw 0 0\n";
        let kind = |path: &str| kind_of(mounts, Path::new(path));
        assert_eq!(kind("/var/lib"), Some("ext4"));
        assert_eq!(kind("/home/ann"), Some("nfs4"));
        assert_eq!(kind("/home/ann/local/x"), Some("tmpfs"));
        assert_eq!(kind("/homes"), Some("ext4"));
        assert_eq!(kind("/mnt/my share/a"), Some("cifs"));
        assert_eq!(kind("/net/x"), Some("nfs"));
    }

    #[test]
    fn the_temporary_folder_is_local() {
        assert_eq!(share_of(&std::env::temp_dir()), None);
    }
}
