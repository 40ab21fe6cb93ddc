//! Images to and from registries: Debian's docker-registry, beside skopeo.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use eunomia_image::registry::{Attachment, Registry, RegistryOptions};
use eunomia_image::{
    Digest, ImageBuilder, Layout, Manifest, Metadata, PackedImage, Platform, PrivateKey, Reference,
    Signature, Store, World,
};
use serde_json::Value;
use support::registry::RegistryServer;
use support::{Sandbox, run, text};

/// An image of some kilobytes; nothing here runs it.
fn image(salt: &str, platform: Platform) -> PackedImage {
    let metadata = Metadata::new("tool", World::Command);
    ImageBuilder::new(metadata)
        .platform(platform)
        .component([b"\0asm\x0d\0\x01\0", salt.repeat(1000).as_bytes()].concat())
        .object("tool", format!("\x7fELF {salt}").into_bytes())
        .build()
        .unwrap()
}

fn write(sandbox: &Sandbox, name: &str, image: &PackedImage) -> Digest {
    let store = Store::open(sandbox.store()).unwrap();
    store.write_image(&reference(name), image).unwrap();
    image.digest()
}

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A registry with the image `tools/a:1`, its name there and its digest.
fn serving() -> (RegistryServer, String, Digest) {
    let (server, sandbox) = (RegistryServer::start(), Sandbox::new());
    let name = server.name("tools/a:1");
    let digest = write(&sandbox, &name, &image("a", Platform::host()));
    sandbox.ecli(&["push", "-q", &name]).succeeded();
    (server, name, digest)
}

fn client() -> Registry {
    let mut options = RegistryOptions::default();
    options.credential_file = None;
    Registry::new(options).unwrap()
}

#[test]
fn what_is_pushed_is_pulled_with_the_same_digest() {
    let (server, sandbox) = (RegistryServer::start(), Sandbox::new());
    let target = server.name("tools/a:1");
    let digest = write(&sandbox, "a:local", &image("a", Platform::host()));
    let pushed = sandbox.ecli(&["push", "a:local", &target]).succeeded();
    let expected = format!("pushed {target}\n  digest {digest}\n  transferred ");
    assert!(pushed.starts_with(&expected), "{pushed}");
    // A line a blob, since this is no terminal.
    let raw = ["inspect", "--tls-verify=false", "--raw"];
    let source = format!("docker://{target}");
    let raw = run("skopeo", &[&raw[..], &[&source]].concat());
    assert_eq!(Digest::of(&raw), digest);

    let other = Sandbox::new();
    let outcome = other.ecli(&["pull", &target]);
    assert!(
        outcome.stderr.contains("  component.wasm  "),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome
            .succeeded()
            .starts_with(&format!("pulled {target}\n"))
    );
    let exact = format!("{}@{digest}", server.name("tools/a"));
    for quiet in [["pull", "-q", &target], ["push", "-q", &target]] {
        let outcome = other.ecli(&quiet);
        assert_eq!(outcome.stderr, "");
        assert_eq!(outcome.succeeded(), format!("{exact}\n"));
    }
    let again = json(&other.ecli(&["pull", "--json", &target]).succeeded());
    assert_eq!(again["digest"], digest.to_string());
    assert_eq!(again["bytes"], 0);
    // By digest alone.
    let third = Sandbox::new();
    third.ecli(&["pull", "-q", &exact]).succeeded();
    assert_eq!(
        third.ecli(&["list", "-q"]).succeeded(),
        format!("{exact}\n")
    );
}

#[test]
fn we_pull_what_skopeo_pushes() {
    let (server, sandbox) = (RegistryServer::start(), Sandbox::new());
    let digest = write(&sandbox, "a:1", &image("a", Platform::host()));
    let source = format!("oci:{}:a:1", text(&sandbox.store()));
    let name = server.name("theirs:2");
    let target = format!("docker://{name}");
    run(
        "skopeo",
        &["copy", "-q", "--dest-tls-verify=false", &source, &target],
    );
    let other = Sandbox::new();
    other.ecli(&["pull", &name]).succeeded();
    let listed = json(&other.ecli(&["images", "--json"]).succeeded());
    assert_eq!(listed[0]["digest"], digest.to_string());
    assert_eq!(listed[0]["name"], name);
}

