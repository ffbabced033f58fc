// The origin for examples in documentation: they include this file, since they cannot declare modules of this folder.

mod fixture_origin {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/origin/mod.rs"));
}

fn origin() -> fixture_origin::Origin {
    fixture_origin::Origin::start()
}
