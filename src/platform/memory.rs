//! What of this process' memory may leave it: nothing. A core dump would hold passwords. And how many files it may open.
//!
//! Linux only but for the size of core files. What the system refuses is logged by nobody: it is done before there is a log.

/// No core file is written of this process, and none of its memory goes into one that another program writes. At the start,
/// before a password is known. As many files as the system allows may be open: folders of mailboxes are kept open while they
/// are used.
pub fn keep_to_itself() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).ok();
        let files = getrlimit(Resource::Nofile);
        let more = files.maximum.map_or(FILES, |most| most.min(FILES));
        if files.current.is_some_and(|now| now < more) {
            setrlimit(Resource::Nofile, Rlimit { current: Some(more), ..files }).ok();
        }
    }
    // A program that takes dumps for the system (systemd-coredump) is not bound by the size of core files.
    #[cfg(target_os = "linux")]
    std::fs::write("/proc/self/coredump_filter", "0").ok();
}

/// More files than passes can use.
#[cfg(unix)]
const FILES: u64 = 65_536;

/// Other programs of the same user may not look into its memory either. Not for the window: the desktop's file dialog asks the
/// system who it is, and is refused the answer then.
pub fn close_to_others() {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
}