#[test]
fn short_names_mean_images_here_and_then_the_default_registry() {
    let (server, name, digest) = serving();
    let sandbox = Sandbox::new();
    let outcome = sandbox.ecli(&["pull", "a:1"]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome
            .stderr
            .contains("which registry? a:1 is a short name\nhint: write it whole")
    );

    let config = format!("default-registry = \"{}\"\n", server.name("tools"));
    sandbox.write("config/ecli/config.toml", &config);
    let pulled = sandbox.ecli(&["pull", "-q", "a:1"]).succeeded();
    assert!(pulled.ends_with(&format!("@{digest}\n")), "{pulled}");
    // Found by the short name, until an image here is called so.
    sandbox.ecli(&["tag", "a:1", "b:1"]).succeeded();
    let removed = sandbox.ecli(&["rmi", "a:1"]).succeeded();
    assert_eq!(removed, format!("removed {name}\n"));
    write(&sandbox, "a:1", &image("other", Platform::host()));
    sandbox.ecli(&["pull", "a:1"]).succeeded();
    let removed = sandbox.ecli(&["rm", "a:1"]).succeeded();
    assert_eq!(removed, "removed a:1\n");
    // The variable goes before the file, and a name with a registry before both.
    let mut command = sandbox.command(&["pull", "a:1"]);
    let outcome = sandbox.run(command.env("ECLI_REGISTRY", server.name("nothing/here")));
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("/nothing/here/a:1: "),
        "{}",
        outcome.stderr
    );
    let mut command = sandbox.command(&["pull", &name]);
    sandbox
        .run(command.env("ECLI_REGISTRY", "nowhere.invalid"))
        .succeeded();
}

#[test]
fn an_index_of_two_cpus_travels_whole_or_in_part() {
    let (server, sandbox) = (RegistryServer::start(), Sandbox::new());
    let cpus = ["amd64", "arm64"].map(Platform::linux);
    for cpu in &cpus {
        write(
            &sandbox,
            &format!("a:{}", cpu.architecture),
            &image("a", cpu.clone()),
        );
    }
    sandbox
        .ecli(&["index", "create", "a:1", "a:amd64", "a:arm64"])
        .succeeded();
    let twice = sandbox
        .ecli(&["index", "create", "b", "a:1", "a:arm64"])
        .succeeded();
    assert!(
        twice.starts_with("created b:latest\n  digest sha256:"),
        "{twice}"
    );
    write(&sandbox, "c:arm64", &image("c", cpus[1].clone()));
    let outcome = sandbox.ecli(&["index", "create", "b", "a:1", "c:arm64"]);
    assert!(
        outcome.stderr.contains("for linux/arm64 as well"),
        "{}",
        outcome.stderr
    );

    let name = server.name("a:1");
    let pushed = sandbox.ecli(&["push", "-q", "a:1", &name]).succeeded();
    let layout = sandbox.path("copy");
    let (source, target) = (
        format!("docker://{name}"),
        format!("oci:{}:x", text(&layout)),
    );
    let options = ["copy", "-q", "--all", "--src-tls-verify=false"];
    run("skopeo", &[&options[..], &[&source, &target]].concat());
    for cpu in &cpus {
        let read = Layout::open(&layout)
            .unwrap()
            .image(Some("x"), cpu)
            .unwrap();
        assert_eq!(read.platform.as_ref(), Some(cpu));
    }

    let part = Sandbox::new();
    part.ecli(&["pull", "--platform", "linux/arm64", &name])
        .succeeded();
    let listed = json(&part.ecli(&["list", "--json"]).succeeded());
    assert_eq!(listed[0]["platforms"], serde_json::json!(["linux/arm64"]));
    let outcome = part.ecli(&["push", &name, &server.name("b:1")]);
    assert!(
        outcome.stderr.contains("linux/amd64 was not pulled"),
        "{}",
        outcome.stderr
    );
    let alone = server.name("b:arm64");
    part.ecli(&["push", "--platform", "linux/arm64", &name, &alone])
        .succeeded();
    let raw = run(
        "skopeo",
        &[
            "inspect",
            "--tls-verify=false",
            "--raw",
            &format!("docker://{alone}"),
        ],
    );
    Manifest::parse(&raw).unwrap();
    part.ecli(&["pull", "--all-platforms", &name]).succeeded();
    let again = part
        .ecli(&["push", "-q", &name, &server.name("c:1")])
        .succeeded();
    assert_eq!(again.split('@').nth(1), pushed.split('@').nth(1));
}

