//! Images that are put together by hand, as strangers would.

use eunomia_image::{
    Descriptor, ImageBuilder, Metadata, Permissions, Platform, Reference, Store, World,
};

use super::Sandbox;

/// One program, which calls a helper of note.
const OBJECT: &str = r#"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("kprobe/tcp_connect")
int on_connect(void *ctx) { return bpf_send_signal(9); }
"#;

/// A component that is none but for its first bytes. What may run gets as far as this.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// What `ecli run` says of [`COMPONENT`]: the image was let through.
pub(crate) const ADMITTED: &str = "it exports neither `wasi:cli/run`";

/// The name of the image that [`stranger`] writes.
pub(crate) const STRANGER: &str = "registry.example/tools/a:1";

/// The BPF object, compiled once a sandbox, and what `ecli build` states of it.
pub(crate) fn built(sandbox: &Sandbox) -> (Vec<u8>, Permissions) {
    sandbox.write("own/ecli.toml", "");
    sandbox.write("own/own.bpf.c", OBJECT);
    sandbox.ecli(&["build", "-q", "own"]).succeeded();
    let store = Store::open(sandbox.store()).unwrap();
    let name: Reference = "own".parse().unwrap();
    let mut image = store.image(&name, &Platform::host()).unwrap();
    let permissions = image.metadata.permissions.take().unwrap();
    (image.objects.remove(0).bytes, permissions)
}

/// An image that was not built here, under `name`; `change` makes its statement a lie.
pub(crate) fn stranger(
    sandbox: &Sandbox,
    name: &str,
    change: impl FnOnce(&mut Permissions),
) -> Descriptor {
    let (object, mut permissions) = built(sandbox);
    change(&mut permissions);
    let mut metadata = Metadata::new("a", World::Command);
    metadata.permissions = Some(permissions);
    let image = ImageBuilder::new(metadata)
        .object("own", object)
        .component(COMPONENT)
        .build()
        .unwrap();
    let store = Store::open(sandbox.store()).unwrap();
    store.write_image(&name.parse().unwrap(), &image).unwrap()
}
