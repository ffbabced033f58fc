//! What the process gives up before it reads what strangers send (Linux): by landlock files, but for few, and listening; by seccomp other
//! programs and other processes. Media that takes over a decoder then finds nothing to do but to talk over the network.
//!
//! It holds for the thread that enters and for those it starts, so it is entered while there is no other.

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

/// What resolving names reads, with glibc's modules where it is not linked in.
const READ: [&str; 8] = ["/etc", "/run/systemd/resolve", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/dev/null", "/dev/urandom"];
/// Files that these name, object stores' credentials, are read when they are needed.
const READ_BY_NAME: [&str; 4] = [
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AZURE_FEDERATED_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// System calls that a picture never needs: other programs, other processes, the kernel's inner life.
const REFUSED: [libc::c_long; 30] = [
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

/// Enters it. `read` and `write` are folders and files that are still needed, with all that is below; those that are not there are passed
/// over. What this kernel, or a sandbox around this one, does not allow is left out, and the answer says so; with `must` that is `unsupported`.
pub(super) fn enter(read: &[PathBuf], write: &[PathBuf], must: bool) -> Result<&'static str, Error> {
    let failed =
        |what: &str| Error::new(ErrorKind::Unsupported, format!("the sandbox cannot be entered: {what}")).with_hint("pass --sandbox=false");
    let files = match restrict_files(read, write) {
        Err(e) if must => return Err(failed("landlock").with_source(e)),
        Ok(RulesetStatus::NotEnforced) if must => return Err(failed("this kernel has no landlock")),
        files => files.unwrap_or(RulesetStatus::NotEnforced),
    };
    let calls = match refuse_calls() {
        Err(e) if must => return Err(failed("seccomp").with_source(e)),
        calls => calls.is_ok(),
    };
    Ok(match (files, calls) {
        (RulesetStatus::FullyEnforced, true) => "landlock and seccomp",
        (RulesetStatus::PartiallyEnforced, true) => "landlock, as far as this kernel has it, and seccomp",
        (RulesetStatus::NotEnforced, true) => "seccomp alone: there is no landlock",
        (RulesetStatus::NotEnforced, false) => "none: there is neither landlock nor seccomp",
        (_, false) => "landlock alone: there is no seccomp",
    })
}

fn restrict_files(read: &[PathBuf], write: &[PathBuf]) -> Result<RulesetStatus, landlock::RulesetError> {
    let abi = ABI::V6;
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let by_name = READ_BY_NAME.iter().filter_map(env::var_os).map(PathBuf::from);
    let readable: Vec<PathBuf> = READ.iter().map(PathBuf::from).chain(by_name).chain(read.iter().cloned()).collect();
    let below = |path: &Path, access| {
        // A right on a folder's entries means nothing for a file
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(abi) };
        PathFd::new(path).ok().map(|file| Ok(PathBeneath::new(file, access)))
    };
    let writing = reading | AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::RemoveFile | AccessFs::Truncate | AccessFs::Refer;
    let readable = readable.iter().filter_map(|path| below(path, reading));
    let writable = write.iter().filter_map(|path| below(path, writing));
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

fn refuse_calls() -> Result<(), seccompiler::Error> {
    let rules: BTreeMap<i64, Vec<_>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let machine = env::consts::ARCH.try_into().map_err(seccompiler::Error::Backend)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, machine).map_err(seccompiler::Error::Backend)?;
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

    /// In a process of its own, since there is no way out again.
    #[test]
    fn what_is_given_up_is_gone() -> io::Result<()> {
        let Some(folder) = env::var_os(INSIDE).map(PathBuf::from) else {
            let folder = tempfile::tempdir()?;
            fs::create_dir(folder.path().join("out"))?;
            fs::write(folder.path().join("secret"), "x")?;
            let own = ["--exact", "frontends::sandbox::tests::what_is_given_up_is_gone", "--nocapture"];
            let done = Command::new(env::current_exe()?).args(own).env(INSIDE, folder.path()).output()?;
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            assert!(done.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&done.stderr));
            assert_eq!(fs::read_dir(folder.path())?.count(), 2, "nothing was made beside what may be");
            return Ok(());
        };
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let entered = enter(&[], &[folder.join("out")], true);
        assert!(entered.is_ok(), "{entered:?}");
        // What is needed is there
        fs::read("/etc/nsswitch.conf").or_else(|_| fs::read("/etc/passwd"))?;
        fs::write(folder.join("out/.picture.tmp"), "picture")?;
        fs::rename(folder.join("out/.picture.tmp"), folder.join("out/picture"))?;
        TcpStream::connect(listener.local_addr()?)?;
        std::thread::spawn(|| ()).join().map_err(|_| io::Error::other("no thread"))?;
        // And nothing else is
        let denied = |what: io::Result<()>| what.err().map(|e| e.kind());
        let gone = Some(io::ErrorKind::PermissionDenied);
        assert_eq!(denied(fs::write(folder.join("new"), "x")), gone, "a new file");
        assert_eq!(denied(File::open(folder.join("secret")).map(drop)), gone, "a file that is there");
        assert_eq!(denied(fs::remove_file(folder.join("secret"))), gone, "a file's end");
        assert_eq!(denied(File::open("/proc/self/environ").map(drop)), gone, "the environment");
        assert_eq!(denied(Command::new("/bin/true").status().map(drop)), gone, "another program");
        // Kernels before 6.7 know no such right
        if entered.is_ok_and(|how| how == "landlock and seccomp") {
            assert_eq!(denied(TcpListener::bind("127.0.0.1:0").map(drop)), gone, "a port");
        }
        Ok(())
    }
}