#[test]
fn a_copy_takes_all_platforms_and_what_is_attached() {
    let (from, to, sandbox) = (
        RegistryServer::start(),
        RegistryServer::start(),
        Sandbox::new(),
    );
    for cpu in ["amd64", "arm64"] {
        write(
            &sandbox,
            &format!("a:{cpu}"),
            &image("a", Platform::linux(cpu)),
        );
    }
    let (source, target) = (from.name("x/a:1"), to.name("y/b:2"));
    sandbox
        .ecli(&["index", "create", &source, "a:amd64", "a:arm64"])
        .succeeded();
    let pushed = sandbox.ecli(&["push", "-q", &source]).succeeded();
    let client = client();
    let (here, there) = (reference(&source), reference(&target));
    let subject = client.resolve(&here).unwrap();
    let list = Attachment::new("application/x-list", "text/plain", b"one".to_vec());
    let listed = client.attach(&here, &subject, &list).unwrap();
    let of_list = Attachment::new("application/x-note", "text/plain", b"two".to_vec());
    client.attach(&here, &listed, &of_list).unwrap();
    let key = PrivateKey::generate().unwrap();
    let signature = Signature::sign(&key, &subject.digest).unwrap();
    client.push_signature(&here, &subject, &signature).unwrap();
    // The tag that cosign's older signatures have; any image will do.
    let tag = format!("x/a:sha256-{}.sig", subject.digest.hex());
    sandbox
        .ecli(&["push", "a:amd64", &from.name(&tag)])
        .succeeded();

    let empty = Sandbox::new();
    let plain = json(
        &empty
            .ecli(&["copy", "--json", &source, &target])
            .succeeded(),
    );
    assert_eq!(plain["digest"], pushed.trim().split('@').nth(1).unwrap());
    // Its two signatures, and nothing else.
    assert_eq!(plain["attachments"], 2);
    let there_now = client.referrers(&there, &subject.digest).unwrap();
    assert_eq!(there_now.len(), 1);
    let signatures = client.signatures(&there, &subject.digest).unwrap();
    assert_eq!(signatures.found, [signature]);
    let copied = empty
        .ecli(&["copy", "--attachments", &source, &target])
        .succeeded();
    assert!(copied.contains(", with 4 attachments\n"), "{copied}");
    let all = client.referrers(&there, &subject.digest).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(client.attachment(&there, &listed).unwrap(), list);
    let notes = client.referrers(&there, &listed.digest).unwrap();
    assert_eq!(client.attachment(&there, &notes[0]).unwrap(), of_list);
    let tag = format!("docker://{}", to.name(&tag.replace("x/a", "y/b")));
    run("skopeo", &["inspect", "--tls-verify=false", "--raw", &tag]);
    // Nothing went through a store.
    assert_eq!(empty.ecli(&["list", "-q"]).succeeded(), "");
    let one = to.name("y/b:arm64");
    empty
        .ecli(&["copy", "--platform", "linux/arm64", &source, &one])
        .succeeded();
    empty
        .ecli(&["pull", "--platform", "linux/arm64", &one])
        .succeeded();
}

