//! Snapshots inside the sandbox. The unit test of `src/frontends/sandbox.rs` asserts what it forbids.

use crate::origin::Origin;
use crate::support::{frame_number, hlsnap, http_server::Server};

#[test]
fn snapshots_and_inspections_work_inside_the_sandbox() {
    let origin = Origin::start();
    let by_name = origin.url("/ladder-ts/master.m3u8").replace("127.0.0.1", "localhost");
    let local = crate::origin::fixtures_folder().join("ladder-fmp4/master.m3u8");
    for url in [by_name.as_str(), local.to_str().expect("a name")] {
        for output in ["out.png", "./{width}.png", "/dev/null", "-"] {
            let run = hlsnap(&[url, "--sandbox", "-f", "png", "-o", output]);
            assert_eq!(run.code, 0, "{url} to {output}: {}", run.stderr);
        }
        assert!(hlsnap(&["inspect", url, "--sandbox", "--json"]).json()["media"].is_object(), "{url}");
    }
}

#[test]
fn a_server_enters_the_sandbox_by_default() {
    let origin = Origin::start();
    for (options, filters) in
        [(&["--allow-any", "--allow-private"][..], "2"), (&["--allow-any", "--allow-private", "--sandbox=false"], "0")]
    {
        let server = Server::start(options, &[]);
        let url = origin.url("/ladder-ts/v0.m3u8").replace("127.0.0.1", "localhost");
        assert_eq!(frame_number(&server.get(&format!("/snapshot.png?url={url}")).picture()), 0);
        assert_eq!(server.status("Seccomp"), filters);
    }
}
