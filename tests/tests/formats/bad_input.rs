//! What bad packages get: an error that names the field.

use anyhow::{Result, ensure};
use base64::Engine as _;
use serde_json::{Value, json};

use super::forms::package;
use super::running::{file, object, refused};

fn meta() -> Value {
    json!({
        "bpf_skel": {
            "obj_name": "execs_bpf",
            "maps": [{ "name": "events", "ident": "events", "mmaped": false }],
            "progs": [{ "name": "handle_exec", "attach": "", "link": true }],
        },
        "export_types": [{ "name": "event", "members": [{ "name": "pid" }] }],
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> Result<Vec<u8>> {
    let mut meta = meta();
    change(&mut meta);
    package(&object("execs")?, &meta)
}

fn document(change: impl FnOnce(&mut Value)) -> Result<Vec<u8>> {
    let mut document = serde_json::from_slice(&package(&object("execs")?, &meta())?)?;
    change(&mut document);
    Ok(serde_json::to_vec(&document)?)
}

#[test]
fn every_wrong_field_is_named() -> Result<()> {
    let bomb = {
        let zeros = vec![0; 8 << 20];
        let packed: Value = serde_json::from_slice(&package(&zeros, &json!({}))?)?;
        packed["bpf_object"].clone()
    };
    let not_zlib = base64::engine::general_purpose::STANDARD.encode("plain");
    let mut big_endian = object("execs")?;
    big_endian[5] = 2;
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            document(|it| it["bpf_object"] = "!".into())?,
            "bpf_object: it is not base64",
        ),
        (
            document(|it| it["bpf_object"] = not_zlib.into())?,
            "bpf_object: it is not zlib",
        ),
        (
            document(|it| it["bpf_object"] = bomb)?,
            "bpf_object: it unpacks to more bytes",
        ),
        (
            document(|it| it["bpf_object_size"] = 7.into())?,
            "bpf_object_size says 7",
        ),
        (
            document(|it| it["bpf_object_size"] = (1u64 << 60).into())?,
            "bpf_object_size: ",
        ),
        (
            document(|it| drop(it["meta"].take()))?,
            "this is no eunomia package",
        ),
        (
            b"{\"some\": \"json\"}".to_vec(),
            "missing field `bpf_object`",
        ),
        (
            package(&big_endian, &meta())?,
            "bpf_object: it is a big-endian",
        ),
        (
            package(b"\x7fELF", &meta())?,
            "bpf_object: the ELF file ends",
        ),
        (
            changed(|it| it["bpf_skel"]["maps"][0]["name"] = "nope".into())?,
            "meta.bpf_skel.maps: map `nope`",
        ),
        (
            changed(|it| it["bpf_skel"]["progs"][0]["name"] = "nope".into())?,
            "meta.bpf_skel.progs: the object has no program `nope`",
        ),
        (
            changed(|it| it["export_types"][0]["name"] = "nope".into())?,
            "meta.export_types[nope]",
        ),
        (
            changed(|it| it["export_types"][0]["size"] = 7.into())?,
            "meta.export_types[event]: size: 7 bytes",
        ),
        (
            changed(|it| it["export_types"][0]["members"][0]["name"] = "nope".into())?,
            "meta.export_types[event]: members[nope]",
        ),
        (
            changed(|it| {
                it["enable_multiple_export_types"] = true.into();
                it["bpf_skel"]["maps"][0]["export_config"] = json!({ "btf_type_id": 99999 });
            })?,
            "meta.bpf_skel.maps[events]: ",
        ),
        (
            changed(|it| it["bpf_skel"]["maps"][0]["sample"] = json!({ "interval": 0 }))?,
            "meta.bpf_skel.maps[events]: sample.interval",
        ),
    ];
    for (bytes, reason) in cases {
        let folder = tempfile::tempdir()?;
        let path = file(folder.path(), "package.json", &bytes)?;
        let said = refused(&[&path])?;
        ensure!(said.contains(reason), "{reason}: {said}");
    }
    Ok(())
}

#[test]
fn objects_that_are_none_are_called_by_their_names() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let own = std::fs::read("/proc/self/exe")?;
    let cut = object("execs")?[..100].to_vec();
    for (bytes, reason) in [
        (own, "not for BPF"),
        (cut, "read"),
        (b"\x7fELF".to_vec(), "ends"),
    ] {
        let path = file(folder.path(), "x.o", &bytes)?;
        let said = refused(&[&path])?;
        ensure!(said.contains(reason), "{reason}: {said}");
    }
    let said = refused(&["http://192.0.2.1/package.json"])?;
    ensure!(said.contains("without TLS"), "{said}");
    Ok(())
}