#[test]
fn what_is_attached_comes_from_a_mirror_as_well() {
    let (mirror, to, sandbox) = (
        RegistryServer::start(),
        RegistryServer::start(),
        Sandbox::new(),
    );
    let keys = ["key", "generate", "--no-password", "ours"];
    sandbox.ecli(&keys).succeeded();
    let (name, other) = ("registry.invalid/tools/a:1", "registry.invalid/tools/b:1");
    for (name, place) in [(name, "cache/tools/a:1"), (other, "cache/tools/b:1")] {
        write(&sandbox, name, &image(name, Platform::host()));
        sandbox
            .ecli(&["sign", "--local", name, "--key", "ours.key"])
            .succeeded();
        sandbox
            .ecli(&["push", name, &mirror.name(place)])
            .succeeded();
    }
    let config = format!(
        "[registry.\"registry.invalid\"]\nmirrors = [\"127.0.0.1:1\", \"{}\"]\n",
        mirror.name("cache")
    );
    let user = Sandbox::new();
    user.write("config/ecli/config.toml", &config);
    std::fs::copy(sandbox.path("ours.pub"), user.path("ours.pub")).unwrap();
    let verified = user.ecli(&["verify", name, "--registry", "--key", "ours.pub"]);
    assert!(verified.succeeded().contains(" bundle by "));
    user.ecli(&["pull", name]).succeeded();
    let verified = user.ecli(&["verify", name, "--key", "ours.pub"]);
    assert!(verified.succeeded().contains(" bundle by "));
    let target = to.name("b:1");
    let copied = user.ecli(&["copy", "--json", other, &target]).succeeded();
    assert_eq!(json(&copied)["attachments"], 1);
    let verified = user.ecli(&["verify", &target, "--key", "ours.pub"]);
    assert!(verified.succeeded().contains(" bundle by "));
}

#[test]
fn mirrors_are_asked_in_order_before_the_registry_itself() {
    let (mirror, sandbox) = (RegistryServer::start(), Sandbox::new());
    let digest = write(&sandbox, "a:1", &image("a", Platform::host()));
    sandbox
        .ecli(&["push", "a:1", &mirror.name("cache/tools/a:1")])
        .succeeded();
    let config = format!(
        "[registry.\"registry.invalid\"]\nmirrors = [\"127.0.0.1:1\", \"{}\"]\n",
        mirror.name("cache")
    );
    let other = Sandbox::new();
    other.write("config/ecli/config.toml", &config);
    let name = "registry.invalid/tools/a:1";
    let outcome = other.ecli(&["pull", name]);
    assert!(
        outcome.stderr.contains("  not from mirror 127.0.0.1:1: "),
        "{}",
        outcome.stderr
    );
    assert!(outcome.succeeded().contains(&digest.to_string()));
    assert_eq!(other.ecli(&["list", "-q"]).succeeded(), format!("{name}\n"));
    let config = config.replace(&mirror.name("cache"), "no registry");
    other.write("config/ecli/config.toml", &config);
    let outcome = other.ecli(&["pull", name]);
    assert!(
        outcome.stderr.contains("use mirror \"no registry\""),
        "{}",
        outcome.stderr
    );
}

