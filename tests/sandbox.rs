//! Pictures from inside of the sandbox; what it takes away is in `faces/sandbox.rs`'s own test.

mod origin;
mod support;

use origin::Origin;
use support::{hlsnap, number, server::Server};

#[test]
fn pictures_are_taken_in_it() {
    let origin = Origin::start();
    let by_name = origin.url("/ladder-ts/master.m3u8").replace("127.0.0.1", "localhost");
    let local = origin::fixtures().join("ladder-fmp4/master.m3u8");
    for url in [by_name.as_str(), local.to_str().expect("a name")] {
        for output in ["out.png", "./{width}.png", "/dev/null", "-"] {
            let run = hlsnap(&[url, "--sandbox", "-f", "png", "-o", output]);
            assert_eq!(run.code, 0, "{url} to {output}: {}", run.stderr);
        }
        assert!(hlsnap(&["inspect", url, "--sandbox", "--json"]).json()["media"].is_object(), "{url}");
    }
}

#[test]
fn a_server_is_in_it_by_itself() {
    let origin = Origin::start();
    for (options, filters) in
        [(&["--allow-any", "--allow-private"][..], "2"), (&["--allow-any", "--allow-private", "--sandbox=false"], "0")]
    {
        let server = Server::start(options, &[]);
        let url = origin.url("/ladder-ts/v0.m3u8").replace("127.0.0.1", "localhost");
        assert_eq!(number(&server.get(&format!("/snapshot.png?url={url}")).picture()), 0);
        assert_eq!(server.status("Seccomp"), filters);
    }
}
