//! The sandbox (Linux), entered before untrusted input is read. landlock denies all files but a few, and listening; seccomp denies other
//! programs and other processes. Media that takes over a decoder can then do little but use the network.
//!
//! It covers the thread that enters it and the threads that this one starts, so enter it while there is only one thread.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, Scope,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::error::{Error, ErrorKind};

/// Files for name resolution, with glibc's modules if it is linked dynamically.
const READABLE: [&str; 8] = ["/etc", "/run/systemd/resolve", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/dev/null", "/dev/urandom"];
/// Variables that name files with credentials of object stores.
const READABLE_BY_VARIABLE: [&str; 4] = [
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AZURE_FEDERATED_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// System calls that hlsnap never needs: for other programs, other processes, and the kernel's internals.
const DENIED_CALLS: [libc::c_long; 30] = [
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_personality,
];

/// Enters the sandbox and returns its description. `readable` and `writable` files and folders, with all their contents, stay accessible;
/// missing ones are ignored. If the kernel or an outer sandbox lacks a part, the description says so, or with `required` it fails with
/// `unsupported`.
pub(super) fn enter(readable: &[PathBuf], writable: &[PathBuf], required: bool) -> Result<&'static str, Error> {
    let failed = |reason: &str| {
        Error::new(ErrorKind::Unsupported, format!("the sandbox cannot be entered: {reason}")).with_hint("pass --sandbox=false")
    };
    let files = match restrict_files(readable, writable) {
        Err(e) if required => return Err(failed("landlock").with_source(e)),
        Ok(RulesetStatus::NotEnforced) if required => return Err(failed("this kernel has no landlock")),
        files => files.unwrap_or(RulesetStatus::NotEnforced),
    };
    let calls = match deny_calls() {
        Err(e) if required => return Err(failed("seccomp").with_source(e)),
        calls => calls.is_ok(),
    };
    Ok(match (files, calls) {
        (RulesetStatus::FullyEnforced, true) => "landlock and seccomp",
        (RulesetStatus::PartiallyEnforced, true) => "the parts of landlock that this kernel has, and seccomp",
        (RulesetStatus::NotEnforced, true) => "seccomp alone, no landlock",
        (RulesetStatus::NotEnforced, false) => "none: neither landlock nor seccomp",
        (_, false) => "landlock alone, no seccomp",
    })
}

fn restrict_files(readable: &[PathBuf], writable: &[PathBuf]) -> Result<RulesetStatus, landlock::RulesetError> {
    let abi = ABI::V6;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let by_variable = READABLE_BY_VARIABLE.iter().filter_map(env::var_os).map(PathBuf::from);
    let readable: Vec<PathBuf> = READABLE.iter().map(PathBuf::from).chain(by_variable).chain(readable.iter().cloned()).collect();
    let rule = |path: &Path, access| {
        // landlock refuses rights on folders' entries for a file
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(abi) };
        PathFd::new(path).ok().map(|file| Ok(PathBeneath::new(file, access)))
    };
    // A storyboard has a folder of its own
    let make = AccessFs::MakeReg | AccessFs::MakeDir;
    let write = read | make | AccessFs::WriteFile | AccessFs::RemoveFile | AccessFs::Truncate | AccessFs::Refer;
    let readable = readable.iter().filter_map(|path| rule(path, read));
    let writable = writable.iter().filter_map(|path| rule(path, write));
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::from_all(abi))?
        .create()?
        .add_rules(readable.chain(writable).collect::<Vec<Result<_, landlock::RulesetError>>>())?
        .restrict_self()?;
    Ok(status.ruleset)
}

fn deny_calls() -> Result<(), seccompiler::Error> {
    let rules: BTreeMap<i64, Vec<_>> = DENIED_CALLS.iter().map(|call| (*call, Vec::new())).collect();
    let deny = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let machine = env::consts::ARCH.try_into().map_err(seccompiler::Error::Backend)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, deny, machine).map_err(seccompiler::Error::Backend)?;
    let program: BpfProgram = filter.try_into().map_err(seccompiler::Error::Backend)?;
    seccompiler::apply_filter_all_threads(&program)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        io,
        net::{TcpListener, TcpStream},
        process::Command,
    };

    use super::*;

    const INSIDE: &str = "HLSNAP_TEST_SANDBOX";

    /// Runs in a process of its own, since a sandbox cannot be left.
    #[test]
    fn the_sandbox_denies_files_and_programs() -> io::Result<()> {
        let Some(folder) = env::var_os(INSIDE).map(PathBuf::from) else {
            let folder = tempfile::tempdir()?;
            fs::create_dir(folder.path().join("out"))?;
            fs::write(folder.path().join("secret"), "x")?;
            let own = ["--exact", "frontends::sandbox::tests::the_sandbox_denies_files_and_programs", "--nocapture"];
            let done = Command::new(env::current_exe()?).args(own).env(INSIDE, folder.path()).output()?;
            let output = String::from_utf8_lossy(&done.stdout).into_owned();
            assert!(done.status.success() && output.contains("1 passed"), "{output}{}", String::from_utf8_lossy(&done.stderr));
            assert_eq!(fs::read_dir(folder.path())?.count(), 2, "no file outside of the writable folder");
            return Ok(());
        };
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let entered = enter(&[], &[folder.join("out")], true);
        assert!(entered.is_ok(), "{entered:?}");
        // Allowed
        fs::read("/etc/nsswitch.conf").or_else(|_| fs::read("/etc/passwd"))?;
        fs::write(folder.join("out/.picture.tmp"), "picture")?;
        fs::rename(folder.join("out/.picture.tmp"), folder.join("out/picture"))?;
        fs::create_dir(folder.join("out/storyboard"))?;
        fs::write(folder.join("out/storyboard/picture"), "picture")?;
        TcpStream::connect(listener.local_addr()?)?;
        std::thread::spawn(|| ()).join().map_err(|_| io::Error::other("no thread"))?;
        // Denied
        let error = |result: io::Result<()>| result.err().map(|e| e.kind());
        let denied = Some(io::ErrorKind::PermissionDenied);
        assert_eq!(error(fs::write(folder.join("new"), "x")), denied, "a new file");
        assert_eq!(error(fs::create_dir(folder.join("new"))), denied, "a new folder");
        assert_eq!(error(File::open(folder.join("secret")).map(drop)), denied, "an existing file");
        assert_eq!(error(fs::remove_file(folder.join("secret"))), denied, "removing a file");
        assert_eq!(error(File::open("/proc/self/environ").map(drop)), denied, "the environment");
        assert_eq!(error(Command::new("/bin/true").status().map(drop)), denied, "another program");
        // Kernels before 6.7 have no such right
        if entered.is_ok_and(|entered| entered == "landlock and seccomp") {
            assert_eq!(error(TcpListener::bind("127.0.0.1:0").map(drop)), denied, "a port");
        }
        Ok(())
    }
}