#[test]
fn damage_is_found_and_fetched_again() {
    let (_server, name, _) = serving();
    let sandbox = Sandbox::new();
    sandbox.ecli(&["pull", &name]).succeeded();
    write(&sandbox, "local:1", &image("local", Platform::host()));
    let sound = sandbox.ecli(&["store", "check"]).succeeded();
    assert!(
        sound.starts_with("2 images, ") && sound.ends_with("all sound\n"),
        "{sound}"
    );
    let blobs = std::fs::read_dir(sandbox.store().join("blobs/sha256")).unwrap();
    for blob in blobs {
        std::fs::write(blob.unwrap().path(), "garbage").unwrap();
    }
    let outcome = sandbox.ecli(&["store", "check"]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("`ecli store check --repair`"),
        "{}",
        outcome.stderr
    );
    let outcome = sandbox.ecli(&["store", "check", "--repair", "--json"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    let report = json(&outcome.stdout);
    assert_eq!(report["repaired"], serde_json::json!([name]));
    assert_eq!(
        report["problems"][0]["images"],
        serde_json::json!(["local:1"])
    );
    sandbox.ecli(&["rm", "local:1"]).succeeded();
    sandbox.ecli(&["store", "check"]).succeeded();
    assert_eq!(
        sandbox.ecli(&["store", "path"]).succeeded(),
        "$SANDBOX/store\n"
    );
    let info = json(&sandbox.ecli(&["store", "info", "--json"]).succeeded());
    assert_eq!(info["images"], 1);
}

#[test]
fn archives_are_saved_and_loaded_by_us_and_others() {
    let sandbox = Sandbox::new();
    let digest = write(&sandbox, "a:1", &image("a", Platform::host()));
    write(&sandbox, "b:1", &image("b", Platform::host()));
    for (file, compression, magic) in [
        ("x.tar", &[][..], &b"oci-layout"[..]),
        ("x.tar.gz", &[], b"\x1f\x8b"),
        ("x.tar.zst", &[], b"\x28\xb5\x2f\xfd"),
        ("x", &["--compression", "zstd"], b"\x28\xb5\x2f\xfd"),
    ] {
        sandbox
            .ecli(&[&["save", "-o", file, "a:1", "b:1"], compression].concat())
            .succeeded();
        let path = sandbox.path(file);
        let content = std::fs::read(&path).unwrap();
        assert!(content.starts_with(magic), "{file}");
        let other = Sandbox::new();
        let loaded = other.ecli(&["load", "-i", text(&path)]).succeeded();
        assert_eq!(loaded, "loaded a:1\nloaded b:1\n");
        let outcome = other.ecli(&["load", "-i", text(&path), "c:1"]);
        assert!(
            outcome.stderr.contains("2 images, but one name"),
            "{}",
            outcome.stderr
        );
    }
    let source = format!("oci-archive:{}:a:1", text(&sandbox.path("x.tar")));
    let raw = run("skopeo", &["inspect", "--raw", &source]);
    assert_eq!(Digest::of(&raw), digest);
    let target = format!("oci-archive:{}:z:1", text(&sandbox.path("theirs.tar")));
    run("skopeo", &["copy", "-q", &source, &target]);
    let other = Sandbox::new();
    let mut command = other.command(&["load", "-q"]);
    let theirs = std::fs::File::open(sandbox.path("theirs.tar")).unwrap();
    assert_eq!(other.run(command.stdin(theirs)).succeeded(), "z:1\n");
    // An archive that cannot be written whole leaves nothing, and an old one as it was.
    let before = std::fs::read(sandbox.path("x.tar")).unwrap();
    let blob = sandbox.store().join("blobs/sha256").join(digest.hex());
    std::fs::write(blob, "garbage").unwrap();
    assert_eq!(sandbox.ecli(&["save", "-o", "x.tar", "a:1"]).code, 1);
    assert_eq!(std::fs::read(sandbox.path("x.tar")).unwrap(), before);
}

/// Runs Python with the client `oras` that scripts/setup installs.
fn oras(script: &str) {
    let cache = concat!(env!("CARGO_MANIFEST_DIR"), "/../.cache");
    let folder = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let python = folder
        .map(|entry| entry.path())
        .find(|path| text(path).contains("/oras-"))
        .expect("`scripts/setup test` installs oras into .cache/")
        .join("bin/python");
    let setting = "import oras.client\nclient = oras.client.OrasClient(insecure=True)\n";
    run(text(&python), &["-c", &format!("{setting}{script}")]);
}

#[test]
fn oras_reads_what_we_push_and_we_pull_what_it_pushes() {
    let (server, name, _) = serving();
    let sandbox = Sandbox::new();
    let theirs = sandbox.path("theirs");
    std::fs::create_dir(&theirs).unwrap();
    oras(&format!(
        "client.pull(target='{name}', outdir='{}')",
        text(&theirs)
    ));
    let object = std::fs::read(theirs.join("tool")).unwrap();
    assert_eq!(object, b"\x7fELF a");
    let component = theirs.join("component.wasm");
    let target = server.name("from/oras:1");
    oras(&format!(
        "client.push(target='{target}', files=['{}:application/wasm'], \
         disable_path_validation=True)",
        text(&component)
    ));
    sandbox.ecli(&["pull", &target]).succeeded();
    let store = Store::open(sandbox.store()).unwrap();
    let read = store.image(&reference(&target), &Platform::host()).unwrap();
    assert_eq!(
        read.component.unwrap().bytes,
        std::fs::read(component).unwrap()
    );
}
